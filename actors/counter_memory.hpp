// What this node remembers of the store between two lives: the newest change counter of every partition it has seen, in
// its data folder. A store that comes back with less was put back in time (design: security.md "Record integrity").
// Owner: the replica. One small file, replaced as a whole; losing its newest seconds only lowers the floor.
#pragma once

#include "base/error.hpp"
#include "io/store/store.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace shearline::actors {

class CounterMemory {
 public:
  // path: empty keeps nothing on disk (memory store, tests).
  explicit CounterMemory(std::string path) : path_(std::move(path)) {}

  // invalid: the file is not one of ours. A missing file is a node's first life.
  Status read();
  std::uint64_t floor(unsigned partition) const { return counters_[partition]; }
  void note(unsigned partition, std::uint64_t counter);  // only ever raises the floor
  // A running node that saw its store lose writes, and has proven that nothing of what it knows is missing any more, takes
  // the store's own count. It says so.
  void lower(unsigned partition, std::uint64_t counter);
  Status write();  // nothing when nothing changed

 private:
  std::string path_;
  std::array<std::uint64_t, store::partition_count> counters_{};
  bool changed_ = false;
};

}  // namespace shearline::actors
