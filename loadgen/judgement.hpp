// How far the figures of a run are the server's and not the generator's. Used by all forms of the report; knows only
// what was measured.
#pragma once

#include "loadgen/histogram.hpp"
#include "loadgen/observed.hpp"

#include <string>

namespace shearline::loadgen {

struct Judgement {
  bool is_trusted = false;  // the figures are the server's
  std::string words;        // to go behind "the generator"
};

// An open loop is trusted whose own delays are a small part of the latencies, at the percentiles that targets are set
// for; a closed one whose busiest thread had time to spare.
Judgement judge_open_loop(const Punctuality& kept, const Histogram& latency_ns);
Judgement judge_closed_loop(const Punctuality& kept);

}  // namespace shearline::loadgen
