// The table's index as its one writer keeps it: the one that readers are shown and, when that is three quarters
// full, the next one, which is filled a few slots with each write and shown when it has them all. So no reader ever waits
// for an index to grow; nor does the writer, unless the kernel takes longer to find memory for the next one than the
// writer to fill the shown one to thirteen sixteenths. Used by the table alone; knows no facts of credentials.
//
// While it grows, which begins when the memory is there, the next index holds what stands in the shown one below `copied_`. Each write goes to the shown
// one, and to the next one too if it fell below that mark; above it the copying is still to come. Readers know
// nothing of this: they find the shown index by one load, as at any other time.
#pragma once

#include "engine/entry_store.hpp"
#include "engine/index.hpp"
#include "engine/turns.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

namespace shearline::engine {

class GrowingIndex {
 public:
  // Room for `wanted` before it grows; borrows both.
  GrowingIndex(const EntryStore& entries, const Turns& turns, std::size_t wanted);

  // Readers, within a turn.
  const Index& shown() const { return *published_.load(std::memory_order_acquire); }
  bool is_it(std::uint32_t entry, SlotKind kind, KeyedHash hash) const;  // whole hashes compared
  // no_entry if it is not there.
  Index::Probe find(const Index& in, SlotKind kind, KeyedHash hash) const;

  // Writer.
  std::uint32_t entry_of(SlotKind kind, KeyedHash hash) const { return find(*shown_, kind, hash).entry; }
  void point_at(SlotKind kind, KeyedHash hash, std::uint32_t entry);
  void forget(SlotKind kind, KeyedHash hash, std::uint32_t entry);  // nothing if another entry is there
  bool is_growing() const { return next_ != nullptr; }
  // What was outgrown before `epoch` goes back to the system, some of it with each call.
  void reclaim(std::uint64_t epoch);
  bool has_outgrown() const { return !outgrown_.empty(); }

 private:
  struct Outgrown {
    std::uint64_t epoch;  // in which it was last shown
    std::unique_ptr<Index> index;
  };

  bool is_copied(std::size_t position) const { return is_growing() && position < copied_; }
  std::size_t position_in_next(SlotKind kind, KeyedHash hash, std::uint32_t entry) const;
  void grow_a_step();
  void copy_some();
  void show_next();

  const EntryStore& entries_;
  const Turns& turns_;
  std::unique_ptr<Index> shown_;  // what published_ points at
  std::unique_ptr<Index> next_;   // while it grows
  std::size_t copied_ = 0;        // slots of the shown one
  std::atomic<const Index*> published_;
  std::deque<Outgrown> outgrown_;
};

}  // namespace shearline::engine
