// What a load test came to, for people and as JSON. Used by the command and, for its words, by the page (page.hpp).
#pragma once

#include "loadgen/run.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace shearline::loadgen {

// What all forms of the report are made of.
struct Results {
  const Scenario& scenario;
  const Script& script;
  const Outcome& outcome;
};

inline constexpr std::array<double, 5> reported_percents = {50, 90, 99, 99.9, 99.99};

std::string report_text(const Results& results);
std::string report_json(const Results& results);  // one object, one line
std::string progress_text(const Progress& progress);

// "MVERIFY of 512 and VERIFY to 127.0.0.1:7411: 4 connections, pipeline 16, 1 thread, open loop, ..."
std::string description(const Results& results);
// How far the figures are the server's and not the generator's. The flag: they are.
std::pair<bool, std::string> generator_judgement(const Results& results);
// Everything else that happened, as name and text, in the order to show it; nothing that did not happen.
std::vector<std::pair<std::string, std::string>> incidents(const Results& results);
std::string verdict_counts(const std::array<std::uint64_t, 256>& by_letter);  // "current 900, rejected 100"

}  // namespace shearline::loadgen
