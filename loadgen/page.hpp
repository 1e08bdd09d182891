// The report as one HTML page that needs nothing else: no script, no font, no image from anywhere. Used by the command;
// its figures are those of report.hpp.
#pragma once

#include "loadgen/report.hpp"

#include <string>

namespace shearline::loadgen {

std::string report_html(const Results& results);  // well-formed as XML, too

}  // namespace shearline::loadgen
