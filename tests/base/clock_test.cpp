// Time never goes backwards within a process, and looks the same everywhere it is written.
#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace shearline {
namespace {

TEST(Clock, StandsStillWhileTheWallClockIsBehind) {
  std::atomic<TimeMs> seen{0};
  EXPECT_EQ(never_backwards(seen, 100), 100);
  EXPECT_EQ(never_backwards(seen, 40), 100);
  EXPECT_EQ(never_backwards(seen, 100), 100);
  EXPECT_EQ(never_backwards(seen, 101), 101);
}

TEST(Clock, CountsUnixMilliseconds) {
  EXPECT_GT(SystemClock().now_ms(), 1'600'000'000'000);  // 2020: seconds or microseconds would show
  EXPECT_LT(SystemClock().now_ms(), 4'000'000'000'000);
}

TEST(Rfc3339, WritesMillisecondsInUtc) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(1'769'860'800'007), "2026-01-31T12:00:00.007Z");
}

}  // namespace
}  // namespace shearline
