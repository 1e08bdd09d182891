#include "engine/growing_index.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace shearline::engine {
namespace {

// With each write, so that the next index has all of them when one slot in 64 more is in use. A step is a few
// microseconds.
constexpr std::size_t slots_per_step = 64;

}  // namespace

GrowingIndex::GrowingIndex(const EntryStore& entries, const Turns& turns, std::size_t wanted)
    : entries_(entries), turns_(turns), shown_(std::make_unique<Index>(wanted)), published_(shown_.get()) {}

bool GrowingIndex::is_it(std::uint32_t entry, SlotKind kind, KeyedHash hash) const {
  if (kind == SlotKind::foreign_key && !entries_.entry(entry).standing.has_foreign_key) return false;
  return entries_.hash_of(entry, kind) == hash;
}

Index::Probe GrowingIndex::find(const Index& in, SlotKind kind, KeyedHash hash) const {
  return in.find(kind, hash, [&](std::uint32_t entry) { return is_it(entry, kind, hash); });
}

std::size_t GrowingIndex::position_in_next(SlotKind kind, KeyedHash hash, std::uint32_t entry) const {
  const Index::Probe there = next_->find(kind, hash, [entry](std::uint32_t other) { return other == entry; });
  SHEARLINE_CHECK(there.entry == entry);
  return there.position;
}

void GrowingIndex::point_at(SlotKind kind, KeyedHash hash, std::uint32_t entry) {
  grow_a_step();
  if (const Index::Probe there = find(*shown_, kind, hash); there.entry != no_entry) {
    shown_->replace(there.position, entry);
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.Move): what is_copied() says of a next_ that was shown is not seen
    if (is_copied(there.position)) next_->replace(position_in_next(kind, hash, there.entry), entry);
    return;
  }
  const std::size_t position = shown_->insert(kind, hash, entry);
  if (is_copied(position)) next_->insert(kind, hash, entry);
}

void GrowingIndex::forget(SlotKind kind, KeyedHash hash, std::uint32_t entry) {
  const Index::Probe there = find(*shown_, kind, hash);
  if (there.entry != entry) return;
  shown_->remove(there.position);
  if (is_copied(there.position)) next_->remove(position_in_next(kind, hash, entry));
}

void GrowingIndex::grow_a_step() {
  if (is_growing()) return copy_some();
  if (shown_->has_room()) return;
  // Twice the slots; or as many, when half of them hold only what was removed, which does not come along.
  next_ = std::make_unique<Index>(std::max(shown_->in_use() * 2, shown_->slots_count() * 3 / 4));
  copied_ = 0;
  next_->prefault();
}

void GrowingIndex::copy_some() {
  if (!next_->is_prefaulted() && !shown_->is_tight()) return;
  const std::size_t slots = shown_->slots_count();
  const std::size_t end = std::min(copied_ + slots_per_step, slots);
  for (; copied_ < end; ++copied_) {
    const Index::Used used = shown_->at(copied_);
    if (used.entry != no_entry) next_->insert(used.kind, entries_.hash_of(used.entry, used.kind), used.entry);
  }
  if (copied_ == slots) return show_next();
  // The hashes that the next step needs are on their way until then.
  for (std::size_t position = end; position < std::min(end + slots_per_step, slots); ++position) {
    const std::uint32_t entry = shown_->at(position).entry;
    if (entry != no_entry) __builtin_prefetch(&entries_.entry(entry));
  }
}

void GrowingIndex::show_next() {
  published_.store(next_.get(), std::memory_order_release);
  outgrown_.push_back({turns_.current(), std::exchange(shown_, std::move(next_))});
}

void GrowingIndex::reclaim(std::uint64_t epoch) {
  if (outgrown_.empty() || outgrown_.front().epoch >= epoch) return;
  if (!outgrown_.front().index->release_some()) outgrown_.pop_front();
}

}  // namespace shearline::engine
