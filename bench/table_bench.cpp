// What readers of the table feel of its writer: the longest turn while the table grows to millions, what updates cost
// them, and how long a change takes until a reader's verdict shows it. One writer and one reader, each on a core of its
// own; the reader checks verdicts all the time, and a wrong one ends the run. Prints one JSON object. Run by
// scripts/bench; timing decides nothing here.
//
// Beside the figures stands what the machine does by itself. While the table grows, the writer stops every 50 ms for as
// long: the reader's turns in those rests lack nothing but the growth. And memory that nobody has touched for a while
// has to be found by the host of a virtual machine, page by page; --warm takes that out of the growth.
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"
#include "bench/engine_setup.hpp"
#include "bench/measuring.hpp"
#include "bench/warm_memory.hpp"
#include "engine/batch.hpp"
#include "engine/table.hpp"
#include "loadgen/population.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shearline::bench {
namespace {

using engine::Outcome;
using nlohmann::json;

constexpr std::size_t checks_per_turn = 256;
constexpr std::size_t wrong_one_in = 10;

struct Options {
  std::size_t credentials = 1'000'000;
  std::size_t checked = 65'536;      // of them, there from the beginning: what the reader asks about
  double updates_per_s = 100'000;    // the writer's pace beside reads
  double seconds = 2;                // of each phase beside reads
  std::size_t visibilities = 5'000;  // changes whose way to a verdict is timed
  bool warm = false;                 // the memory that the growth takes was touched just before
};

// The writer grows the table for so long, and then rests for as long.
constexpr double stretch_us = 50'000;

// The longest turn says nothing when the core was taken away in the middle of it: such turns count apart. By the machine, or,
// from the writer, by the thread that finds memory for it, which shares its core here.
struct TurnTimes {
  std::uint64_t turns = 0;
  std::uint64_t checks = 0;
  std::uint64_t interrupted = 0;  // turns in which another thread was given the core
  double longest_us = 0;          // of the others
  double longest_interrupted_us = 0;
  std::uint64_t over_1_ms = 0;  // of the others
  std::vector<float> all_us;
};

json to_json(TurnTimes& times, double seconds) {
  std::ranges::sort(times.all_us);
  const auto percentile = [&](double part) {
    if (times.all_us.empty()) return 0.0;
    return static_cast<double>(
        times.all_us[static_cast<std::size_t>(part * static_cast<double>(times.all_us.size() - 1))]);
  };
  return {{"turns", times.turns},
          {"checks_per_s", static_cast<double>(times.checks) / seconds},
          {"p50_us", percentile(0.5)},
          {"p9999_us", percentile(0.9999)},
          {"longest_us", times.longest_us},
          {"over_1_ms", times.over_1_ms},
          {"interrupted", times.interrupted},
          {"longest_interrupted_us", times.longest_interrupted_us},
          {"seconds", seconds}};
}

void wait_s(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options), population_(loadgen::Population::generated(options.checked, seed)) {
    for (std::size_t i = 0; i < options.checked; ++i) {
      asked_.push_back(population_.at(i));
      digests_.push_back(engine::digest_of(pepper_, asked_.back().client_id, as_bytes(asked_.back().secret)));
      put(i);
    }
  }

  json run() {
    json out = {{"credentials", options_.credentials}};
    const double seconds = options_.seconds;
    out["alone"] = phase([&] { wait_s(seconds); });
    out["growth"] = phase([&] { grow(); });
    out["growth"]["puts"] = {{"longest_us", puts_.longest_us},
                             {"over_1_ms", puts_.over_1_ms},
                             {"interrupted", puts_.interrupted},
                             {"longest_interrupted_us", puts_.longest_interrupted_us}};
    if (options_.warm) out["warmed"] = {{"bytes", warmed_bytes_}, {"seconds", warmed_s_}};
    out["grown_alone"] = phase([&] { wait_s(seconds); });
    out["updates"] = phase([&] { update(options_.updates_per_s, seconds); });
    out["updates"]["updates_per_s"] = updates_per_s_;
    out["updates_unpaced"] = phase([&] { update(1e12, seconds); });
    out["updates_unpaced"]["updates_per_s"] = updates_per_s_;
    out["visible_us"] = visibility();
    out["size"] = table_.size();
    out["index_slots"] = table_.index_slots();
    out["outcomes_sha256"] = sweep();
    return out;
  }

 private:
  // The same again is a change like any other to the table: a new entry, a slot swapped, the old one retired.
  void put(std::size_t i, bool suspended = false) {
    const engine::AcceptedVersion version{
        .role = Outcome::current, .digest = &digests_[i % digests_.size()], .version_id = {}};
    std::string made;
    if (i >= asked_.size()) made = loadgen::load_client_id(i);
    const std::string& client_id = i < asked_.size() ? asked_[i].client_id : made;
    if (!table_.put({.client_id = client_id,
                     .revision = ++revision_,
                     .suspended = suspended,
                     .accepted = {&version, 1}})) {
      throw std::runtime_error("the table refused a change");
    }
  }

