// Whole load tests against a server whose answers the test decides.
#include "loadgen/run.hpp"

#include "loadgen/report.hpp"
#include "tests/loadgen/fake_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <thread>

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

// A clock that only moves when it is looked at, a little each time, and when a test moves it.
class SteppingTime final : public Time {
 public:
  static constexpr std::int64_t step_ns = 50'000;
  std::int64_t now_ns() override { return now_.fetch_add(step_ns) + step_ns; }
  std::int64_t peek() const { return now_.load(); }
  void jump(std::int64_t ns) { now_ += ns; }

 private:
  std::atomic<std::int64_t> now_{1'000'000'000};
};

constexpr std::int64_t ms = 1'000'000;

class LoadRun : public ::testing::Test {
 protected:
  Script script(Mode mode, double wrong_share = 0.25) const {
    return Script(population_, {.kinds = {{mode, 50}}, .wrong_share = wrong_share, .seed = 2});
  }
  static Plan plan(const FakeServer& server, std::uint64_t checks) {
    Plan plan;
    plan.server = server.address();
    plan.connections = 3;
    plan.pipeline = 4;
    plan.threads = 2;
    plan.checks = checks;
    return plan;
  }
  // One frame every millisecond of the stepping clock, on one connection.
  static Plan open_plan(const FakeServer& server, std::uint64_t checks, std::size_t pipeline) {
    Plan plan = LoadRun::plan(server, checks);
    plan.connections = plan.threads = 1;
    plan.pipeline = pipeline;
    plan.checks_per_s = 1'000;
    plan.arrivals = Arrivals::constant;
    return plan;
  }
  Result<Outcome> run(const Plan& plan, const Script& script, Time* time = nullptr) {
    return run_load(plan, population_, script, {time != nullptr ? *time : steady_, interrupted_, {}, {}});
  }
  FakeServer::Answer right_answers() {
    return [this](const Items& items) { return oracle_.answer(items); };
  }

