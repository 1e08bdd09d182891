#include "loadgen/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace shearline::loadgen {

// A value keeps its highest eleven bits: `shift` more are dropped. What is kept is at least `parts` for every
// shift above zero, so that row shift + 1 begins at its value `parts`.
std::size_t Histogram::bucket_of(std::uint64_t value) {
  const auto shift = static_cast<unsigned>(std::bit_width(value | (2 * parts - 1))) - (part_bits + 1);
  return (std::size_t{shift} << part_bits) + (value >> shift);
}

std::uint64_t Histogram::lowest_in(std::size_t bucket) {
  if (bucket < 2 * parts) return bucket;
  const std::uint64_t shift = bucket / parts - 1;
  return (parts + bucket % parts) << shift;
}

std::uint64_t Histogram::highest_in(std::size_t bucket) {
  if (bucket < 2 * parts) return bucket;
  const std::uint64_t shift = bucket / parts - 1;
  return lowest_in(bucket) + (std::uint64_t{1} << shift) - 1;
}

void Histogram::record(std::uint64_t nanoseconds, std::uint64_t times) {
  if (times == 0) return;
  if (counts_.empty()) counts_.resize(bucket_count);
  const std::uint64_t value = std::min(nanoseconds, value_max);
  counts_[bucket_of(value)] += times;
  count_ += times;
  minimum_ = std::min(minimum_, value);
  maximum_ = std::max(maximum_, value);
  sum_ += static_cast<long double>(value) * static_cast<long double>(times);
}

std::span<const std::uint64_t> Histogram::buckets() const {
  return std::span(counts_).first(count_ == 0 ? 0 : bucket_of(maximum_) + 1);
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (counts_.empty()) counts_.resize(bucket_count);
  const auto theirs = other.buckets();
  for (std::size_t i = bucket_of(other.minimum_); i < theirs.size(); ++i) counts_[i] += theirs[i];
  count_ += other.count_;
  minimum_ = std::min(minimum_, other.minimum_);
  maximum_ = std::max(maximum_, other.maximum_);
  sum_ += other.sum_;
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_ / static_cast<long double>(count_));
}

double Histogram::standard_deviation() const {
  if (count_ == 0) return 0;
  double squares = 0;
  const auto counts = buckets();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double middle = (static_cast<double>(lowest_in(i)) + static_cast<double>(highest_in(i))) / 2;
    squares += (middle - mean()) * (middle - mean()) * static_cast<double>(counts[i]);
  }
  return std::sqrt(squares / static_cast<double>(count_));
}

std::uint64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
  // A hair less, so that 99.9 % of 20,000 is not the 19,981st because 0.999 has no exact binary form.
  const double wanted = share * static_cast<double>(count_) * (1 - 1e-12);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(wanted)));
  std::uint64_t seen = 0;
  const auto counts = buckets();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (seen >= rank) return std::clamp(highest_in(i), minimum_, maximum_);
  }
  return maximum_;
}

}  // namespace shearline::loadgen
