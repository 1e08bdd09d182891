// What a load test shall do: where, how many, how fast, for how long, and what goes on beside the load. Filled by the
// command line and by scenario files; read by everything that runs and reports.
#pragma once

#include "loadgen/schedule.hpp"
#include "loadgen/script.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shearline::loadgen {

inline constexpr std::size_t connections_max = 10'000;
inline constexpr std::size_t pipeline_max = 65'536;
inline constexpr std::size_t threads_max = 256;
inline constexpr double rate_min = 0.001;
inline constexpr double rate_max = 1e9;  // checks a second
inline constexpr std::uint64_t checks_max = 1'000'000'000'000;
inline constexpr std::int64_t duration_ms_max = std::int64_t{24} * 3'600'000;
inline constexpr std::size_t frames_per_life_max = 1'000'000;
inline constexpr std::size_t parallel_max = 256;

enum class OnLoss : std::uint8_t { end, reconnect };

// Connections that ask all the time and read little or nothing of the answers.
struct SlowReaders {
  std::size_t connections = 0;
  std::uint64_t bytes_per_s = 0;  // 0: they never read
};

// A command that runs while the load does, again and again.
struct DuringCommand {
  std::string run;            // for /bin/sh; $CLIENT_ID is a client of the population, another one each time
  std::int64_t every_ms = 0;  // between two starts, at least
  std::size_t parallel = 1;   // running at the same time, at most
  bool learn = false;         // its output tells new secrets (during.hpp)
};

struct Plan {
  std::string server = "127.0.0.1:7411";
  std::string auth_file;  // "GATEWAY TOKEN"; empty: no AUTH
  std::size_t connections = 4;
  std::size_t pipeline = 16;  // frames unanswered per connection
  std::size_t threads = 1;
  std::int64_t duration_ms = 10'000;    // when there is no count
  std::optional<std::uint64_t> checks;  // exactly
  std::optional<double> checks_per_s;   // open loop; without it, closed: an answer brings the next question
  Arrivals arrivals = Arrivals::poisson;
  std::size_t frames_per_connection = 0;  // then it closes and connects anew; 0: never
  OnLoss on_loss = OnLoss::end;
  SlowReaders slow_readers;
  std::size_t garbage_connections = 0;
  std::vector<DuringCommand> during;

  bool is_open_loop() const { return checks_per_s.has_value(); }
};

struct Scenario {
  std::string name = "options";
  std::string about;
  Plan plan;
  ScriptOptions script;
};

}  // namespace shearline::loadgen
