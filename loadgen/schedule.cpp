#include "loadgen/schedule.hpp"

#include <chrono>

namespace shearline::loadgen {

std::int64_t SteadyTime::now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace shearline::loadgen
