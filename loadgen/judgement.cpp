#include "loadgen/judgement.hpp"

#include "loadgen/text.hpp"

#include <array>

namespace shearline::loadgen {
namespace {

constexpr double saturated_share = 0.95;  // of a core
// Latencies hold the own delays. So much of them at most may be the generator's where they are called the server's.
constexpr double own_share_max = 0.1;
constexpr std::array<double, 2> judged_percents = {99, 99.9};

bool is_saturated(const Punctuality& kept) { return kept.busy_share_max > saturated_share; }

std::string how_busy(const Punctuality& kept) {
  return format("its busiest thread needed %.0f %% of a core", kept.busy_share_max * 100);
}

bool is_punctual(const Histogram& own_delay_ns, const Histogram& latency_ns) {
  for (const double percent : judged_percents) {
    const double most = own_share_max * static_cast<double>(latency_ns.percentile(percent));
    if (static_cast<double>(own_delay_ns.percentile(percent)) > most) return false;
  }
  return true;
}

// "p99 3.1 us of the latency's 212.0 us, p99.9 ..., at worst 40.2 us"
std::string own_delays(const Histogram& own_delay_ns, const Histogram& latency_ns) {
  std::string out;
  for (const double percent : judged_percents) {
    out +=
        format("p%g %s of the latency's %s, ", percent, time_text(own_delay_ns.percentile(percent)).c_str(),
               time_text(latency_ns.percentile(percent)).c_str());
  }
  return out + "at worst " + time_text(own_delay_ns.maximum());
}

}  // namespace

Judgement judge_closed_loop(const Punctuality& kept) {
  if (!is_saturated(kept)) return {true, "was not the slower side: " + how_busy(kept)};
  return {false,
          "may have been the slower side: " + how_busy(kept) + "; more threads on more cores may show more"};
}

Judgement judge_open_loop(const Punctuality& kept, const Histogram& latency_ns) {
  const std::string late = "late by itself: " + own_delays(kept.own_delay_ns, latency_ns);
  const std::string busy = "; " + how_busy(kept);
  if (!is_punctual(kept.own_delay_ns, latency_ns)) {
    return {false, "was " + late + ": so much of the latencies is not the server's" + busy};
  }
  if (is_saturated(kept)) return {false, "was at its limit, " + late + busy};
  return {true, "kept its schedule, " + late + busy};
}

}  // namespace shearline::loadgen
