// Big zeroed memory from the kernel, for the table and whatever else holds something of every credential: never in a core
// dump (design: security.md "Never"), on huge pages where the kernel has them, because a check of one credential in
// millions is two address translations that miss. Addresses are reserved at once, so that what has grown never moves;
// memory is asked for as it is needed, and in a region that grows by megabytes, a few of them before that.
#pragma once

#include "base/bytes.hpp"
#include "engine/prefault.hpp"

#include <cstddef>

namespace shearline::engine {

class Region {
 public:
  // Reserves addresses for `bytes_max` and makes the first `bytes` usable; throws std::bad_alloc.
  Region(std::size_t bytes, std::size_t bytes_max);
  explicit Region(std::size_t bytes) : Region(bytes, bytes) {}
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // At least `bytes` become usable, zeroed, in the same place; throws std::bad_alloc.
  void grow_to(std::size_t bytes);
  // Asks the kernel for all of it now, on another thread, if it is more than a page. Meanwhile the owner may use it as atomic
  // words.
  void prefault();
  bool is_prefaulted() const { return prefault_.is_done(); }  // what was asked for is there
  // All but the first `bytes` go back to the system, and are zeros from then on.
  void shrink_to(std::size_t bytes);

  Byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }  // usable

 private:
  bool make_usable(std::size_t from, std::size_t end);
  void prefault_ahead();

  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  Byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t bytes_max_;
  // Up to here it may be used and is found already. prefault_'s while that is not done.
  std::size_t prefaulted_end_ = 0;
  Prefault prefault_;
};

}  // namespace shearline::engine
