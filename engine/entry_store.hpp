// Where entries live: arrays that grow and never move, addressed by number, with a free list. Used by the
// table alone. Readers only follow numbers that a slot of the index gave them.
#pragma once

#include "engine/entry.hpp"
#include "engine/index.hpp"
#include "engine/region.hpp"

#include <cstdint>
#include <vector>

namespace shearline::engine {

// Credentials and the entries that still wait for readers. Only addresses are taken for so many at once.
inline constexpr std::size_t entries_max = std::size_t{1} << 26;

class EntryStore {
 public:
  // The midstates under a second pepper lie beside the entries, where there is one.
  explicit EntryStore(bool has_second_pepper);
  ~EntryStore();  // wipes what is still there
  EntryStore(const EntryStore&) = delete;
  EntryStore& operator=(const EntryStore&) = delete;

  // Readers. The memory was there before any slot that holds the number.
  const Entry& entry(std::uint32_t number) const { return entries()[number]; }
  const EntrySide& side(std::uint32_t number) const { return sides()[number]; }
  // Under which a slot of that kind finds the entry, which has one.
  KeyedHash hash_of(std::uint32_t number, SlotKind kind) const {
    return kind == SlotKind::client ? entry(number).client : side(number).extra->foreign_key;
  }
  const Midstates& second_midstates(std::uint32_t number) const { return seconds()[number]; }

  // Writer. A number nobody points at, its entry and side fresh; throws std::bad_alloc.
  std::uint32_t take();
  Entry& writable_entry(std::uint32_t number) { return entries()[number]; }
  EntrySide& writable_side(std::uint32_t number) { return sides()[number]; }
  Midstates& writable_second_midstates(std::uint32_t number) { return seconds()[number]; }
  void give_back(std::uint32_t number);  // wipes; no reader may look at it any more
  bool has_free() const { return !free_.empty(); }

 private:
  Entry* entries() const { return reinterpret_cast<Entry*>(entry_memory_.data()); }
  EntrySide* sides() const { return reinterpret_cast<EntrySide*>(side_memory_.data()); }
  Midstates* seconds() const { return reinterpret_cast<Midstates*>(second_memory_.data()); }
  void grow();

  const bool has_second_;
  Region entry_memory_;
  Region side_memory_;
  Region second_memory_;
  std::uint32_t used_numbers_ = 0;   // handed out so far, given back or not
  std::vector<std::uint32_t> free_;  // given back, their objects destroyed
  std::vector<bool> alive_;
};

}  // namespace shearline::engine
