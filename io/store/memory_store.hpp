// The store in memory: simulation, unit tests, and `--store memory` for trying things out. Keeps every
// promise of RawStore; what is waiting in changes() and read_group() is woken by the put or append itself.
// One thread.
#pragma once

#include "io/loop/loop.hpp"
#include "io/store/store.hpp"

#include <memory>

namespace shearline::store {

// loop may be null: then waits return at once (pure unit tests without fibers).
std::unique_ptr<RawStore> make_memory_store(loop::Loop* loop, Clock& clock);

}  // namespace shearline::store
