// When frames are due.
#include "loadgen/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace shearline::loadgen {
namespace {

std::vector<std::int64_t> gaps_of(Schedule schedule, std::size_t count) {
  std::vector<std::int64_t> gaps;
  std::int64_t before = schedule.due_ns();
  for (std::size_t i = 0; i < count; ++i) {
    schedule.advance();
    gaps.push_back(schedule.due_ns() - before);
    before = schedule.due_ns();
  }
  return gaps;
}

TEST(ConstantSchedule, IsEvenAndBeginsAtItsPhase) {
  Schedule schedule(1'000, Arrivals::constant, 0.25, 1, 500);
  EXPECT_EQ(schedule.due_ns(), 500 + 250'000);
  for (const std::int64_t gap : gaps_of(schedule, 100)) EXPECT_EQ(gap, 1'000'000);
}

TEST(ConstantSchedule, KeepsItsRateOverMillionsOfFramesWithoutDrift) {
  Schedule schedule(3'000'000, Arrivals::constant, 0, 1, 0);
  for (int i = 0; i < 3'000'000; ++i) schedule.advance();
  EXPECT_NEAR(static_cast<double>(schedule.due_ns()), 1e9, 100);
}

// The gaps of a Poisson process are exponential: their deviation equals their mean, and the share beyond the mean is
// 1/e. A million of a seeded generator lie close to that.
TEST(PoissonSchedule, HasExponentialGaps) {
  const auto gaps = gaps_of(Schedule(1'000, Arrivals::poisson, 0, 7, 0), 1'000'000);
  double sum = 0;
  double squares = 0;
  double beyond = 0;
  for (const std::int64_t gap : gaps) {
    const auto value = static_cast<double>(gap);
    ASSERT_GE(gap, 0);
    sum += value;
    squares += value * value;
    beyond += value > 1e6 ? 1 : 0;
  }
  const double mean = sum / 1e6;
  EXPECT_NEAR(mean, 1e6, 5e3);
  EXPECT_NEAR(std::sqrt(squares / 1e6 - mean * mean), 1e6, 1e4);
  EXPECT_NEAR(beyond / 1e6, std::exp(-1), 0.002);
}

TEST(PoissonSchedule, IsAnotherOneForAnotherSeed) {
  EXPECT_EQ(gaps_of(Schedule(10, Arrivals::poisson, 0, 7, 0), 50),
            gaps_of(Schedule(10, Arrivals::poisson, 0, 7, 0), 50));
  EXPECT_NE(gaps_of(Schedule(10, Arrivals::poisson, 0, 7, 0), 50),
            gaps_of(Schedule(10, Arrivals::poisson, 0, 8, 0), 50));
}

}  // namespace
}  // namespace shearline::loadgen
