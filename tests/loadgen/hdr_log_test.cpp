// The forms that HdrHistogram's tools read. What a known tool makes of them is checked by decode_hdr.js.
#include "loadgen/hdr_log.hpp"

#include "base/encoding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace shearline::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string head_of(const Bytes& encoded) { return hex(ByteView(encoded).first(40)); }

TEST(HdrEncoding, BeginsWithTheHeadOfVersionTwo) {
  Histogram histogram;
  histogram.record(3, 5);
  EXPECT_EQ(head_of(hdr_v2(histogram)),
            "1c849313"          // cookie of V2, word size
            "00000002"          // bytes of counts
            "00000000"          // normalizing index offset
            "00000003"          // significant digits
            "0000000000000001"  // lowest discernible value
            "0000034630b8a000"  // highest trackable value: an hour
            "3ff0000000000000");
}

TEST(HdrEncoding, WritesCountsAsZigZagAndRunsOfZerosAsOneNegativeNumber) {
  Histogram histogram;
  histogram.record(0, 1);      // zigzag 2
  histogram.record(300, 200);  // after 299 zeros: zigzag 597; 200: zigzag 400
  const Bytes encoded = hdr_v2(histogram);
  EXPECT_EQ(hex(ByteView(encoded).subspan(40)),
            "02"
            "d504"
            "9003");
}

TEST(HdrEncoding, HoldsTheLargestCountsInNineBytes) {
  Histogram histogram;
  histogram.record(0, INT64_MAX);
  EXPECT_EQ(hex(ByteView(hdr_v2(histogram)).subspan(40)), "feffffffffffffffff");
}

TEST(HdrEncoding, OfNothingIsAHeadAlone) { EXPECT_EQ(hdr_v2(Histogram()).size(), 40U); }

TEST(HdrEncoding, CompressedIsTheSameBehindItsOwnCookie) {
  Histogram histogram;
  for (std::uint64_t i = 1; i < 100'000; i += 7) histogram.record(i * i);
  const std::string text = hdr_v2_compressed(histogram);
  EXPECT_THAT(text, StartsWith("HISTFAAA"));
  EXPECT_EQ(text.size() % 4, 0U);
}

TEST(PercentileDistribution, EndsWithEverythingAndItsSummary) {
  Histogram histogram;
  for (std::uint64_t ms = 1; ms <= 1'000; ++ms) histogram.record(ms * 1'000'000);
  const std::string text = percentile_distribution(histogram);
  EXPECT_THAT(text, StartsWith("       Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
  EXPECT_THAT(text, HasSubstr(" 1.000000000000       1000\n"));
  EXPECT_THAT(text, HasSubstr("#[Max     =  1000.000000, Total count    =         1000]\n"));
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  double value_before = 0;
  double percentile_before = -1;
  int rows = 0;
  double value = 0;
  double percentile = 0;
  while (std::getline(lines, line) && std::sscanf(line.c_str(), "%lf %lf", &value, &percentile) == 2) {
    EXPECT_GT(value, value_before);
    EXPECT_GT(percentile, percentile_before);
    EXPECT_NEAR(value / 1'000, percentile, 0.0021);
    value_before = value;
    percentile_before = percentile;
    ++rows;
  }
  EXPECT_GT(rows, 20);
  EXPECT_LT(rows, 120);
}

TEST(HdrLog, WritesAHeadAndALineForEachInterval) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("hdr_log_test." + std::to_string(getpid()));
  auto log = HdrLog::create(path, 1'700'000'000'123);
  ASSERT_TRUE(log.has_value());
  Histogram histogram;
  histogram.record(2'500'000);
  log->add("", 0, 1, histogram);
  log->add("service", 1, 0.25, histogram);
  ASSERT_TRUE(log->close().has_value());
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove(path);
  EXPECT_THAT(text.str(),
              StartsWith("#[Histogram log format version 1.3]\n#[StartTime: 1700000000.123 (seconds since "
                         "epoch), 2023-11-14T22:13:20.123Z]\n\"StartTimestamp\","));
  EXPECT_THAT(text.str(), HasSubstr("\n0.000,1.000,2.500,HISTFAAA"));
  EXPECT_THAT(text.str(), HasSubstr("\nTag=service,1.000,0.250,2.500,HISTFAAA"));
}

TEST(HdrLog, NamesAFileThatCannotBeWritten) {
  const auto absent = HdrLog::create("/nowhere/x.hlog", 0);
  ASSERT_FALSE(absent.has_value());
  EXPECT_THAT(absent.error().message, HasSubstr("/nowhere/x.hlog: No such file"));
  auto full = HdrLog::create("/dev/full", 0);
  ASSERT_TRUE(full.has_value());
  full->add("", 0, 1, Histogram());
  const Status closed = full->close();
  ASSERT_FALSE(closed.has_value());
  EXPECT_THAT(closed.error().message, HasSubstr("/dev/full: No space left"));
}

}  // namespace
}  // namespace shearline::loadgen
