#include "engine/index.hpp"

#include "base/check.hpp"
#include "engine/lanes.hpp"

#include <algorithm>
#include <bit>

namespace shearline::engine {
namespace {

constexpr std::size_t slots_min = 64;

// Freeing all of a large index at once takes milliseconds where the kernel has small pages only.
constexpr std::size_t released_bytes = std::size_t{2} << 20;

std::size_t slots_for(std::size_t wanted) { return std::max(slots_min, std::bit_ceil((wanted * 4 + 2) / 3)); }

}  // namespace

Index::Index(std::size_t wanted)
    : slots_count_(slots_for(wanted)),
      mask_(slots_count_ - 1),
      memory_(slots_count_ * sizeof(Slot)),
      slots_(reinterpret_cast<Slot*>(memory_.data())) {
  static_assert(sizeof(Slot) == 8 && Slot::is_always_lock_free);
  // Zeroed pages are unused slots already: constructing each would only touch what may never be used.
}

bool Index::look_up_one(SlotKind kind, KeyedHash hash, std::uint32_t& entry) const {
  const std::uint64_t wanted = piece_of(kind, hash);
  const std::size_t home = home_of(hash);
  std::uint64_t neighbour = load(home);
  std::uint64_t found = 0;
  std::uint64_t goes_on = 0;
  std::size_t bucket = home;
  do {
    for (std::size_t i = 0; i < bucket_slots; ++i) {
      const std::uint64_t slot = load(bucket + i);
      const std::uint64_t fits = ones_if_zero(slot >> 32 ^ wanted);
      const std::uint64_t unused = ones_if_zero(slot >> 32);
      found = (found & ~fits) | (slot & fits);
      neighbour = (neighbour & unused) | (slot & ~unused);
    }
    goes_on = load(bucket + marked_by(hash)) & mark & ones_if_zero(found);
  } while (goes_on != 0 && (bucket = after(bucket)) != home);
  const std::uint64_t none = ones_if_zero(found);
  entry = entry_or_nobody((found & ~none) | (neighbour & none), hash);
  return found != 0;
}

std::uint64_t Index::look_up_some(SlotKind kind, std::span<const KeyedHash> hashes, std::uint64_t which,
                                  std::uint32_t* entries) const {
  std::uint64_t alike = 0;
  for (; which != 0; which &= which - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(which));
    alike |= std::uint64_t{look_up_one(kind, hashes[i], entries[i])} << i;
  }
  return alike;
}

std::uint64_t Index::look_up_portable(SlotKind kind, std::span<const KeyedHash> hashes,
                                      std::uint32_t* entries) const {
  return hashes.empty() ? 0 : look_up_some(kind, hashes, ~std::uint64_t{0} >> (64 - hashes.size()), entries);
}

std::uint64_t Index::look_up(SlotKind kind, std::span<const KeyedHash> hashes, std::uint32_t* entries) const {
  static const auto look =
      lanes::uses(lanes::Kernel::avx512) ? &Index::look_up_avx512 : &Index::look_up_portable;
  return (this->*look)(kind, hashes, entries);
}

std::size_t Index::insert(SlotKind kind, KeyedHash hash, std::uint32_t entry) {
  SHEARLINE_CHECK((in_use_ + 1) * 8 <= slots_count_ * 7 && entry <= entry_bits);
  for (std::size_t bucket = home_of(hash);; bucket = after(bucket)) {
    for (std::size_t position = bucket; position < bucket + bucket_slots; ++position) {
      const std::uint64_t slot = load(position);
      if (is_used(slot)) continue;
      ++in_use_;
      slots_[position].store(piece_of(kind, hash) << 32 | (slot & mark) | entry, std::memory_order_release);
      lend(beside(bucket), entry);
      return position;
    }
    if (goes_on(bucket, hash)) continue;
    ++marks_;
    const std::size_t marked = bucket + marked_by(hash);
    slots_[marked].store(load(marked) | mark, std::memory_order_release);
  }
}

void Index::replace(std::size_t position, std::uint32_t entry) {
  const std::uint64_t slot = load(position);
  SHEARLINE_CHECK(is_used(slot) && entry <= entry_bits);
  slots_[position].store((slot & ~entry_bits) | entry, std::memory_order_release);
  lend(beside(bucket_of(position)), entry);
}

void Index::remove(std::size_t position) {
  const std::uint64_t slot = load(position);
  SHEARLINE_CHECK(is_used(slot));
  --in_use_;
  slots_[position].store(slot & mark, std::memory_order_release);
  const std::size_t bucket = bucket_of(position);
  lend(beside(bucket), any_entry_of(bucket));
  lend(bucket, any_entry_of(beside(bucket)));
}

std::uint32_t Index::any_entry_of(std::size_t bucket) const {
  for (std::size_t position = bucket; position < bucket + bucket_slots; ++position) {
    if (is_used(load(position))) return entry_of(load(position));
  }
  return 0;
}

// What is lent is always an entry that a slot in use names, because whatever changes such a slot lends anew: so it is
// there as long as the entries of other slots are.
void Index::lend(std::size_t bucket, std::uint32_t entry) {
  const std::uint64_t slot = load(bucket);
  if (!is_used(slot)) slots_[bucket].store((slot & mark) | entry, std::memory_order_release);
}

bool Index::release_some() {
  memory_.shrink_to(memory_.size() - std::min(memory_.size(), released_bytes));
  return memory_.size() > 0;
}

}  // namespace shearline::engine
