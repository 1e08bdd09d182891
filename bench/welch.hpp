// Welch's t between two sets of samples whose variances need not be the same. Used by timing_bench.
#pragma once

#include <cmath>
#include <vector>

namespace shearline::bench {

struct Moments {
  double count = 0;
  double mean = 0;
  double variance = 0;
};

// Of the samples that are no larger than `limit`.
inline Moments moments_of(const std::vector<double>& samples, double limit) {
  Moments out;
  double squares = 0;
  for (const double each : samples) {  // Welford
    if (each > limit) continue;
    out.count += 1;
    const double off = each - out.mean;
    out.mean += off / out.count;
    squares += off * (each - out.mean);
  }
  out.variance = out.count > 1 ? squares / (out.count - 1) : 0;
  return out;
}

inline double welch_t(const Moments& a, const Moments& b) {
  const double error = std::sqrt(a.variance / a.count + b.variance / b.count);
  return error > 0 ? (a.mean - b.mean) / error : 0;
}

}  // namespace shearline::bench
