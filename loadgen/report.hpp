// What a load test came to, for people and as JSON. Used by the command alone.
#pragma once

#include "loadgen/run.hpp"

#include <string>

namespace shearline::loadgen {

std::string report_text(const Plan& plan, const Script& script, const Outcome& outcome);
std::string report_json(const Plan& plan, const Script& script,
                        const Outcome& outcome);  // one object, one line
std::string progress_text(const Progress& progress);

}  // namespace shearline::loadgen
