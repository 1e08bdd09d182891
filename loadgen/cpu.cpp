#include "loadgen/cpu.hpp"

#include <sched.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <vector>

namespace shearline::loadgen {

CpuUse cpu_use_of_this_thread() {
  CpuUse use;
  use.elapsed_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::steady_clock::now().time_since_epoch())
                       .count();
  // "nanoseconds on a core, nanoseconds waiting for one, time slices"
  long long ran = 0;
  long long waited = 0;
  std::FILE* file = std::fopen("/proc/thread-self/schedstat", "re");
  const bool is_known = file != nullptr && std::fscanf(file, "%lld %lld", &ran, &waited) == 2 && ran > 0;
  if (file != nullptr) std::fclose(file);
  if (is_known) {
    use.wanted_ns = ran + waited;
  } else {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    use.wanted_ns = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
  }
  return use;
}

bool pin_this_thread(std::size_t number, std::size_t threads) {
  cpu_set_t allowed;
  if (threads < 2 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  std::vector<int> cores;
  for (int core = CPU_SETSIZE - 1; core >= 0; --core) {
    if (CPU_ISSET(core, &allowed)) cores.push_back(core);
  }
  if (cores.size() < threads) return false;
  cpu_set_t mine;
  CPU_ZERO(&mine);
  CPU_SET(cores[number], &mine);
  return sched_setaffinity(0, sizeof mine, &mine) == 0;
}

}  // namespace shearline::loadgen
