// How every ring of ours is made, said once: uring.cpp builds loops with it and uring_probe.cpp asks the
// kernel for exactly the same.
#pragma once

#include <liburing.h>

#include <atomic>

namespace shearline::loop {

// SINGLE_ISSUER and DEFER_TASKRUN: completions appear only when the owner enters the kernel, so nothing
// interrupts a batch. SUBMIT_ALL: one bad entry does not hold back the rest. CQSIZE: room for a burst of
// multishot completions between two turns.
inline io_uring_params ring_params(unsigned entries) {
  io_uring_params params{};
  params.flags =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  params.cq_entries = entries * 4;
  return params;
}

// After a ring is made and before it is unmade. One thread's ring may lie where another's lay before; the kernel
// orders the two, but liburing calls it by itself, so ThreadSanitizer sees neither and would report a race.
inline void order_ring_memory() {
  static std::atomic<unsigned> rings{0};
  rings.fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace shearline::loop
