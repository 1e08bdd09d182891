#include "engine/index.hpp"

#include "base/check.hpp"

#include <bit>
#include <memory>

namespace shearline::engine {
namespace {

constexpr std::size_t slots_min = 64;

std::size_t slots_for(std::size_t wanted) {
  return std::bit_ceil(wanted < slots_min / 2 ? slots_min : wanted + wanted / 3 + 1);
}

}  // namespace

Index::Index(std::size_t wanted)
    : mask_(slots_for(wanted) - 1),
      memory_(slots_count() * sizeof(Slot)),
      slots_(reinterpret_cast<Slot*>(memory_.data())) {
  static_assert(sizeof(Slot) == 8 && Slot::is_always_lock_free);
  // Zeroed pages are empty slots already: constructing each would only touch what may never be used.
  static_assert(empty == 0);
}

void Index::insert(SlotKind kind, KeyedHash hash, std::uint32_t entry) {
  SHEARLINE_CHECK(has_room());
  for (std::size_t position = hash.low & mask_;; position = (position + 1) & mask_) {
    const std::uint64_t slot = slots_[position].load(std::memory_order_relaxed);
    if (is_used(slot)) continue;
    if (slot == empty) ++taken_;
    ++in_use_;
    slots_[position].store(make_slot(kind, hash, entry), std::memory_order_release);
    return;
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

}  // namespace shearline::engine
