#include "cli/moments.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace shearline::cli {
namespace {

constexpr TimeMs now = 1'700'000'000'000;

TEST(Moment, IsADurationFromNow) {
  EXPECT_EQ(parse_moment("+30m", now), now + 30 * 60'000);
  EXPECT_EQ(parse_moment("+7d", now), now + 7 * 86'400'000LL);
}

TEST(Moment, IsRfc3339InUtc) {
  EXPECT_EQ(parse_moment("2023-11-14T22:13:20Z", 0), now);
  EXPECT_EQ(parse_moment("2023-11-14T22:13:20.123Z", 0), now + 123);
  EXPECT_EQ(parse_moment("1970-01-01T00:00:00Z", 0), 0);
  EXPECT_EQ(parse_moment("2024-02-29T00:00:00Z", 0), 1'709'164'800'000);
}

TEST(Moment, ComesBackAsTheLogWritesIt) { EXPECT_EQ(parse_moment(rfc3339(now + 7), 0), now + 7); }

TEST(Moment, IsNothingElse) {
  for (const char* bad :
       {"", "+", "+x", "now", "30m", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20+01:00",
        "2023-11-14 22:13:20Z", "2023-13-14T22:13:20Z", "2023-02-29T22:13:20Z", "2023-11-14T24:13:20Z",
        "2023-11-14T22:60:20Z", "2023-11-14T22:13:60Z", "2023-11-14T22:13:20.1Z", "2023-11-14T22:13:20,123Z",
        "20a3-11-14T22:13:20Z", "1969-12-31T23:59:59Z", "2023-11-14T22:13:20.12aZ"}) {
    EXPECT_FALSE(parse_moment(bad, now)) << bad;
  }
}

TEST(Path, BelowHomeIsExpanded) {
  ::setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(expand_home("~/x/y"), "/home/someone/x/y");
  EXPECT_EQ(expand_home("/x"), "/x");
  EXPECT_EQ(expand_home("~x"), "~x");
  EXPECT_EQ(expand_home(""), "");
}

TEST(PublicFile, StandsBesideThePrivateOne) {
  EXPECT_EQ(public_name_of("/etc/keyring.json"), "/etc/keyring.public");
  EXPECT_EQ(public_name_of("keys"), "keys.public");
}

}  // namespace
}  // namespace shearline::cli
