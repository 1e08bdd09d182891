// The store in memory: simulation, unit tests, and `--store memory` for trying things out. Keeps every
// promise of RawStore; what is waiting in changes() and read_group() is woken by the put or append itself.
// One thread; several SealedStores may share one.
#pragma once

#include "io/loop/loop.hpp"
#include "io/store/store.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>

namespace shearline::store {

// All that is kept, as a value: copying it is a backup, putting an older copy back is a store that went
// backwards, editing it is someone who writes the store behind our back.
struct MemoryContents {
  struct Partition {
    std::map<std::string, Bytes, std::less<>> records;
    Bytes head;
    std::uint64_t counter = 0;  // of the newest change
    std::deque<RawChange> changes;
    std::deque<OutboxEntry> outbox;
    std::map<std::string, TimeMs, std::less<>> due;
    std::uint64_t fence = 0;
  };
  struct Group {
    std::deque<StreamEntry> entries;
    std::uint64_t last = 0;  // number of the newest entry
    std::uint64_t fence = 0;
  };
  std::array<Partition, partition_count> partitions;
  std::map<std::string, Group, std::less<>> groups;
  std::string lease_holder;
  TimeMs lease_ends_at = 0;
};

class MemoryStore : public RawStore {
 public:
  virtual MemoryContents& contents() = 0;
};

// loop may be null: then waits return at once (pure unit tests without fibers).
std::unique_ptr<MemoryStore> make_memory_store(loop::Loop* loop, Clock& clock);

}  // namespace shearline::store
