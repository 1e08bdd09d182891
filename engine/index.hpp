// The table's index: 8-byte slots in buckets of eight, a cache line each; a slot is a piece of the hash and the number
// of an entry. Readers look without locks, one writer changes one slot at a time; the slots' owner compares whole
// hashes, for which the index knows no entries.
//
// An entry stands in the bucket that its hash names or, where that was full, in the next one that had room; then one of
// the full bucket's slots is marked, which by the hash, and only those whose hash picks a marked slot look further. A look
// takes all eight slots of a bucket in the same way, whether and wherever the one it wants is there. What it comes back
// with when nothing fits is a neighbour: an entry that is there for somebody else, and costs a check of an unknown client
// what its own costs a known one. A bucket's first slot, while nothing stands in it, names an entry of the bucket beside it,
// so that an empty bucket has a neighbour, too.
#pragma once

#include "engine/keyed_hash.hpp"
#include "engine/region.hpp"

#include <atomic>
#include <cstdint>
#include <span>

namespace shearline::engine {

inline constexpr std::uint32_t no_entry = UINT32_MAX;

// A credential is found by its client id, and an imported api_key also by what it hashes to.
enum class SlotKind : std::uint8_t { client, foreign_key };

class Index {
 public:
  // As few slots as have room for `wanted`.
  explicit Index(std::size_t wanted);

  void prefetch(KeyedHash hash) const { __builtin_prefetch(&slots_[home_of(hash)]); }

  // Many at once, at most 64: bit i of the result says that entries[i] looks like the one of hashes[i]; that it is, the
  // entry must say. Otherwise entries[i] is a neighbour's; where there is none, a number below `nobodies`.
  static constexpr std::uint32_t nobodies = 64;
  std::uint64_t look_up(SlotKind kind, std::span<const KeyedHash> hashes, std::uint32_t* entries) const;

  struct Probe {
    std::uint32_t entry = no_entry;
    std::size_t position = 0;
  };
  // The one of which is_it(entry) is true, among those that look like it.
  template <class IsIt>
  Probe find(SlotKind kind, KeyedHash hash, IsIt is_it) const {
    const std::uint64_t wanted = piece_of(kind, hash);
    const std::size_t home = home_of(hash);
    std::size_t bucket = home;
    do {
      for (std::size_t position = bucket; position < bucket + bucket_slots; ++position) {
        const std::uint64_t slot = load(position);
        if (slot >> 32 == wanted && is_it(entry_of(slot))) return {entry_of(slot), position};
      }
    } while (goes_on(bucket, hash) && (bucket = after(bucket)) != home);
    return {};
  }

  // Writer only. has_room(): three quarters are not yet in use. A few more may be while the next index is filled, but never
  // the last eighth. Marks outlive what was removed; before there are so many that they mean nothing any more, a new index
  // is due as well.
  bool has_room() const { return (in_use_ + 1) * 4 <= slots_count_ * 3 && marks_ * 8 <= slots_count_; }
  // The last eighth is near: filling the next index can wait no longer.
  bool is_tight() const { return in_use_ * 16 >= slots_count_ * 13; }
  std::size_t insert(SlotKind kind, KeyedHash hash, std::uint32_t entry);  // its position; not there yet
  void replace(std::size_t position, std::uint32_t entry);
  void remove(std::size_t position);
  std::size_t slots_count() const { return slots_count_; }
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
  // Asks the kernel for its memory, which takes a while where it is large: until then it is better left alone.
  void prefault() { memory_.prefault(); }
  bool is_prefaulted() const { return memory_.is_prefaulted(); }
  // For an index that no reader can see any more: gives some memory back to the system. false: there is none left.
  bool release_some();

 private:
  // 1 bit kind, 1 bit that is always set, 30 bits of the hash; 1 bit mark, 31 bits entry. Of a slot that is not in use only
  // the lower half may be set: the mark and, in a bucket's first slot, the entry that is lent to it.
  using Slot = std::atomic<std::uint64_t>;
  static constexpr std::size_t bucket_slots = 8;
  static constexpr std::uint64_t mark = std::uint64_t{1} << 31;  // stays when the slot's entry goes
  static constexpr std::uint64_t entry_bits = mark - 1;
  static bool is_used(std::uint64_t slot) { return slot >> 32 != 0; }
  static std::uint32_t entry_of(std::uint64_t slot) { return static_cast<std::uint32_t>(slot & entry_bits); }
  static std::uint32_t entry_or_nobody(std::uint64_t slot, KeyedHash hash) {
    const std::uint32_t entry = entry_of(slot);
    return entry | (nobody_for(hash) & (0 - ((entry - 1) >> 31)));  // none is as large as the last bit
  }
  // The upper half of a slot; never that of an unused one.
  static std::uint64_t piece_of(SlotKind kind, KeyedHash hash) {
    return static_cast<std::uint64_t>(kind) << 31 | std::uint64_t{1} << 30 | hash.high >> 34;
  }

  // Acquire: whoever finds the number also finds the entry behind it written.
  std::uint64_t load(std::size_t position) const { return slots_[position].load(std::memory_order_acquire); }
  std::size_t home_of(KeyedHash hash) const { return hash.low & mask_ & ~(bucket_slots - 1); }
  std::size_t after(std::size_t bucket) const { return (bucket + bucket_slots) & mask_; }
  static std::size_t marked_by(KeyedHash hash) { return hash.high % bucket_slots; }
  static std::uint32_t nobody_for(KeyedHash hash) { return static_cast<std::uint32_t>(hash.high % nobodies); }
  bool goes_on(std::size_t bucket, KeyedHash hash) const {
    return (load(bucket + marked_by(hash)) & mark) != 0;
  }
  // All ones where `x` is zero, without a branch: the compiler is not to see what the value means.
  static std::uint64_t ones_if_zero(std::uint64_t x) {
    asm volatile("" : "+r"(x));
    return ((x | (0 - x)) >> 63) - 1;
  }
  // True when `entry` looks like the one wanted.
  bool look_up_one(SlotKind kind, KeyedHash hash, std::uint32_t& entry) const;
  std::uint64_t look_up_some(SlotKind kind, std::span<const KeyedHash> hashes, std::uint64_t which,
                             std::uint32_t* entries) const;
  std::uint64_t look_up_portable(SlotKind kind, std::span<const KeyedHash> hashes,
                                 std::uint32_t* entries) const;
  // Only where the lanes have an AVX-512 kernel: it asks for the same of the processor.
  std::uint64_t look_up_avx512(SlotKind kind, std::span<const KeyedHash> hashes,
                               std::uint32_t* entries) const;

  static std::size_t bucket_of(std::size_t position) { return position & ~(bucket_slots - 1); }
  static std::size_t beside(std::size_t bucket) { return bucket ^ bucket_slots; }
  std::uint32_t any_entry_of(std::size_t bucket) const;  // 0: none
  void lend(std::size_t bucket, std::uint32_t entry);

  const std::size_t slots_count_;
  const std::size_t mask_;
  Region memory_;
  Slot* slots_;
  std::size_t in_use_ = 0;
  std::size_t marks_ = 0;
};

}  // namespace shearline::engine
