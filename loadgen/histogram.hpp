// Latencies in nanoseconds as counts in the buckets of HdrHistogram with three significant digits: a value read
// back is less than 0.1 % above what was recorded. 264 KiB from the first value on, recording is a few instructions.
// Used by the load threads (merged at the end) and written out by hdr_log.hpp; knows nothing of what is measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace shearline::loadgen {

class Histogram {
 public:
  static constexpr std::uint64_t value_max = 3'600'000'000'000;  // an hour; longer ones count as that
  static constexpr int significant_digits = 3;

  void record(std::uint64_t nanoseconds, std::uint64_t times = 1);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t minimum() const { return count_ == 0 ? 0 : minimum_; }
  std::uint64_t maximum() const { return maximum_; }
  double mean() const;
  double standard_deviation() const;  // from the buckets' middles
  // The smallest recorded value (to bucket precision, rounded up) that at least `percent` of all values do
  // not exceed. 0 when nothing was recorded.
  std::uint64_t percentile(double percent) const;

  // Bucket i counts the values from lowest_in(i) to highest_in(i); the last one given holds the maximum.
  std::span<const std::uint64_t> buckets() const;
  static std::uint64_t lowest_in(std::size_t bucket);
  static std::uint64_t highest_in(std::size_t bucket);

 private:
  // Values below 2^11 have a bucket each. Above, each power of two is cut into 2^10 equal parts: the fewest
  // that keep three decimal digits.
  static constexpr unsigned part_bits = 10;
  static constexpr std::uint64_t parts = std::uint64_t{1} << part_bits;
  static constexpr std::size_t bucket_count = 33 * parts;
  static_assert((2 * parts << 31) > value_max && (2 * parts << 30) <= value_max);

  static std::size_t bucket_of(std::uint64_t value);

  std::vector<std::uint64_t> counts_;  // empty until the first value
  std::uint64_t count_ = 0;
  std::uint64_t minimum_ = UINT64_MAX;
  std::uint64_t maximum_ = 0;
  long double sum_ = 0;
};

}  // namespace shearline::loadgen
