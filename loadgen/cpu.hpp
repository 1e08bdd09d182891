// What a thread wants of the processor and what it gets, and a core of its own. Used by the load threads to tell their
// own slowness from the server's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shearline::loadgen {

struct CpuUse {
  std::int64_t wanted_ns = 0;  // on a core, and waiting for one that others had
  std::int64_t elapsed_ns = 0;
  CpuUse operator-(const CpuUse& earlier) const {
    return {wanted_ns - earlier.wanted_ns, elapsed_ns - earlier.elapsed_ns};
  }
};

// Where the kernel keeps no account of waiting, time on a core alone.
CpuUse cpu_use_of_this_thread();

// Of the cores this process may use, thread i of n gets one alone, from the last one backwards since servers begin at
// the first. Without effect where there are fewer cores than threads, and for a single thread: the system places that
// one better. True: pinned.
bool pin_this_thread(std::size_t number, std::size_t threads);

}  // namespace shearline::loadgen
