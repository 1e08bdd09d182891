// What a load test came to, for people (report_text.cpp), as JSON (report_json.cpp), and the words that these and the page
// share (report.cpp). Used by the command and the page (page.hpp).
#pragma once

#include "loadgen/judgement.hpp"
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

// Words that all forms share. "MVERIFY of 512 and VERIFY to 127.0.0.1:7411: 4 connections, pipeline 16, 1 thread, ..."
std::string description(const Results& results);
std::string frames_text(const ScriptOptions& script);                         // "MVERIFY of 512 and VERIFY"
std::string verdict_counts(const std::array<std::uint64_t, 256>& by_letter);  // "current 900, rejected 100"
const char* arrivals_name(Arrivals arrivals);
std::size_t threads_of(const Plan& plan);
Judgement judge_generator(const Results& results);
// Everything else that happened, as name and text, in the order to show it; nothing that did not happen.
std::vector<std::pair<std::string, std::string>> incidents(const Results& results);

}  // namespace shearline::loadgen
