// One load test from connecting to the last answer: threads with a loop and connections each, a live line
// every second, and what came of it. Always bounded: by time or by count, and by a server that falls silent.
#pragma once

#include "base/error.hpp"
#include "loadgen/connection.hpp"
#include "loadgen/script.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace shearline::loadgen {

inline constexpr std::size_t connections_max = 10'000;
inline constexpr std::size_t pipeline_max = 65'536;
inline constexpr std::size_t threads_max = 256;
inline constexpr std::int64_t silence_ms_max = 10'000;  // with questions open and no answer at all
inline constexpr std::int64_t drain_ms_max = 5'000;     // for the last answers

struct Plan {
  std::string server = "127.0.0.1:7411";
  std::size_t connections = 4;
  std::size_t pipeline = 16;  // frames unanswered per connection
  std::size_t threads = 1;
  std::int64_t duration_ms = 10'000;    // when there is no count
  std::optional<std::uint64_t> checks;  // rounded up to whole frames
};

struct Outcome {
  Observed observed;
  std::int64_t elapsed_ns = 0;   // from the first question to the last answer
  std::uint64_t unanswered = 0;  // frames
  std::optional<Error> failure;  // a connection broke, or the server fell silent

  bool clean() const {
    return !failure && unanswered == 0 && observed.tally.mismatches == 0 && observed.tally.errors == 0;
  }
};

struct Progress {
  std::int64_t second = 0;
  std::uint64_t checks_in_it = 0;
  std::uint64_t mismatches = 0;  // so far
};

// unavailable: the server cannot be reached; nothing was asked then.
Result<Outcome> run_load(const Plan& plan, const Script& script,
                         const std::function<void(const Progress&)>& each_second);

}  // namespace shearline::loadgen
