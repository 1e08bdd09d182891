#include "loadgen/report.hpp"
#include "loadgen/text.hpp"

namespace shearline::loadgen {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string percent_name(double percent) { return format("p%g", percent); }

std::string latency_line(const char* name, const Histogram& latency) {
  std::string out = format("%-12sof a frame, us: min %.1f", name, microseconds(latency.minimum()));
  for (const double percent : reported_percents) {
    out += format("  %s %.1f", percent_name(percent).c_str(), microseconds(latency.percentile(percent)));
  }
  return out + format("  max %.1f\n", microseconds(latency.maximum()));
}

}  // namespace

std::string progress_text(const Progress& progress) {
  std::string out =
      format("%4lld s  %-12s p99 %-10s mismatches %llu", static_cast<long long>(progress.second),
             rate_text(static_cast<double>(progress.checks_in_it)).c_str(),
             time_text(progress.p99_ns).c_str(), static_cast<unsigned long long>(progress.mismatches));
  if (progress.errors > 0) out += "  errors " + number(progress.errors);
  return out;
}

std::string report_text(const Results& results) {
  const Outcome& outcome = results.outcome;
  const Tally& tally = outcome.observed.tally;
  const bool is_open = results.scenario.plan.is_open_loop();
  std::string out = description(results) + "\n";
  out += format("checks      %llu in %.3f s: %s\n", static_cast<unsigned long long>(tally.checks),
                static_cast<double>(outcome.elapsed_ns) / 1e9,
                rate_text(per_second(tally.checks, outcome.elapsed_ns)).c_str());
  out += format("frames      %llu: %s\n", static_cast<unsigned long long>(tally.frames),
                rate_text(per_second(tally.frames, outcome.elapsed_ns)).c_str());
  out += latency_line("latency", outcome.total.latency_ns);
  if (is_open) {
    out += "            (from when each frame was due: what a stall held up is counted)\n";
    out += latency_line("service", outcome.total.service_ns);
    out += "            (from when it went out)\n";
  } else {
    out += "            (closed loop: a slow answer delays the next question, so waiting is not counted)\n";
  }
  out += "verdicts    " + verdict_counts(tally.by_letter) + "\n";
  out += "mismatches  " + number(tally.mismatches) + "\n";
  out += "generator   " + judge_generator(results).words + "\n";
  for (const auto& [name, text] : incidents(results)) out += format("%-11s ", name.c_str()) + text + "\n";
  return out;
}

}  // namespace shearline::loadgen
