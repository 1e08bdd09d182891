// What several benchmarks need to measure one thread: the clock, its core, and whether it was interrupted. Used by bench/
// alone.
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <chrono>

namespace shearline::bench {

using Time = std::chrono::steady_clock;

inline double us_since(Time::time_point begin) {
  return std::chrono::duration<double, std::micro>(Time::now() - begin).count();
}

// What the calling thread has had of its core: others who share the machine do not lengthen it, waiting does not count.
inline double cpu_us() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e6 + static_cast<double>(at.tv_nsec) / 1e3;
}

// The calling thread, to the n-th core that the process may use; with fewer cores than that, nowhere else than before.
inline void pin_to_core(int n) {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) CPU_ZERO(&set);
    return set;
  }();
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || n-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

// How often the kernel has given the calling thread's core to somebody else.
inline long involuntary_switches() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

}  // namespace shearline::bench
