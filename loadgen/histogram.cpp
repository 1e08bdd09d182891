#include "loadgen/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace shearline::loadgen {

// Values below 128 have a bucket each. A larger value with its highest bit at position p keeps the seven bits
// below that one: row p - 6, and the seven bits are the column.
std::size_t Histogram::bucket_of(std::uint64_t value) {
  if (value < parts) return value;
  const auto highest_bit = static_cast<unsigned>(std::bit_width(value)) - 1;
  const unsigned shift = highest_bit - part_bits;
  return (shift + 1) * parts + (value >> shift) - parts;
}

std::uint64_t Histogram::highest_in(std::size_t bucket) {
  if (bucket < parts) return bucket;
  const std::uint64_t shift = bucket / parts - 1;
  const std::uint64_t column = bucket % parts;
  return ((parts + column + 1) << shift) - 1;
}

void Histogram::record(std::uint64_t nanoseconds, std::uint64_t times) {
  if (times == 0) return;
  const std::uint64_t value = std::min(nanoseconds, (std::uint64_t{1} << value_bits_max) - 1);
  buckets_[bucket_of(value)] += times;
  count_ += times;
  minimum_ = std::min(minimum_, value);
  maximum_ = std::max(maximum_, value);
  sum_ += static_cast<long double>(value) * static_cast<long double>(times);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < bucket_count; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  minimum_ = std::min(minimum_, other.minimum_);
  maximum_ = std::max(maximum_, other.maximum_);
  sum_ += other.sum_;
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_ / static_cast<long double>(count_));
}

std::uint64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::clamp(highest_in(i), minimum_, maximum_);
  }
  return maximum_;
}

}  // namespace shearline::loadgen