  Population population_ = Population::generated(200, 8);
  Oracle oracle_{population_};
  SteadyTime steady_;
  std::atomic<bool> interrupted_{false};
};

TEST_F(LoadRun, CountsEveryCheckAndFindsNoFaultWithARightServer) {
  const FakeServer server(right_answers());
  for (const Mode mode : {Mode::verify, Mode::mverify}) {
    const auto outcome = run(plan(server, 5'000), script(mode));
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    const Tally& tally = outcome->observed.tally;
    EXPECT_TRUE(outcome->clean());
    EXPECT_EQ(tally.checks, 5'000U);
    EXPECT_EQ(tally.by_letter['c'] + tally.by_letter['r'], 5'000U);
    EXPECT_NEAR(static_cast<double>(tally.by_letter['r']), 1'250, 250);
    EXPECT_EQ(outcome->total.latency_ns.count(), tally.frames);
    EXPECT_EQ(outcome->total.checks, tally.checks);
    EXPECT_GT(outcome->elapsed_ns, 0);
  }
}

TEST_F(LoadRun, AsksExactlyAsManyAsWereWanted) {
  const FakeServer server(right_answers());
  for (const std::uint64_t checks : {1, 49, 50, 51, 101, 1'249}) {
    for (const bool is_open : {false, true}) {
      Plan exact = plan(server, checks);
      if (is_open) exact.checks_per_s = 1e6;
      const auto outcome = run(exact, script(Mode::mverify));
      ASSERT_TRUE(outcome.has_value());
      EXPECT_EQ(outcome->observed.tally.checks, checks);
      EXPECT_EQ(outcome->observed.tally.frames, (checks + 49) / 50);
      EXPECT_TRUE(outcome->clean());
    }
  }
}

TEST_F(LoadRun, GoesRoundAScriptThatIsShorterThanThePipeline) {
  const FakeServer server(right_answers());
  const Script few(population_, {.kinds = {{Mode::mverify, 4'096}}, .wrong_share = 0.5, .seed = 2});
  ASSERT_LT(few.frames(), 40U);
  Plan deep = plan(server, 200'000);
  deep.pipeline = 40;
  const auto outcome = run(deep, few);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->observed.tally.checks, 200'000U);
  EXPECT_TRUE(outcome->clean());
}

TEST_F(LoadRun, EndsByItselfWhenItsTimeIsOver) {
  const FakeServer server(right_answers());
  Plan timed = plan(server, 1);
  timed.checks.reset();
  timed.duration_ms = 50;
  const auto outcome = run(timed, script(Mode::mverify));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->clean());
  EXPECT_GT(outcome->observed.tally.checks, 0U);
}

TEST_F(LoadRun, NoticesAServerThatAcceptsWhatItMustNot) {
  const FakeServer server([](const Items&) { return std::string("+current\r\n"); });
  const auto outcome = run(plan(server, 1'000), script(Mode::verify, 1));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->observed.tally.mismatches, 1'000U);
  EXPECT_FALSE(outcome->clean());
}

TEST_F(LoadRun, ReportsAConnectionThatTheServerCloses) {
  std::atomic<int> asked = 0;
  const FakeServer server(
      [&](const Items& items) { return ++asked > 100 ? std::string() : oracle_.answer(items); });
  const auto outcome = run(plan(server, 100'000), script(Mode::verify));
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(outcome->failure.has_value());
  EXPECT_THAT(outcome->failure->message, HasSubstr("a connection ended early"));
  EXPECT_FALSE(outcome->clean());
  EXPECT_LE(outcome->observed.tally.checks, 100U);
}

TEST_F(LoadRun, ComesBackToAServerThatCloses) {
  std::atomic<int> asked = 0;
  const FakeServer server(
      [&](const Items& items) { return ++asked % 100 == 0 ? std::string() : oracle_.answer(items); });
  Plan stubborn = plan(server, 1'000);
  stubborn.on_loss = OnLoss::reconnect;
  const auto outcome = run(stubborn, script(Mode::verify));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_FALSE(outcome->failure.has_value());
  EXPECT_GE(outcome->observed.losses.total(), 9U);
  EXPECT_GE(outcome->observed.connect_ns.count(), 6U);
  EXPECT_EQ(outcome->observed.tally.checks + outcome->observed.unanswered, 1'000U);
  EXPECT_EQ(outcome->observed.tally.mismatches, 0U);
  EXPECT_FALSE(outcome->clean());
}

TEST_F(LoadRun, ClosesAndReturnsAfterEachFrameWhereTheScenarioSaysSo) {
  const FakeServer server(right_answers());
  Plan storm = plan(server, 300);
  storm.frames_per_connection = 2;
  const auto outcome = run(storm, script(Mode::verify));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->clean());
  EXPECT_EQ(outcome->observed.tally.checks, 300U);
  EXPECT_GE(outcome->observed.connect_ns.count(), 147U);
}

TEST_F(LoadRun, EndsAtAnAnswerThatMakesNoSense) {
  const FakeServer server([](const Items&) { return std::string("HTTP/1.1 400 Bad Request\r\n"); });
  const auto outcome = run(plan(server, 1'000), script(Mode::mverify));
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(outcome->failure.has_value());
  EXPECT_THAT(outcome->failure->message, HasSubstr("not an answer to what was asked: HTTP/1.1"));
}

TEST_F(LoadRun, EndsEarlyWithWhatWasMeasuredWhenInterrupted) {
  const FakeServer server([this](const Items& items) {
    interrupted_ = true;
    return oracle_.answer(items);
  });
  const auto outcome = run(plan(server, 1'000'000), script(Mode::verify));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->interrupted);
  EXPECT_FALSE(outcome->failure.has_value());
  EXPECT_GT(outcome->observed.tally.checks, 0U);
  EXPECT_LT(outcome->observed.tally.checks, 1'000'000U);
}

TEST_F(LoadRun, NamesAServerThatIsNotThere) {
  Plan absent;
  absent.server = "unix:/nowhere/s";
  const auto outcome = run(absent, script(Mode::verify));
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_THAT(outcome.error().message, HasSubstr("unix:/nowhere/s: No such file"));
}

class LoadRunWithAuth : public LoadRun {
 protected:
  // A server that answers nothing but AUTH until it was right.
  FakeServer::Answer guarded() {
    return [this](const Items& items) -> std::string {
      if (items[0] != "AUTH") return oracle_.answer(items);
      ++auths_;
      return items == Items{"AUTH", "edge-1", "hush-hush"} ? "+OK\r\n" : "-WRONGPASS no such gateway\r\n";
    };
  }
  Plan guarded_plan(const FakeServer& server, const std::string& content) {
    Plan asked = plan(server, 100);
    asked.auth_file = std::string(::testing::TempDir()) + "loadgen_auth." + std::to_string(getpid());
    std::ofstream(asked.auth_file) << content;
    return asked;
  }
  std::atomic<int> auths_ = 0;
};

TEST_F(LoadRunWithAuth, GreetsOnEveryConnectionBeforeItAsks) {
  const FakeServer server(guarded());
  Plan returning = guarded_plan(server, "edge-1 hush-hush\n");
  returning.connections = 1;
  returning.frames_per_connection = 10;
  const auto outcome = run(returning, script(Mode::verify));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->clean());
  EXPECT_EQ(auths_, 10);
}

TEST_F(LoadRunWithAuth, EndsWithWhatTheServerSaidWhenItIsRefused) {
  const FakeServer server(guarded());
  const auto outcome = run(guarded_plan(server, "edge-1 wrong\n"), script(Mode::verify));
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(outcome->failure.has_value());
  EXPECT_THAT(outcome->failure->message, HasSubstr("AUTH was refused: -WRONGPASS no such gateway"));
  EXPECT_EQ(outcome->observed.tally.checks, 0U);
}

TEST_F(LoadRunWithAuth, RefusesAFileOfAnotherForm) {
  const FakeServer server(guarded());
  for (const char* content :
       {"", "edge-1", "edge-1 ", " hush", "edge-1 hush hush", "edge-1 hush\nedge-2 hush"}) {
    const auto outcome = run(guarded_plan(server, content), script(Mode::verify));
    ASSERT_FALSE(outcome.has_value()) << content;
    EXPECT_THAT(outcome.error().message, HasSubstr("must be one line"));
    EXPECT_THAT(outcome.error().message, ::testing::Not(HasSubstr("hush")));
  }
  EXPECT_EQ(auths_, 0);
}

// The server stalls once for 100 ms. A hundred frames were due meanwhile: all of them waited, though only one was out.
TEST_F(LoadRun, ShowsAStallInEveryFrameThatShouldHaveGoneOutMeanwhile) {
  SteppingTime time;
  std::atomic<int> asked = 0;
  const FakeServer server([&](const Items& items) {
    if (++asked == 50) {
      const std::int64_t until = time.peek() + 100 * ms;
      while (time.peek() < until) std::this_thread::yield();
    }
    return oracle_.answer(items);
  });
  const auto outcome = run(open_plan(server, 170, 1), script(Mode::verify), &time);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->clean());
  const Histogram& latency = outcome->total.latency_ns;
  const Histogram& service = outcome->total.service_ns;
  const auto over = [](const Histogram& histogram, std::uint64_t ns) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < histogram.buckets().size(); ++i) {
      if (Histogram::lowest_in(i) >= ns) count += histogram.buckets()[i];
    }
    return count;
  };
  EXPECT_GE(latency.maximum(), 100U * ms);
  EXPECT_GE(over(latency, 50 * ms), 49U);
  EXPECT_GE(over(latency, 10 * ms), 89U);
  // The server was slow once; a machine that stops its thread for a while may make it look slow a few times more.
  EXPECT_GE(over(service, 50 * ms), 1U);
  EXPECT_LT(over(service, 50 * ms), over(latency, 50 * ms) / 2);
  EXPECT_GE(outcome->observed.punctuality.held_back, 90U);
  EXPECT_GE(outcome->observed.punctuality.held_ns_max, 98U * ms);
}

// The clock leaps: the generator did not get to run. That is its own fault, and it says so.
TEST_F(LoadRun, SaysWhenTheGeneratorItselfWasLate) {
  SteppingTime time;
  std::atomic<int> asked = 0;
  const FakeServer server([&](const Items& items) {
    if (++asked == 50) time.jump(30 * ms);
    return oracle_.answer(items);
  });
  const Script frames = script(Mode::verify);
  Scenario scenario;
  scenario.plan = open_plan(server, 120, 64);
  auto outcome = run(scenario.plan, frames, &time);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_GE(outcome->observed.punctuality.late, 27U);
  EXPECT_GE(outcome->observed.punctuality.own_delay_ns.maximum(), 28U * ms);
  EXPECT_GE(outcome->total.latency_ns.maximum(), 28U * ms);
  // How long the server took for its answers depends on the machine, while the clock goes on: judged as if it took no time.
  outcome->total.latency_ns = outcome->observed.punctuality.own_delay_ns;
  const Judgement judgement = judge_generator({scenario, frames, *outcome});
  EXPECT_FALSE(judgement.is_trusted);
  EXPECT_THAT(judgement.words, HasSubstr("was late by itself"));
}

TEST_F(LoadRun, SharesAConstantRateAmongThreads) {
  SteppingTime time;
  const FakeServer server(right_answers());
  Plan shared = plan(server, 1);
  shared.checks.reset();
  shared.duration_ms = 50;
  shared.checks_per_s = 2'000;
  shared.arrivals = Arrivals::constant;
  const auto outcome = run(shared, script(Mode::verify), &time);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->observed.tally.checks, 100U);
  EXPECT_EQ(outcome->observed.punctuality.own_delay_ns.count(), outcome->observed.tally.checks);
}

TEST_F(LoadRun, KeepsAPointForEachIntervalThatAddUpToTheWhole) {
  SteppingTime time;
  const FakeServer server(right_answers());
  const auto outcome = run(open_plan(server, 250, 64), script(Mode::verify), &time);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_GE(outcome->points.size(), 2U);
  std::uint64_t checks = 0;
  for (const Point& point : outcome->points) checks += point.checks;
  EXPECT_EQ(checks, 250U);
}

TEST_F(LoadRun, CountsBystandersWithoutLettingThemSpoilTheVerdict) {
  const FakeServer server([this](const Items& items) -> std::string {
    if (items.empty() || (items[0] != "VERIFY" && items[0] != "MVERIFY")) return "-ERR unknown command\r\n";
    return items.size() >= 3 && items.size() % 2 == 1 ? oracle_.answer(items)
                                                      : "-ERR wrong number of arguments\r\n";
  });
  Plan crowded = plan(server, 30'000);
  crowded.garbage_connections = 3;
  crowded.slow_readers = {2, 1'000};
  const auto outcome = run(crowded, script(Mode::mverify));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->clean());
  EXPECT_EQ(outcome->observed.tally.checks, 30'000U);
  EXPECT_GE(outcome->observed.garbage.pieces, 3U);
  EXPECT_GE(outcome->observed.slow.frames_asked, 2U);
}

TEST_F(LoadRun, ReportsTheSameFiguresAsTextAndAsJson) {
  const FakeServer server(right_answers());
  Scenario scenario;
  scenario.plan = plan(server, 1'000);
  const Script frames = script(Mode::mverify);
  const auto outcome = run(scenario.plan, frames);
  ASSERT_TRUE(outcome.has_value());
  const Results results = {scenario, frames, *outcome};
  const auto json = nlohmann::json::parse(report_json(results));
  EXPECT_EQ(json["checks"], 1'000);
  EXPECT_EQ(json["verdicts"]["current"].get<int>() + json["verdicts"]["rejected"].get<int>(), 1'000);
  EXPECT_EQ(json["mismatches"], 0);
  EXPECT_EQ(json["clean"], true);
  EXPECT_EQ(json["frames"], 20);
  const std::string text = report_text(results);
  EXPECT_THAT(text, HasSubstr("checks      1000 in "));
  EXPECT_THAT(text, HasSubstr("current " + json["verdicts"]["current"].dump()));
  EXPECT_THAT(text, HasSubstr("mismatches  0"));
}

}  // namespace
}  // namespace shearline::loadgen
