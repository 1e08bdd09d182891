// Latencies in nanoseconds as counts in log-linear buckets: each power of two is cut into 128 equal parts, so
// a value read back is at most 0.8 % above what was recorded. Fixed size, recording is a few instructions.
// Used by the load threads (one histogram each, merged at the end); knows nothing of what is measured.
#pragma once

#include <array>
#include <cstdint>

namespace shearline::loadgen {

class Histogram {
 public:
  static constexpr unsigned value_bits_max = 40;  // about 18 minutes; longer ones count as that

  void record(std::uint64_t nanoseconds, std::uint64_t times = 1);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t minimum() const { return count_ == 0 ? 0 : minimum_; }
  std::uint64_t maximum() const { return maximum_; }
  double mean() const;
  // The smallest recorded value (to bucket precision, rounded up) that at least `percent` of all values do
  // not exceed. 0 when nothing was recorded.
  std::uint64_t percentile(double percent) const;

 private:
  static constexpr unsigned part_bits = 7;
  static constexpr std::uint64_t parts = std::uint64_t{1} << part_bits;
  static constexpr std::size_t bucket_count = (value_bits_max - part_bits + 1) * parts;

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t highest_in(std::size_t bucket);

  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t minimum_ = UINT64_MAX;
  std::uint64_t maximum_ = 0;
  long double sum_ = 0;
};

}  // namespace shearline::loadgen