  void grow() {
    warmed_bytes_ = options_.warm ? memory_for(options_.credentials, slots_for(options_.credentials)) : 0;
    WarmMemory warm(warmed_bytes_);
    warmed_s_ = warm.found_in_s();
    puts_ = {};
    auto begun = Time::now();
    for (std::size_t i = options_.checked; i < options_.credentials; ++i) {
      if (i % 1024 == 0) {
        const std::size_t slots = table_.index_slots();
        const bool grows_soon = i * 100 >= slots * 74;
        warm.hand_on(memory_for(i, grows_soon ? slots * 2 : slots));
        if (us_since(begun) > stretch_us) begun = rest();
      }
      put_timed(i);
    }
    rest();
  }

  // As long as it grew; the turn that sees either of both is growth's.
  Time::time_point rest() {
    rests_.store(true);
    const auto begun = Time::now();
    while (us_since(begun) < stretch_us) {
    }
    rests_.store(false);
    rested_us_ += us_since(begun);
    return Time::now();
  }

  void put_timed(std::size_t i) {
    constexpr double short_us = 50;  // after less than that nobody asks the kernel what happened
    const auto begin = Time::now();
    put(i);
    table_.reclaim();
    const double took_us = us_since(begin);
    const long before = switches_;
    if (took_us > short_us || i % 64 == 0) switches_ = involuntary_switches();
    note(puts_, took_us, took_us > short_us && switches_ != before);
  }

  void update(double per_s, double seconds) {
    SeededRandom random(seed + 2);
    const auto begin = Time::now();
    std::uint64_t done = 0;
    while (true) {
      const double passed = us_since(begin) / 1e6;
      if (passed >= seconds) break;
      if (static_cast<double>(done) >= passed * per_s) continue;
      put(random.next_u64() % options_.credentials);
      table_.reclaim();
      ++done;
    }
    updates_per_s_ = static_cast<double>(done) / (us_since(begin) / 1e6);
  }

  // What the writer does on one core, beside a reader on the other.
  json phase(const std::function<void()>& write) {
    std::atomic<bool> stop{false};
    TurnTimes working;
    TurnTimes resting;
    turns_done_ = 0;
    rested_us_ = 0;
    std::thread reader([&] {
      pin_to_core(0);
      read_until(stop, working, resting);
    });
    pin_to_core(1);
    wait_for_turns(1);  // reading has begun
    const auto begin = Time::now();
    write();
    wait_for_turns(turns_done_.load() + 1);  // and has met what was written
    stop = true;
    reader.join();
    const double seconds = us_since(begin) / 1e6;
    if (wrong_ > 0) throw std::runtime_error("the reader met a wrong verdict");
    json out = to_json(working, seconds - rested_us_ / 1e6);
    if (resting.turns > 0) out["rests"] = to_json(resting, rested_us_ / 1e6);
    return out;
  }

  void wait_for_turns(std::uint64_t count) const {
    while (turns_done_.load() < count) std::this_thread::yield();
  }

  void read_until(const std::atomic<bool>& stop, TurnTimes& working, TurnTimes& resting) {
    engine::Batch batch(table_, view_);
    SeededRandom random(seed + 1);
    for (TurnTimes* times : {&working, &resting}) times->all_us.reserve(std::size_t{1} << 22);
    std::vector<std::size_t> chosen(checks_per_turn);
    while (!stop.load(std::memory_order_relaxed)) {
      for (std::size_t& each : chosen) each = random.next_u64() % asked_.size();
      const long switches_before = involuntary_switches();
      const bool rested = rests_.load();
      const auto begin = Time::now();
      table_.enter_turn(0);
      ask(batch, chosen);
      table_.leave_turn(0);
      const double took_us = us_since(begin);
      note(rested && rests_.load() ? resting : working, took_us, involuntary_switches() != switches_before);
      wrong_ += wrong_of(batch);
      batch.clear();
      turns_done_.fetch_add(1);
    }
  }

