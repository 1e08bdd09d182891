// The records of one partition while it is loaded: a copy of each as it stands in the store, one behind the other in
// memory that goes back to the kernel whole, so that millions leave nothing behind in the allocator. Used by
// SealedStore alone; knows neither MACs nor revisions.
#pragma once

#include "engine/region.hpp"
#include "io/store/store.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace shearline::store {

class LoadedRecords {
 public:
  LoadedRecords();

  std::size_t size() const { return count_; }
  void prefetch(std::string_view field) const;
  // What stands there under the field; empty: nothing.
  ByteView find(std::string_view field) const;
  // A value that is not empty, instead of what stood under the field. Throws std::bad_alloc.
  void put(const RawRecord& record);
  void clear();  // the memory stays, for as many records again

  template <class Visit>  // visit(RawRecord) for each, in the order in which they came
  void for_each(const Visit& visit) const {
    for (std::size_t at = 0; at < used_; at += space_of(header_at(at))) {
      if (!header_at(at).replaced) visit(record_at(at));
    }
  }

 private:
  struct Header {
    std::uint32_t value_bytes;
    std::uint16_t field_bytes;
    bool replaced;
  };
  // 24 bits of the field's hash, and where the record stands in units of 8 bytes, plus one. 0: free.
  using Slot = std::uint64_t;
  static constexpr unsigned place_bits = 40;

  Header& header_at(std::size_t at) const { return *reinterpret_cast<Header*>(memory_.data() + at); }
  static std::size_t space_of(const Header& header);
  RawRecord record_at(std::size_t at) const;
  Slot& slot_for(std::string_view field) const;  // the one that holds it, or the free one where it belongs
  std::size_t place_of(Slot slot) const {
    return ((slot & ((Slot{1} << place_bits) - 1)) - 1) * sizeof(Header);
  }
  void grow_index();

  engine::Region memory_;
  std::size_t used_ = 0;
  std::size_t count_ = 0;
  std::unique_ptr<engine::Region> index_;
  std::size_t slots_ = 0;  // a power of two, at most half of them in use
};

}  // namespace shearline::store
