#include "engine/entry_store.hpp"

#include "base/check.hpp"

#include <memory>
#include <new>

namespace shearline::engine {
namespace {

// 16,384 entries are 3 MiB: rare enough, and found by another thread before they are needed (region.hpp).
constexpr std::size_t grown_entries = 1 << 14;

}  // namespace

EntryStore::EntryStore(bool has_second_pepper)
    : has_second_(has_second_pepper),
      entry_memory_(0, entries_max * sizeof(Entry)),
      side_memory_(0, entries_max * sizeof(EntrySide)),
      second_memory_(0, has_second_pepper ? entries_max * sizeof(Midstates) : 0) {}

EntryStore::~EntryStore() {
  for (std::uint32_t number = 0; number < used_numbers_; ++number) {
    if (alive_[number]) give_back(number);
  }
}

void EntryStore::grow() {
  const std::size_t wanted = used_numbers_ + grown_entries;
  if (wanted > entries_max) throw std::bad_alloc();
  entry_memory_.grow_to(wanted * sizeof(Entry));
  side_memory_.grow_to(wanted * sizeof(EntrySide));
  if (has_second_) second_memory_.grow_to(wanted * sizeof(Midstates));
}

std::uint32_t EntryStore::take() {
  std::uint32_t number = used_numbers_;
  if (!free_.empty()) {
    number = free_.back();
    free_.pop_back();
  } else {
    if (used_numbers_ % grown_entries == 0) grow();
    ++used_numbers_;
    alive_.push_back(false);
  }
  std::construct_at(&writable_entry(number));
  std::construct_at(&writable_side(number));
  if (has_second_) std::construct_at(&writable_second_midstates(number));
  alive_[number] = true;
  return number;
}

void EntryStore::give_back(std::uint32_t number) {
  SHEARLINE_CHECK(alive_[number]);
  alive_[number] = false;
  std::destroy_at(&writable_entry(number));  // digests and midstates wipe themselves
  std::destroy_at(&writable_side(number));
  if (has_second_) std::destroy_at(&writable_second_midstates(number));
  free_.push_back(number);
}

}  // namespace shearline::engine