  // A tenth of the secrets is another client's.
  void ask(engine::Batch& batch, const std::vector<std::size_t>& chosen) {
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const std::size_t whose = i % wrong_one_in == 0 ? (chosen[i] + 1) % asked_.size() : chosen[i];
      batch.add_pair(as_bytes(asked_[chosen[i]].client_id), as_bytes(asked_[whose].secret));
    }
    batch.run(now);
  }

  static std::size_t wrong_of(const engine::Batch& batch) {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Outcome deserved = i % wrong_one_in == 0 ? Outcome::mismatch : Outcome::current;
      wrong += batch.outcome(i) != deserved ? 1U : 0U;
    }
    return wrong;
  }

  static void note(TurnTimes& times, double took_us, bool interrupted) {
    ++times.turns;
    times.checks += checks_per_turn;
    if (interrupted) {
      ++times.interrupted;
      times.longest_interrupted_us = std::max(times.longest_interrupted_us, took_us);
      return;
    }
    times.longest_us = std::max(times.longest_us, took_us);
    times.over_1_ms += took_us > 1000 ? 1U : 0U;
    if (times.all_us.size() < times.all_us.capacity()) times.all_us.push_back(static_cast<float>(took_us));
  }

  // From before a put until a reader under load holds the verdict that shows it.
  json visibility() {
    std::atomic<std::uint64_t> seen{0};
    std::atomic<bool> stop{false};
    std::thread reader([&] {
      pin_to_core(0);
      engine::Batch batch(table_, view_);
      const std::vector<std::size_t> chosen(checks_per_turn, 1);  // place 0 is given the wrong secret
      std::uint64_t changes = 0;
      bool suspended = false;
      while (!stop.load(std::memory_order_relaxed)) {
        table_.enter_turn(0);
        ask(batch, chosen);
        const bool is_suspended = batch.outcome(1) == Outcome::suspended;
        table_.leave_turn(0);
        batch.clear();
        if (is_suspended != suspended) seen.store(++changes, std::memory_order_release);
        suspended = is_suspended;
      }
    });
    pin_to_core(1);
    std::vector<double> took_us;
    for (std::uint64_t change = 1; change <= options_.visibilities; ++change) {
      const auto begin = Time::now();
      put(1, change % 2 == 1);
      while (seen.load(std::memory_order_acquire) < change) {
      }
      took_us.push_back(us_since(begin));
      table_.reclaim();
    }
    stop = true;
    reader.join();
    put(1);
    std::ranges::sort(took_us);
    const auto at = [&](double part) {
      return took_us[static_cast<std::size_t>(part * static_cast<double>(took_us.size() - 1))];
    };
    return {{"changes", took_us.size()}, {"p50", at(0.5)}, {"p99", at(0.99)}, {"longest", at(1)}};
  }

  // Every credential asked about once more, one batch after another: the same hash for the same options, always.
  std::string sweep() {
    engine::Batch batch(table_, view_);
    Bytes outcomes;
    std::vector<std::size_t> chosen(checks_per_turn);
    for (std::size_t first = 0; first < asked_.size(); first += checks_per_turn) {
      for (std::size_t i = 0; i < checks_per_turn; ++i) chosen[i] = (first + i) % asked_.size();
      table_.enter_turn(0);
      ask(batch, chosen);
      for (const Outcome outcome : batch.outcomes()) outcomes.push_back(static_cast<Byte>(outcome));
      table_.leave_turn(0);
      batch.clear();
    }
    return hex(sha256(outcomes));
  }

  const Options options_;
  SeededRandom random_{seed};
  Key pepper_ = random_key(random_);
  FreshView view_;
  engine::Table table_{{.capacity_hint = 1024, .workers = 1}, pepper_, random_};
  const loadgen::Population population_;
  std::vector<loadgen::Credential> asked_;
  std::vector<Digest> digests_;
  std::uint64_t revision_ = 0;
  TurnTimes puts_;                          // of the writer, while the table grows
  long switches_ = involuntary_switches();  // of the writer, when it last asked
  std::size_t warmed_bytes_ = 0;
  double warmed_s_ = 0;
  double rested_us_ = 0;            // of a phase
  std::atomic<bool> rests_{false};  // the writer does nothing
  double updates_per_s_ = 0;
  std::size_t wrong_ = 0;
  std::atomic<std::uint64_t> turns_done_{0};
};

}  // namespace
}  // namespace shearline::bench

int main(int argc, char** argv) {
  shearline::bench::Options options;
  CLI::App app{"The table beside its writer: growth, updates, and how soon a change is seen"};
  app.add_option("--credentials", options.credentials, "grow to so many");
  app.add_option("--checked", options.checked, "of them, asked about by the reader")
      ->check(CLI::Range(std::size_t{2}, std::size_t{1} << 20));
  app.add_option("--updates", options.updates_per_s, "a second, beside reads")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "of each phase")->check(CLI::PositiveNumber);
  app.add_flag("--warm", options.warm,
               "touch the memory that the growth will take before, as if the host had given it");
  app.add_option("--changes", options.visibilities, "whose way to a verdict is timed")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    std::printf("%s\n", shearline::bench::Bench(options).run().dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "table_bench: %s\n", error.what());
    return 1;
  }
}
