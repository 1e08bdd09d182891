#include "engine/index.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <bit>
#include <memory>

namespace shearline::engine {
namespace {

constexpr std::size_t slots_min = 64;

// Freeing all of a large index at once takes milliseconds where the kernel has small pages only.
constexpr std::size_t released_bytes = std::size_t{2} << 20;

std::size_t slots_for(std::size_t wanted) { return std::max(slots_min, std::bit_ceil((wanted * 4 + 2) / 3)); }

}  // namespace

Index::Index(std::size_t wanted)
    : mask_(slots_for(wanted) - 1),
      memory_(slots_count() * sizeof(Slot)),
      slots_(reinterpret_cast<Slot*>(memory_.data())) {
  static_assert(sizeof(Slot) == 8 && Slot::is_always_lock_free);
  // Zeroed pages are empty slots already: constructing each would only touch what may never be used.
  static_assert(empty == 0);
}

std::size_t Index::insert(SlotKind kind, KeyedHash hash, std::uint32_t entry) {
  SHEARLINE_CHECK((taken_ + 1) * 8 <= slots_count() * 7);
  for (std::size_t position = hash.low & mask_;; position = (position + 1) & mask_) {
    const std::uint64_t slot = slots_[position].load(std::memory_order_relaxed);
    if (is_used(slot)) continue;
    if (slot == empty) ++taken_;
    ++in_use_;
    slots_[position].store(make_slot(kind, hash, entry), std::memory_order_release);
    return position;
  }
}

void Index::replace(std::size_t position, std::uint32_t entry) {
  const std::uint64_t slot = slots_[position].load(std::memory_order_relaxed);
  SHEARLINE_CHECK(is_used(slot));
  slots_[position].store(slot >> 32 << 32 | (entry + 2), std::memory_order_release);
}

void Index::remove(std::size_t position) {
  SHEARLINE_CHECK(is_used(slots_[position].load(std::memory_order_relaxed)));
  --in_use_;
  slots_[position].store(removed, std::memory_order_release);
}

bool Index::release_some() {
  memory_.shrink_to(memory_.size() - std::min(memory_.size(), released_bytes));
  return memory_.size() > 0;
}

}  // namespace shearline::engine
