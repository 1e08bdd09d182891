// ULIDs: one spelling each, sorting by time as text and as bytes.
#include "base/ulid.hpp"

#include <gtest/gtest.h>

namespace shearline {
namespace {

TEST(Ulid, GoesThroughTextAndBack) {
  SeededRandom random(1);
  for (int i = 0; i < 1000; ++i) {
    const Ulid ulid = Ulid::make(static_cast<TimeMs>(random.next_u64() >> 16), random);
    EXPECT_EQ(Ulid::parse(ulid.text()), ulid);
    const auto digits = ulid.digits();
    EXPECT_EQ(std::string_view(digits.data(), digits.size()), ulid.text());
    EXPECT_EQ(Ulid::from_bytes(ulid.bytes()), ulid);
  }
}

// The example of the ULID specification: 2016-07-30T23:54:10.259Z.
TEST(Ulid, CarriesItsTime) {
  EXPECT_EQ(Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV")->time_ms(), 1469922850259);
  SeededRandom random(1);
  EXPECT_EQ(Ulid::make(1'700'000'000'123, random).time_ms(), 1'700'000'000'123);
}

TEST(Ulid, SortsByTimeAsTextAndAsBytes) {
  SeededRandom random(1);
  const Ulid earlier = Ulid::make(1'700'000'000'123, random);
  const Ulid later = Ulid::make(1'700'000'000'124, random);
  EXPECT_LT(earlier, later);
  EXPECT_LT(earlier.text(), later.text());
}

TEST(Ulid, ReachesFromNoneToTheLargest) {
  EXPECT_TRUE(Ulid::parse("00000000000000000000000000")->is_none());
  EXPECT_EQ(Ulid().text(), "00000000000000000000000000");
  const std::optional<Ulid> largest = Ulid::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  ASSERT_TRUE(largest);
  for (const Byte byte : largest->bytes()) EXPECT_EQ(byte, 0xff);
}

TEST(Ulid, RefusesEveryOtherSpelling) {
  for (const char* const text :
       {"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVV", "01arz3ndektsv4rrffq69g5fav",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAI", "01ARZ3NDEKTSV4RRFFQ69G5FAL",
        "01ARZ3NDEKTSV4RRFFQ69G5FAO", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01ARZ3NDEKTSV4RRFFQ69G5F-V"}) {
    EXPECT_FALSE(Ulid::parse(text)) << text;
  }
}

}  // namespace
}  // namespace shearline
