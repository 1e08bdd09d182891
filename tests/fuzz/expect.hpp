// What a fuzzer says when something does not hold: the input is then kept as a finding.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace shearline::fuzz {

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace shearline::fuzz
