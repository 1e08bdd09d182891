// What the latency histogram promises about the values it gives back.
#include "loadgen/histogram.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace shearline::loadgen {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.minimum(), 0U);
  EXPECT_EQ(histogram.maximum(), 0U);
  EXPECT_EQ(histogram.mean(), 0.0);
  EXPECT_EQ(histogram.percentile(99), 0U);
}

TEST(Histogram, GivesSmallValuesBackExactly) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0), 1U);
  EXPECT_EQ(histogram.percentile(50), 50U);
  EXPECT_EQ(histogram.percentile(99), 99U);
  EXPECT_EQ(histogram.percentile(100), 100U);
  EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, StaysWithinAThousandthAboveTheTrueRank) {
  Histogram histogram;
  SeededRandom random(7);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t value = random.next_u64() >> (25 + random.next_u64() % 30);
    values.push_back(value);
    histogram.record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9}) {
    const std::uint64_t exact =
        values[static_cast<std::size_t>(percent / 100 * static_cast<double>(values.size())) - 1];
    const std::uint64_t read = histogram.percentile(percent);
    EXPECT_GE(read, exact) << percent;
    EXPECT_LE(static_cast<double>(read), static_cast<double>(exact) * 1.001 + 1) << percent;
  }
}

TEST(Histogram, CountsARepeatedValueThatManyTimes) {
  Histogram histogram;
  histogram.record(1'000, 99);
  histogram.record(1'000'000);
  EXPECT_EQ(histogram.count(), 100U);
  EXPECT_LE(histogram.percentile(99), 1'000U);
  EXPECT_EQ(histogram.percentile(100), 1'000'000U);
}

TEST(Histogram, CutsWhatIsBeyondItsRange) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.maximum(), Histogram::value_max);
  EXPECT_EQ(histogram.percentile(50), histogram.maximum());
}

TEST(Histogram, HasBucketsWithoutGapsFromZeroToItsRange) {
  std::uint64_t next = 0;
  std::size_t bucket = 0;
  for (; next <= Histogram::value_max; ++bucket) {
    ASSERT_EQ(Histogram::lowest_in(bucket), next);
    ASSERT_GE(Histogram::highest_in(bucket), next);
    next = Histogram::highest_in(bucket) + 1;
  }
  Histogram histogram;
  for (const std::size_t i :
       {std::size_t{0}, std::size_t{2'047}, std::size_t{2'048}, std::size_t{5'000}, bucket - 1}) {
    histogram = {};
    histogram.record(Histogram::lowest_in(i));
    EXPECT_EQ(histogram.buckets().size(), i + 1);
    EXPECT_EQ(histogram.buckets()[i], 1U);
  }
}

TEST(Histogram, MergedIsAsIfRecordedInOne) {
  Histogram one;
  Histogram left;
  Histogram right;
  for (std::uint64_t value = 1; value < 5'000; value += 7) {
    one.record(value * value);
    (value % 2 == 0 ? left : right).record(value * value);
  }
  left.merge(right);
  EXPECT_EQ(left.count(), one.count());
  EXPECT_EQ(left.minimum(), one.minimum());
  EXPECT_EQ(left.maximum(), one.maximum());
  EXPECT_DOUBLE_EQ(left.mean(), one.mean());
  for (const double percent : {5.0, 50.0, 95.0}) EXPECT_EQ(left.percentile(percent), one.percentile(percent));
}

}  // namespace
}  // namespace shearline::loadgen
