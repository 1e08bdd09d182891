// Where entries live: chunks of kernel memory that never move, addressed by number, with a free list. Used by
// the table alone. Readers only follow numbers that a slot of the index gave them.
#pragma once

#include "engine/entry.hpp"
#include "engine/region.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace shearline::engine {

class EntryStore {
 public:
  EntryStore();
  ~EntryStore();  // wipes what is still there
  EntryStore(const EntryStore&) = delete;
  EntryStore& operator=(const EntryStore&) = delete;

  // Readers. The chunk was published before any slot that holds the number, so relaxed is enough.
  const Entry& entry(std::uint32_t number) const { return at(number)->entry(number % chunk_entries); }
  const EntrySide& side(std::uint32_t number) const { return at(number)->side(number % chunk_entries); }

  // Writer. A number nobody points at, its entry and side fresh; throws std::bad_alloc.
  std::uint32_t take();
  Entry& writable_entry(std::uint32_t number) { return at(number)->entry(number % chunk_entries); }
  EntrySide& writable_side(std::uint32_t number) { return at(number)->side(number % chunk_entries); }
  void give_back(std::uint32_t number);  // wipes; no reader may look at it any more
  bool has_free() const { return !free_.empty(); }

 private:
  static constexpr std::size_t chunk_entries = 1 << 14;  // 4.5 MiB
  static constexpr std::size_t chunks_max = 1 << 14;     // 268 million credentials

  class Chunk {
   public:
    Chunk() : memory_(chunk_entries * (sizeof(Entry) + sizeof(EntrySide))) {}
    Entry& entry(std::size_t i) { return reinterpret_cast<Entry*>(memory_.data())[i]; }
    EntrySide& side(std::size_t i) {
      return reinterpret_cast<EntrySide*>(memory_.data() + chunk_entries * sizeof(Entry))[i];
    }

   private:
    Region memory_;
  };
  Chunk* at(std::uint32_t number) const {
    return directory_[number / chunk_entries].load(std::memory_order_relaxed);
  }

  std::unique_ptr<std::atomic<Chunk*>[]> directory_;
  std::vector<std::unique_ptr<Chunk>> chunks_;  // the same, as owner
  std::uint32_t used_numbers_ = 0;              // handed out so far, given back or not
  std::vector<std::uint32_t> free_;             // given back, their objects destroyed
  std::vector<bool> alive_;
};

}  // namespace shearline::engine
