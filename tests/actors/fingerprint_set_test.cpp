#include "actors/fingerprint_set.hpp"

#include <gtest/gtest.h>

namespace shearline::actors {
namespace {

Hash fingerprint_of(std::uint64_t number) { return sha256(be64(number)); }

TEST(FingerprintSet, KnowsNothingAtFirst) { EXPECT_FALSE(FingerprintSet().contains(fingerprint_of(1))); }

TEST(FingerprintSet, KnowsWhatWasPutIntoItAndNothingElseHoweverMuchThatIs) {
  constexpr std::uint64_t many = 200'000;  // each part has grown several times
  FingerprintSet set;
  for (std::uint64_t i = 0; i < many; ++i) {
    set.insert(fingerprint_of(i));
    set.insert(fingerprint_of(i / 2));  // known already
  }
  for (std::uint64_t i = 0; i < many; ++i) {
    ASSERT_TRUE(set.contains(fingerprint_of(i))) << i;
    ASSERT_FALSE(set.contains(fingerprint_of(many + i))) << i;
  }
}

TEST(FingerprintSet, KnowsTheOneThatBeginsWithZeros) {
  FingerprintSet set;
  set.insert(fingerprint_of(1));
  EXPECT_FALSE(set.contains(Hash{}));
  set.insert(Hash{});
  EXPECT_TRUE(set.contains(Hash{}));
}

}  // namespace
}  // namespace shearline::actors
