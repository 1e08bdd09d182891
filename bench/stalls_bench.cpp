// What the machine takes away by itself: one thread on each of the named cores reads the clock and does nothing else, so
// every gap between two readings is time in which the core was not the thread's: another process, the kernel, the host of a
// virtual machine. Run by scripts/bench before latencies are measured; one JSON object on stdout. Knows nothing of the engine.
#include "bench/measuring.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shearline::bench {
namespace {

using nlohmann::json;

constexpr double short_gap_us = 100;
constexpr double long_gap_us = 1'000;
// A reading takes some 20 ns; with fewer than this many of them nothing would be known of gaps of 100 us.
constexpr double readings_per_ms_min = 100;

// One core's gaps. Everything between the first reading and the last is either in a gap or in `between_us`.
struct Gaps {
  std::uint64_t readings = 0;
  std::uint64_t over_100_us = 0;
  std::uint64_t over_1_ms = 0;
  double in_gaps_us = 0;  // in those over 100 us
  double in_long_gaps_us = 0;
  double between_us = 0;
  double longest_us = 0;
  double elapsed_us = 0;
  long interrupted = 0;  // how often the kernel gave the core to another thread

  void count(double gap_us) {
    ++readings;
    longest_us = std::max(longest_us, gap_us);
    if (gap_us <= short_gap_us) {
      between_us += gap_us;
      return;
    }
    ++over_100_us;
    in_gaps_us += gap_us;
    if (gap_us <= long_gap_us) return;
    ++over_1_ms;
    in_long_gaps_us += gap_us;
  }
};

Gaps watch(double seconds) {
  Gaps gaps;
  const long interrupted_before = involuntary_switches();
  const auto begin = Time::now();
  const auto end = begin + std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(seconds));
  auto last = begin;
  while (last < end) {
    const auto now = Time::now();
    gaps.count(std::chrono::duration<double, std::micro>(now - last).count());
    last = now;
  }
  gaps.elapsed_us = std::chrono::duration<double, std::micro>(last - begin).count();
  gaps.interrupted = involuntary_switches() - interrupted_before;
  return gaps;
}

// A benchmark that measured nothing must not be taken for a quiet machine.
void judge(const Gaps& gaps) {
  const double available_ms = (gaps.elapsed_us - gaps.in_gaps_us) / 1'000;
  if (static_cast<double>(gaps.readings) < readings_per_ms_min * available_ms)
    throw std::runtime_error("the clock was read too seldom to know of gaps");
  const double accounted_us = gaps.in_gaps_us + gaps.between_us;
  if (accounted_us < 0.999 * gaps.elapsed_us || accounted_us > 1.001 * gaps.elapsed_us)
    throw std::runtime_error("the gaps and what lies between them do not add up to the time that went by");
}

json to_json(int core, const Gaps& gaps) {
  return {{"core", core},
          {"readings", gaps.readings},
          {"elapsed_s", gaps.elapsed_us / 1e6},
          {"share_over_100_us", gaps.in_gaps_us / gaps.elapsed_us},
          {"share_over_1_ms", gaps.in_long_gaps_us / gaps.elapsed_us},
          {"over_100_us", gaps.over_100_us},
          {"over_1_ms", gaps.over_1_ms},
          {"longest_us", gaps.longest_us},
          {"interrupted", gaps.interrupted}};
}

json run(const std::vector<int>& cores, double seconds) {
  std::vector<Gaps> found(cores.size());
  std::vector<std::thread> threads;
  std::atomic<std::size_t> waited_for{cores.size()};
  for (std::size_t i = 0; i < cores.size(); ++i) {
    threads.emplace_back([&, i] {
      pin_to_core(cores[i]);
      waited_for.fetch_sub(1);
      while (waited_for.load() > 0) std::this_thread::yield();  // all at the same time
      found[i] = watch(seconds);
    });
  }
  for (std::thread& thread : threads) thread.join();
  json out = json::array();
  for (std::size_t i = 0; i < cores.size(); ++i) {
    judge(found[i]);
    out.push_back(to_json(cores[i], found[i]));
  }
  return {{"cores", out}};
}

}  // namespace
}  // namespace shearline::bench

int main(int argc, char** argv) {
  std::vector<int> cores = {0};
  double seconds = 1;
  CLI::App app{"How often and for how long the cores are taken from a thread that only reads the clock"};
  app.add_option("--cores", cores, "numbers, of those that this process may use: 0 is the first")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seconds", seconds)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    std::printf("%s\n", shearline::bench::run(cores, seconds).dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "stalls_bench: %s\n", error.what());
    return 1;
  }
}
