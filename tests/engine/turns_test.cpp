#include "engine/turns.hpp"

#include <gtest/gtest.h>

namespace shearline::engine {
namespace {

// What is stamped `epoch` may be reused.
bool may_reuse(Turns& turns, std::uint64_t epoch) {
  turns.close();
  return epoch < turns.oldest();
}

TEST(Turns, WithoutReadersNothingHasToWait) {
  Turns turns(4);
  EXPECT_TRUE(may_reuse(turns, turns.current()));
}

TEST(Turns, OpenTurnKeepsWhatItMayHaveSeen) {
  Turns turns(4);
  turns.enter(2);
  const auto stamp = turns.current();
  EXPECT_FALSE(may_reuse(turns, stamp));
  EXPECT_FALSE(may_reuse(turns, stamp));
}

TEST(Turns, NextTurnOfTheSameWorkerLetsGo) {
  Turns turns(4);
  turns.enter(2);
  const auto stamp = turns.current();
  turns.close();
  turns.enter(2);
  EXPECT_TRUE(may_reuse(turns, stamp));
}

TEST(Turns, SleepingWorkerCountsAsPassed) {
  Turns turns(4);
  turns.enter(0);
  const auto stamp = turns.current();
  turns.leave(0);
  EXPECT_TRUE(may_reuse(turns, stamp));
}

TEST(Turns, SlowestWorkerDecides) {
  Turns turns(4);
  turns.enter(0);
  turns.enter(1);
  const auto stamp = turns.current();
  turns.close();
  turns.enter(0);
  EXPECT_FALSE(may_reuse(turns, stamp));
  turns.leave(1);
  EXPECT_TRUE(may_reuse(turns, stamp));
}

TEST(Turns, TurnBegunAfterwardsDoesNotKeepWhatItCannotSee) {
  Turns turns(4);
  const auto stamp = turns.current();
  turns.close();
  turns.enter(3);
  EXPECT_TRUE(may_reuse(turns, stamp));
}

TEST(Turns, MoreWorkersThanPlacesIsRefusedAtStart) {
  EXPECT_NO_THROW(Turns{workers_max});
  EXPECT_THROW(Turns{workers_max + 1}, std::invalid_argument);
}

}  // namespace
}  // namespace shearline::engine
