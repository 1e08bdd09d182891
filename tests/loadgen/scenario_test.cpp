// Scenario files: what they may say, and that all their faults are told at once.
#include "loadgen/scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shearline::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Scenario, SaysAllThatARunNeeds) {
  const auto read = parse_scenario(R"(about = "everything"
count = 1234
rate = 5e4
arrivals = "constant"
threads = 2
connections = 8
pipeline = 32
on_loss = "reconnect"
frames_per_connection = 3
wrong_share = 0.25
unknown_share = 0.5

[[frames]]
command = "VERIFY"
share = 3
[[frames]]
command = "MVERIFY"
batch = 99

[slow_readers]
connections = 4
bytes_per_s = 0
[garbage]
connections = 5
[[during]]
run = "true"
every = "250ms"
parallel = 7
learn = true
)",
                                   "s.toml");
  ASSERT_TRUE(read.has_value()) << read.error().front();
  const Plan& plan = read->plan;
  EXPECT_EQ(read->about, "everything");
  EXPECT_EQ(plan.checks, 1'234U);
  EXPECT_EQ(plan.checks_per_s, 5e4);
  EXPECT_EQ(plan.arrivals, Arrivals::constant);
  EXPECT_EQ(plan.threads, 2U);
  EXPECT_EQ(plan.connections, 8U);
  EXPECT_EQ(plan.pipeline, 32U);
  EXPECT_EQ(plan.on_loss, OnLoss::reconnect);
  EXPECT_EQ(plan.frames_per_connection, 3U);
  EXPECT_EQ(read->script.wrong_share, 0.25);
  EXPECT_EQ(read->script.unknown_share, 0.5);
  ASSERT_EQ(read->script.kinds.size(), 2U);
  EXPECT_EQ(read->script.kinds[0].mode, Mode::verify);
  EXPECT_EQ(read->script.kinds[0].share, 3);
  EXPECT_EQ(read->script.kinds[1].batch, 99U);
  EXPECT_EQ(plan.slow_readers.connections, 4U);
  EXPECT_EQ(plan.garbage_connections, 5U);
  ASSERT_EQ(plan.during.size(), 1U);
  EXPECT_EQ(plan.during[0].every_ms, 250);
  EXPECT_EQ(plan.during[0].parallel, 7U);
  EXPECT_TRUE(plan.during[0].learn);
}

TEST(Scenario, ThatIsEmptyIsTheDefault) {
  const auto read = parse_scenario("", "empty.toml");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->plan.duration_ms, 10'000);
  EXPECT_FALSE(read->plan.is_open_loop());
}

TEST(Scenario, TellsAllItsFaultsAtOnceInTheOrderOfTheirLines) {
  const auto read = parse_scenario(R"(duration = "soon"
count = 0
conections = 4
pipeline = "deep"
arrivals = "sometimes"
wrong_share = 0.9
unknown_share = 0.2
on_loss = 7

[[frames]]
command = "VERIFY"
batch = 2
[[frames]]
batch = 5000
[slow_readers]
connections = 0
bytes = 1
[[during]]
every = 5
)",
                                   "bad.toml");
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error(),
              ElementsAre(StartsWith("bad.toml:1: `duration` must be a time such as"),
                          StartsWith("bad.toml:2: `count` and `duration` exclude each other"),
                          StartsWith("bad.toml:2: `count` must be a whole number from 1 to"),
                          "bad.toml:3: `conections` is not known in a scenario, did you mean `connections`?",
                          StartsWith("bad.toml:4: `pipeline` must be a whole number from 1 to 65536"),
                          "bad.toml:5: `arrivals` must be \"constant\" or \"poisson\"",
                          StartsWith("bad.toml:5: `arrivals` needs a `rate`"),
                          "bad.toml:7: wrong (0.9) and unknown (0.2) are more than all",
                          "bad.toml:8: `on_loss` must be \"end\" or \"reconnect\"",
                          StartsWith("bad.toml:12: `batch` is for MVERIFY"),
                          StartsWith("bad.toml:13: [[frames]] needs a `command`"),
                          StartsWith("bad.toml:14: `batch` must be a whole number from 1 to 4096"),
                          StartsWith("bad.toml:16: `connections` must be a whole number from 1 to"),
                          StartsWith("bad.toml:17: `bytes` is not known in [slow_readers]"),
                          StartsWith("bad.toml:18: [[during]] needs `run`"),
                          StartsWith("bad.toml:19: `every` must be a time such as")));
}

TEST(Scenario, RefusesASectionThatIsNone) {
  for (const char* text : {"frames = 1", "frames = []", "frames = [1]", "slow_readers = 1", "garbage = []",
                           "during = \"x\"", "[frames]", "[[garbage]]", "about = 1", "[[during]]\nrun = \"\"",
                           "rate = nan", "rate = -1", "rate = true", "wrong_share = inf"}) {
    const auto read = parse_scenario(text, "s.toml");
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_THAT(read.error().front(), StartsWith("s.toml:")) << text;
  }
}

TEST(Scenario, SaysWhereItIsNoToml) {
  const auto read = parse_scenario("rate = 5\nthreads = = 2\n", "s.toml");
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error(), ElementsAre(StartsWith("s.toml:2: ")));
}

TEST(Scenario, IsFoundByNameOrAsAFile) {
  for (const BuiltInScenario& each : built_in_scenarios()) {
    const auto read = load_scenario(std::string(each.name));
    ASSERT_TRUE(read.has_value()) << each.name << ": " << read.error().front();
    EXPECT_EQ(read->name, each.name);
    EXPECT_FALSE(read->about.empty());
  }
  const auto misspelt = load_scenario("garbige");
  ASSERT_FALSE(misspelt.has_value());
  EXPECT_THAT(misspelt.error().front(), HasSubstr("did you mean `garbage`?"));
  EXPECT_FALSE(load_scenario("/").has_value());
}

TEST(Duration, NeedsAUnitAndEndsAtADay) {
  EXPECT_EQ(duration_ms_of("500ms"), 500);
  EXPECT_EQ(duration_ms_of("10s"), 10'000);
  EXPECT_EQ(duration_ms_of("2m"), 120'000);
  EXPECT_EQ(duration_ms_of("24h"), duration_ms_max);
  for (const char* text : {"", "5", "s", "-1s", "1.5s", "10 s", "25h", "99999999999999999999s", "1d"}) {
    EXPECT_EQ(duration_ms_of(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace shearline::loadgen
