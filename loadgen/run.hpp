// One load test from connecting to the last answer: threads with a loop and connections each, commands beside them, a live
// line every second, and what came of it. Always bounded: by time or by count, and by a server that falls silent.
#pragma once

#include "base/error.hpp"
#include "loadgen/during.hpp"
#include "loadgen/observed.hpp"
#include "loadgen/plan.hpp"
#include "loadgen/timeline.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shearline::loadgen {

struct Outcome {
  Observed observed;
  Interval total;  // latencies of the whole run
  std::vector<Point> points;
  std::vector<DuringCounts> during;
  std::int64_t elapsed_ns = 0;  // from the first question to the last answer
  TimeMs started_at = 0;
  bool interrupted = false;
  std::optional<Error> failure;  // a connection broke, the server fell silent, a log could not be written

  bool clean() const;
};

struct Progress {
  std::int64_t second = 0;
  std::uint64_t checks_in_it = 0;
  std::uint64_t p99_ns = 0;      // in it: the highest of its intervals' ones
  std::uint64_t mismatches = 0;  // so far
  std::uint64_t errors = 0;      // so far
};

// What a run is given besides its plan.
struct Surroundings {
  Time& time;
  const std::atomic<bool>& interrupted;  // set by a signal: end early, with the report
  std::function<void(const Progress&)> each_second;
  std::string hdr_log;  // file for the interval log; empty: none
};

// unavailable: the server cannot be reached, or the log cannot be created; invalid,
// not_found: the server's address, the AUTH file. Nothing was asked then.
Result<Outcome> run_load(const Plan& plan, const Population& population, const Script& script,
                         const Surroundings& around);

}  // namespace shearline::loadgen
