// When the frames of an open-loop run are due, whether or not the server has answered the ones before. Used by one
// load thread each; pure: it is asked for the next moment and knows no clock.
#pragma once

#include "base/random.hpp"

#include <cmath>
#include <cstdint>

namespace shearline::loadgen {

enum class Arrivals : std::uint8_t { constant, poisson };

// The run's clock, in nanoseconds from any beginning; never backwards. Tests drive their own.
class Time {
 public:
  virtual ~Time() = default;
  virtual std::int64_t now_ns() = 0;
};

class SteadyTime final : public Time {
 public:
  std::int64_t now_ns() override;
};

class Schedule {
 public:
  // `phase`, 0 to 1, of the first gap: threads that share a constant rate begin at different ones. Independent
  // Poisson schedules add up to a Poisson schedule by themselves.
  Schedule(double per_second, Arrivals arrivals, double phase, std::uint64_t seed, std::int64_t start_ns)
      : gap_ns_(1e9 / per_second), arrivals_(arrivals), start_ns_(start_ns), random_(seed) {
    at_ns_ = arrivals == Arrivals::constant ? phase * gap_ns_ : exponential_gap();
  }

  std::int64_t due_ns() const { return start_ns_ + static_cast<std::int64_t>(at_ns_); }
  void advance() { at_ns_ += arrivals_ == Arrivals::constant ? gap_ns_ : exponential_gap(); }

 private:
  double exponential_gap() {
    // In (0, 1]: the logarithm of it is finite.
    const double uniform = std::ldexp(static_cast<double>(random_.next_u64() >> 11) + 1, -53);
    return -std::log(uniform) * gap_ns_;
  }

  double gap_ns_;
  Arrivals arrivals_;
  std::int64_t start_ns_;
  SeededRandom random_;
  double at_ns_ = 0;  // since the start; exact to a nanosecond for a hundred days
};

}  // namespace shearline::loadgen
