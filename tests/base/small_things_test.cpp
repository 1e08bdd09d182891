// The rest of base's vocabulary: error codes, big-endian integers, randomness, misspelt names.
#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/random.hpp"

#include <gtest/gtest.h>

#include <set>

namespace shearline {
namespace {

TEST(Code, GoesThroughItsNameAndBack) {
  for (int i = 0; i <= static_cast<int>(Code::internal_error); ++i) {
    EXPECT_EQ(code_from_name(code_name(static_cast<Code>(i))), static_cast<Code>(i));
  }
  EXPECT_EQ(code_name(Code::policy_violation), "policy_violation");
  EXPECT_EQ(code_from_name("no such code"), Code::internal_error);
}

TEST(BigEndian, GoesBothWays) {
  const std::array<Byte, 8> bytes = be64(0x0102030405060708ULL);
  EXPECT_EQ(bytes, (std::array<Byte, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(load_be64(bytes.data()), 0x0102030405060708ULL);
  EXPECT_EQ(load_be64(be64(UINT64_MAX).data()), UINT64_MAX);
}

TEST(Bytes, AreEqualByLengthAndContent) {
  EXPECT_TRUE(equal({}, {}));
  EXPECT_TRUE(equal(as_bytes("ab"), as_bytes("ab")));
  EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("a")));
  EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("ac")));
}

TEST(SeededRandom, RepeatsFromItsSeedOnly) {
  SeededRandom one(7);
  SeededRandom same(7);
  SeededRandom other(8);
  const std::uint64_t first = one.next_u64();
  EXPECT_EQ(first, same.next_u64());
  EXPECT_NE(first, other.next_u64());
  EXPECT_NE(first, one.next_u64());
}

TEST(SystemRandom, FillsEveryByteAndNeverRepeats) {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.next_u64());
  EXPECT_EQ(seen.size(), 1000U);
  std::array<Byte, 64> any{};
  for (int i = 0; i < 64; ++i) {  // each position is other than zero at least once
    std::array<Byte, 64> more;
    random.fill(more);
    for (std::size_t at = 0; at < any.size(); ++at) any[at] = static_cast<Byte>(any[at] | more[at]);
  }
  for (const Byte byte : any) EXPECT_NE(byte, 0);
}

TEST(NearestName, FindsTheSlipOfAFinger) {
  const std::string_view known[] = {"grace_ms", "not_before", "emergency"};
  EXPECT_EQ(nearest_name("grace_sm", known), "grace_ms");
  EXPECT_EQ(nearest_name("notbefore", known), "not_before");
  EXPECT_EQ(nearest_name("something_else", known), "");
  EXPECT_EQ(did_you_mean("grace_sm", known), ", did you mean `grace_ms`?");
  EXPECT_EQ(did_you_mean("something_else", known), "");
}

}  // namespace
}  // namespace shearline
