// The rules of model.md "stale view": what a node says that has not heard from the store for a while.
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

namespace shearline::engine {
namespace {

constexpr TimeMs heard = World::now;

TEST(LoadingView, CannotDecideAboutAnybody) {
  World world;
  world.put("acme", {{.secret = "right"}});
  world.view.loaded = false;
  EXPECT_EQ(world.check("acme", "right").outcome, Outcome::loading);
  EXPECT_EQ(world.check("acme", "wrong").outcome, Outcome::loading);
  EXPECT_EQ(world.check("nobody", "right").outcome, Outcome::loading);
  EXPECT_EQ(world.check("no client", "right").outcome, Outcome::malformed);
}

TEST(StaleView, SaysUnavailableForAVersionWhoseWindowEndedAfterIt) {
  World world;
  world.put("acme", {{Outcome::grace, "old", heard + 1000}});
  EXPECT_EQ(world.check("acme", "old", heard + 5000).outcome, Outcome::retired);
  EXPECT_EQ(world.check("acme", "old", heard + 5001).outcome, Outcome::stale);
}

TEST(StaleView, NeverAcceptsAfterTheWindow) {
  World world;
  world.put("acme", {{Outcome::grace, "old", heard + 10'000}});
  EXPECT_EQ(world.check("acme", "old", heard + 9'999).outcome, Outcome::grace);
  EXPECT_EQ(world.check("acme", "old", heard + 10'000).outcome, Outcome::stale);
}

TEST(StaleView, IsSureOfAWindowThatEndedBeforeIt) {
  World world;
  world.put("acme", {{Outcome::grace, "old", heard}});
  EXPECT_EQ(world.check("acme", "old", heard + 60'000).outcome, Outcome::retired);
}

TEST(StaleView, RejectsWhatMatchesNothingAsEver) {
  World world;
  world.put({.client_id = "acme", .strict_when_stale = true}, {{.secret = "right"}}, {{"gone", true}});
  constexpr TimeMs much_later = heard + stale_for_strict_ms * 2;
  EXPECT_EQ(world.check("acme", "wrong", much_later).outcome, Outcome::mismatch);
  EXPECT_EQ(world.check("acme", "gone", much_later).outcome, Outcome::revoked);
  EXPECT_EQ(world.check("nobody", "right", much_later).outcome, Outcome::unknown_client);
}

TEST(StaleView, StrictClassIsServedForFifteenMinutes) {
  World world;
  world.put({.client_id = "acme", .strict_when_stale = true}, {{.secret = "right"}});
  EXPECT_EQ(world.check("acme", "right", heard + stale_for_strict_ms).outcome, Outcome::current);
  EXPECT_EQ(world.check("acme", "right", heard + stale_for_strict_ms + 1).outcome, Outcome::stale);
}

TEST(StaleView, OtherClassesAreServedOn) {
  World world;
  world.put("acme", {{.secret = "right"}});
  EXPECT_EQ(world.check("acme", "right", heard + 100 * stale_for_strict_ms).outcome, Outcome::current);
}

TEST(StaleView, OfAnotherPartitionDoesNotMatter) {
  World world;
  world.put({.client_id = "acme", .partition = 3, .strict_when_stale = true}, {{.secret = "right"}});
  world.heard_at(0);
  world.view.heard_at_ms[3] = heard;
  EXPECT_EQ(world.check("acme", "right").outcome, Outcome::current);
  world.view.heard_at_ms[3] = 0;
  EXPECT_EQ(world.check("acme", "right").outcome, Outcome::stale);
}

TEST(StaleView, ClockBehindTheViewIsNotStale) {
  World world;
  world.put({.client_id = "acme", .strict_when_stale = true}, {{.secret = "right"}});
  EXPECT_EQ(world.check("acme", "right", heard - 10 * stale_for_strict_ms).outcome, Outcome::current);
}

}  // namespace
}  // namespace shearline::engine
