#include "engine/entry_store.hpp"

#include <cassert>
#include <new>

namespace shearline::engine {

EntryStore::EntryStore() : directory_(new std::atomic<Chunk*>[chunks_max] {}) {}

EntryStore::~EntryStore() {
  for (std::uint32_t number = 0; number < used_numbers_; ++number) {
    if (alive_[number]) give_back(number);
  }
}

std::uint32_t EntryStore::take() {
  std::uint32_t number = used_numbers_;
  if (!free_.empty()) {
    number = free_.back();
    free_.pop_back();
  } else {
    if (number / chunk_entries == chunks_.size()) {
      if (chunks_.size() == chunks_max) throw std::bad_alloc();
      chunks_.push_back(std::make_unique<Chunk>());
      directory_[chunks_.size() - 1].store(chunks_.back().get(), std::memory_order_relaxed);
    }
    ++used_numbers_;
    alive_.push_back(false);
  }
  std::construct_at(&writable_entry(number));
  std::construct_at(&writable_side(number));
  alive_[number] = true;
  return number;
}

void EntryStore::give_back(std::uint32_t number) {
  assert(alive_[number]);
  alive_[number] = false;
  std::destroy_at(&writable_entry(number));  // digests and midstates wipe themselves
  std::destroy_at(&writable_side(number));
  free_.push_back(number);
}

}  // namespace shearline::engine
