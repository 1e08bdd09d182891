#include "loadgen/judgement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shearline::loadgen {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint64_t us = 1'000;

// An open loop of 10,000 frames that were answered after 200 us each.
struct OpenLoopJudged : ::testing::Test {
  OpenLoopJudged() { latency_ns.record(200 * us, 10'000); }

  void own_delays(std::uint64_t usual_ns, std::uint64_t exceptional_ns, std::uint64_t exceptions) {
    kept.own_delay_ns.record(usual_ns, 10'000 - exceptions);
    kept.own_delay_ns.record(exceptional_ns, exceptions);
  }
  Judgement judgement() const { return judge_open_loop(kept, latency_ns); }

  Punctuality kept;
  Histogram latency_ns;
};

TEST_F(OpenLoopJudged, IsTrustedWhereItsOwnDelaysAreASmallPartOfTheLatencies) {
  own_delays(2 * us, 18 * us, 1'000);
  EXPECT_TRUE(judgement().is_trusted);
  EXPECT_THAT(judgement().words,
              AllOf(StartsWith("kept its schedule"), HasSubstr("p99 18.0 us of the latency's 200.")));
}

TEST_F(OpenLoopJudged, IsNotTrustedWhereAHundredthIsLateByMoreThanATenthOfTheLatency) {
  own_delays(2 * us, 25 * us, 150);
  EXPECT_FALSE(judgement().is_trusted);
  EXPECT_THAT(judgement().words, AllOf(StartsWith("was late by itself"), HasSubstr("p99 25.0 us")));
}

TEST_F(OpenLoopJudged, IsNotTrustedWhereAThousandthIs) {
  own_delays(2 * us, 25 * us, 15);
  EXPECT_FALSE(judgement().is_trusted);
}

// One stall in ten thousand frames is shown and belongs to the maximum alone.
TEST_F(OpenLoopJudged, IsTrustedWhereOneFrameWasLate) {
  own_delays(2 * us, 30'000 * us, 1);
  EXPECT_TRUE(judgement().is_trusted);
  EXPECT_THAT(judgement().words, HasSubstr("at worst 30.0"));
}

TEST_F(OpenLoopJudged, IsNotTrustedWithoutTimeToSpare) {
  own_delays(2 * us, 3 * us, 1);
  kept.busy_share_max = 0.99;
  EXPECT_FALSE(judgement().is_trusted);
  EXPECT_THAT(judgement().words, StartsWith("was at its limit"));
}

TEST(ClosedLoopJudged, IsTrustedWithTimeToSpare) {
  Punctuality kept;
  kept.busy_share_max = 0.7;
  EXPECT_TRUE(judge_closed_loop(kept).is_trusted);
  kept.busy_share_max = 0.99;
  EXPECT_FALSE(judge_closed_loop(kept).is_trusted);
}

}  // namespace
}  // namespace shearline::loadgen
