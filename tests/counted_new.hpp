// Counts what threads allocate by any form of operator new. For test programs of their own, which take
// tests/counted_new.cpp among their sources: it replaces operator new for all of them. malloc() by itself is not counted.
#pragma once

#include <atomic>
#include <cstddef>

namespace shearline::testing {

extern thread_local bool allocations_are_counted;  // of this thread; false at first
extern std::atomic<std::size_t> allocations;       // by all threads that are counted

}  // namespace shearline::testing
