#include "loadgen/report.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>

namespace shearline::loadgen {
namespace {

constexpr std::array<double, 5> percents = {50, 90, 99, 99.9, 99.99};

template <class... Args>
std::string format(const char* pattern, Args... args) {
  std::array<char, 512> buffer;
  const int length = std::snprintf(buffer.data(), buffer.size(), pattern, args...);
  return {buffer.data(), std::min(static_cast<std::size_t>(length), buffer.size() - 1)};
}

double per_second(std::uint64_t count, std::int64_t elapsed_ns) {
  return elapsed_ns <= 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(elapsed_ns);
}

double microseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1000; }

// "12.3 M/s"
std::string rate(double each_second) {
  if (each_second >= 1e6) return format("%.2f M/s", each_second / 1e6);
  if (each_second >= 1e3) return format("%.1f k/s", each_second / 1e3);
  return format("%.0f /s", each_second);
}

std::string percent_name(double percent) { return format("p%g", percent); }

const char* command_of(const Script& script) { return script.mode() == Mode::verify ? "VERIFY" : "MVERIFY"; }

}  // namespace

std::string progress_text(const Progress& progress) {
  return format("%4lld s  %-12s mismatches %llu", static_cast<long long>(progress.second),
                rate(static_cast<double>(progress.checks_in_it)).c_str(),
                static_cast<unsigned long long>(progress.mismatches));
}

std::string report_text(const Plan& plan, const Script& script, const Outcome& outcome) {
  const Tally& tally = outcome.observed.tally;
  const Histogram& latency = outcome.observed.latency_ns;
  std::string out =
      format("%s to %s: %zu checks a frame, %zu connections, pipeline %zu, %zu threads, closed loop\n",
             command_of(script), plan.server.c_str(), script.checks_per_frame(), plan.connections,
             plan.pipeline, std::min(plan.threads, plan.connections));
  out += format("checks      %llu in %.3f s: %s\n", static_cast<unsigned long long>(tally.checks),
                static_cast<double>(outcome.elapsed_ns) / 1e9,
                rate(per_second(tally.checks, outcome.elapsed_ns)).c_str());
  out += format("frames      %llu: %s\n", static_cast<unsigned long long>(tally.frames),
                rate(per_second(tally.frames, outcome.elapsed_ns)).c_str());
  out += format("latency     of a frame, us: min %.1f", microseconds(latency.minimum()));
  for (const double percent : percents) {
    out += format("  %s %.1f", percent_name(percent).c_str(), microseconds(latency.percentile(percent)));
  }
  out += format("  max %.1f\n", microseconds(latency.maximum()));
  out += "            (closed loop: a slow answer delays the next question, so waiting is not counted)\n";
  out += "verdicts   ";
  for (const char letter : Tally::letters) {
    const std::uint64_t count = tally.by_letter[static_cast<Byte>(letter)];
    if (count == 0) continue;
    out += " " + std::string(Tally::name_of(letter)) + " " + std::to_string(count);
  }
  out += "\nmismatches  " + std::to_string(tally.mismatches) + "\n";
  if (tally.errors > 0)
    out += "errors      " + std::to_string(tally.errors) + ", the first: " + tally.first_error + "\n";
  if (outcome.unanswered > 0) out += "unanswered  " + std::to_string(outcome.unanswered) + " frames\n";
  if (outcome.failure) out += "failed      " + outcome.failure->message + "\n";
  return out;
}

std::string report_json(const Plan& plan, const Script& script, const Outcome& outcome) {
  const Tally& tally = outcome.observed.tally;
  const Histogram& latency = outcome.observed.latency_ns;
  nlohmann::ordered_json verdicts = nlohmann::ordered_json::object();
  for (const char letter : Tally::letters) {
    verdicts[std::string(Tally::name_of(letter))] = tally.by_letter[static_cast<Byte>(letter)];
  }
  nlohmann::ordered_json latency_us = {{"min", microseconds(latency.minimum())},
                                       {"mean", latency.mean() / 1000}};
  for (const double percent : percents) {
    latency_us[percent_name(percent)] = microseconds(latency.percentile(percent));
  }
  latency_us["max"] = microseconds(latency.maximum());
  const nlohmann::ordered_json report = {
      {"command", command_of(script)},
      {"server", plan.server},
      {"checks_per_frame", script.checks_per_frame()},
      {"connections", plan.connections},
      {"pipeline", plan.pipeline},
      {"threads", std::min(plan.threads, plan.connections)},
      {"loop", "closed"},
      {"elapsed_s", static_cast<double>(outcome.elapsed_ns) / 1e9},
      {"checks", tally.checks},
      {"checks_per_s", per_second(tally.checks, outcome.elapsed_ns)},
      {"frames", tally.frames},
      {"frames_per_s", per_second(tally.frames, outcome.elapsed_ns)},
      {"latency_us", latency_us},
      {"verdicts", verdicts},
      {"mismatches", tally.mismatches},
      {"errors", tally.errors},
      {"first_error", tally.first_error},
      {"unanswered_frames", outcome.unanswered},
      {"failure",
       outcome.failure ? nlohmann::ordered_json(outcome.failure->message) : nlohmann::ordered_json()},
      {"clean", outcome.clean()},
  };
  // A server's error text may be any bytes: they are shown, not trusted to be UTF-8.
  return report.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace shearline::loadgen
