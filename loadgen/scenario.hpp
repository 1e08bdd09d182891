// Scenarios: a load test written down in TOML. Reads them, with every fault at once and its line, and holds the ones
// that are built in, which are texts of the same form. Used by the command line, whose options win over the file's.
#pragma once

#include "loadgen/plan.hpp"

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::loadgen {

struct BuiltInScenario {
  std::string_view name;
  std::string_view text;
};
std::span<const BuiltInScenario> built_in_scenarios();

// "FILE:LINE: what is wrong", in the order of the lines.
using Faults = std::vector<std::string>;
std::expected<Scenario, Faults> parse_scenario(std::string_view text, std::string_view origin);

// A name that is built in, else a file.
std::expected<Scenario, Faults> load_scenario(const std::string& name_or_file);

// "250ms", "10s", "2m", "1h"; at most a day.
std::optional<std::int64_t> duration_ms_of(std::string_view text);

}  // namespace shearline::loadgen
