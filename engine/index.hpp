// The table's index: open addressing with linear probing over 8-byte slots, each a piece of the hash and the
// number of an entry. Readers probe without locks, one writer changes one slot at a time; the slots' owner
// compares whole hashes, for which the index knows no entries.
#pragma once

#include "engine/keyed_hash.hpp"
#include "engine/region.hpp"

#include <atomic>
#include <cstdint>

namespace shearline::engine {

inline constexpr std::uint32_t no_entry = UINT32_MAX;

// A credential is found by its client id, and an imported api_key also by what it hashes to.
enum class SlotKind : std::uint8_t { client, foreign_key };

class Index {
 public:
  // As few slots as have room for `wanted`.
  explicit Index(std::size_t wanted);

  struct Probe {
    std::uint32_t entry = no_entry;
    std::size_t position = 0;
  };
  void prefetch(KeyedHash hash) const { __builtin_prefetch(&slots_[hash.low & mask_]); }
  // The first slot that may be the one; next() goes on when the entry turns out to be another's.
  Probe first(SlotKind kind, KeyedHash hash) const { return probe(kind, hash, hash.low & mask_); }
  Probe next(SlotKind kind, KeyedHash hash, Probe after) const {
    return probe(kind, hash, (after.position + 1) & mask_);
  }

  // Writer only. has_room(): three quarters are not yet taken. A few more may be while the next index is filled,
  // but never the last eighth, so that probing ends.
  bool has_room() const { return (taken_ + 1) * 4 <= slots_count() * 3; }
  std::size_t insert(SlotKind kind, KeyedHash hash, std::uint32_t entry);  // its position; not there yet
  void replace(std::size_t position, std::uint32_t entry);
  void remove(std::size_t position);
  std::size_t slots_count() const { return mask_ + 1; }
  std::size_t in_use() const { return in_use_; }
  struct Used {
    SlotKind kind = SlotKind::client;
    std::uint32_t entry = no_entry;  // no_entry: the slot is not in use
  };
  Used at(std::size_t position) const {
    const std::uint64_t slot = slots_[position].load(std::memory_order_relaxed);
    if (!is_used(slot)) return {};
    return {slot >> 63 != 0 ? SlotKind::foreign_key : SlotKind::client, entry_of(slot)};
  }
  // For an index that no reader can see any more: gives some memory back to the system. false: there is none left.
  bool release_some();

 private:
  using Slot = std::atomic<std::uint64_t>;  // 1 bit kind, 31 bits of the hash, 32 bits entry + 2
  static constexpr std::uint64_t empty = 0;
  static constexpr std::uint64_t removed = 1;  // probing goes on over it
  static bool is_used(std::uint64_t slot) { return slot > removed; }
  static std::uint32_t entry_of(std::uint64_t slot) { return static_cast<std::uint32_t>(slot) - 2; }
  static std::uint64_t make_slot(SlotKind kind, KeyedHash hash, std::uint32_t entry) {
    return static_cast<std::uint64_t>(kind) << 63 | hash.high >> 33 << 32 | (entry + 2);
  }

  Probe probe(SlotKind kind, KeyedHash hash, std::size_t position) const {
    const std::uint64_t wanted = make_slot(kind, hash, 0) >> 32;
    for (;; position = (position + 1) & mask_) {
      // Acquire: whoever finds the number also finds the entry behind it written.
      const std::uint64_t slot = slots_[position].load(std::memory_order_acquire);
      if (slot == empty) return {};
      if (is_used(slot) && slot >> 32 == wanted) return {entry_of(slot), position};
    }
  }

  std::size_t mask_;
  Region memory_;
  Slot* slots_;
  std::size_t taken_ = 0;  // in use or removed: what probing walks over
  std::size_t in_use_ = 0;
};

}  // namespace shearline::engine
