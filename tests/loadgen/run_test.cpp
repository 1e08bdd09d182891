// Whole load tests against a server whose answers the test decides.
#include "loadgen/run.hpp"

#include "loadgen/report.hpp"
#include "tests/loadgen/fake_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <map>

namespace shearline::loadgen {
namespace {

using ::testing::HasSubstr;
using Items = FakeServer::Items;

// Decides as a right server does.
class Oracle {
 public:
  explicit Oracle(const Population& population) {
    for (std::size_t i = 0; i < population.size(); ++i) {
      const Credential credential = population.at(i);
      secrets_[credential.client_id] = credential.secret;
    }
  }
  std::string answer(const Items& items) const {
    if (items[0] == "VERIFY") return right(items[1], items[2]) ? "+current\r\n" : "+rejected\r\n";
    std::string verdicts;
    for (std::size_t i = 1; i < items.size(); i += 2) verdicts += right(items[i], items[i + 1]) ? 'c' : 'r';
    return "$" + std::to_string(verdicts.size()) + "\r\n" + verdicts + "\r\n";
  }

 private:
  bool right(const std::string& client_id, const std::string& secret) const {
    const auto found = secrets_.find(client_id);
    return found != secrets_.end() && found->second == secret;
  }
  std::map<std::string, std::string> secrets_;
};

void nothing(const Progress&) {}

class LoadRun : public ::testing::Test {
 protected:
  Script script(Mode mode, double wrong_share = 0.25) const {
    return Script(population_, {.mode = mode, .batch = 50, .wrong_share = wrong_share, .seed = 2});
  }
  static Plan plan(const FakeServer& server, std::uint64_t checks) {
    return {.server = server.address(), .connections = 3, .pipeline = 4, .threads = 2, .checks = checks};
  }

  Population population_ = Population::generated(200, 8);
  Oracle oracle_{population_};
};

TEST_F(LoadRun, CountsEveryCheckAndFindsNoFaultWithARightServer) {
  const FakeServer server([this](const Items& items) { return oracle_.answer(items); });
  for (const Mode mode : {Mode::verify, Mode::mverify}) {
    const auto outcome = run_load(plan(server, 5'000), script(mode), nothing);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    const Tally& tally = outcome->observed.tally;
    EXPECT_TRUE(outcome->clean());
    EXPECT_EQ(tally.checks, 5'000U);
    EXPECT_EQ(tally.by_letter['c'] + tally.by_letter['r'], 5'000U);
    EXPECT_NEAR(static_cast<double>(tally.by_letter['r']), 1'250, 250);
    EXPECT_EQ(outcome->observed.latency_ns.count(), tally.frames);
    EXPECT_GT(outcome->elapsed_ns, 0);
  }
}

TEST_F(LoadRun, RoundsTheCountUpToWholeFrames) {
  const FakeServer server([this](const Items& items) { return oracle_.answer(items); });
  const auto outcome = run_load(plan(server, 101), script(Mode::mverify), nothing);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->observed.tally.checks, 150U);
  EXPECT_TRUE(outcome->clean());
}

TEST_F(LoadRun, EndsByItselfWhenItsTimeIsOver) {
  const FakeServer server([this](const Items& items) { return oracle_.answer(items); });
  Plan timed = plan(server, 1);
  timed.checks.reset();
  timed.duration_ms = 50;
  const auto outcome = run_load(timed, script(Mode::mverify), nothing);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->clean());
  EXPECT_GT(outcome->observed.tally.checks, 0U);
}

TEST_F(LoadRun, NoticesAServerThatAcceptsWhatItMustNot) {
  const FakeServer server([](const Items&) { return std::string("+current\r\n"); });
  const auto outcome = run_load(plan(server, 1'000), script(Mode::verify, 1), nothing);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->observed.tally.mismatches, 1'000U);
  EXPECT_FALSE(outcome->clean());
}

TEST_F(LoadRun, ReportsAConnectionThatTheServerCloses) {
  std::atomic<int> asked = 0;
  const FakeServer server(
      [&](const Items& items) { return ++asked > 100 ? std::string() : oracle_.answer(items); });
  const auto outcome = run_load(plan(server, 100'000), script(Mode::verify), nothing);
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(outcome->failure.has_value());
  EXPECT_THAT(outcome->failure->message, HasSubstr("a connection ended early"));
  EXPECT_FALSE(outcome->clean());
  EXPECT_LE(outcome->observed.tally.checks, 100U);
}

TEST_F(LoadRun, EndsAtAnAnswerThatMakesNoSense) {
  const FakeServer server([](const Items&) { return std::string("HTTP/1.1 400 Bad Request\r\n"); });
  const auto outcome = run_load(plan(server, 1'000), script(Mode::mverify), nothing);
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(outcome->failure.has_value());
  EXPECT_THAT(outcome->failure->message, HasSubstr("not an answer to what was asked: HTTP/1.1"));
}

TEST_F(LoadRun, NamesAServerThatIsNotThere) {
  const Plan absent = {.server = "unix:/nowhere/s", .connections = 1, .checks = 1};
  const auto outcome = run_load(absent, script(Mode::verify), nothing);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_THAT(outcome.error().message, HasSubstr("unix:/nowhere/s: No such file"));
}

TEST_F(LoadRun, ReportsTheSameFiguresAsTextAndAsJson) {
  const FakeServer server([this](const Items& items) { return oracle_.answer(items); });
  const Plan counted = plan(server, 1'000);
  const Script frames = script(Mode::mverify);
  const auto outcome = run_load(counted, frames, nothing);
  ASSERT_TRUE(outcome.has_value());
  const auto json = nlohmann::json::parse(report_json(counted, frames, *outcome));
  EXPECT_EQ(json["checks"], 1'000);
  EXPECT_EQ(json["verdicts"]["current"].get<int>() + json["verdicts"]["rejected"].get<int>(), 1'000);
  EXPECT_EQ(json["mismatches"], 0);
  EXPECT_EQ(json["clean"], true);
  EXPECT_EQ(json["frames"], 20);
  const std::string text = report_text(counted, frames, *outcome);
  EXPECT_THAT(text, HasSubstr("checks      1000 in "));
  EXPECT_THAT(text, HasSubstr("current " + json["verdicts"]["current"].dump()));
  EXPECT_THAT(text, HasSubstr("mismatches  0"));
}

}  // namespace
}  // namespace shearline::loadgen
