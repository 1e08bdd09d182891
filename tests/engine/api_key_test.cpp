#include "engine/api_key.hpp"

#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shearline::engine {
namespace {

// design: security.md "Secrets and keys"
constexpr std::string_view example = "sl_acme-prod.003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1J5WgV";
constexpr std::string_view example_secret = "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf";

TEST(ApiKey, FormatsTheExampleOfTheDesign) {
  EXPECT_EQ(key_text("sl", "acme-prod", example_secret), example);
}

TEST(ApiKey, ParsesTheExampleOfTheDesign) {
  const auto parts = parse_api_key(as_bytes(example));
  ASSERT_TRUE(parts);
  EXPECT_EQ(as_text(parts->prefix), "sl");
  EXPECT_EQ(as_text(parts->client_id), "acme-prod");
  EXPECT_EQ(as_text(parts->secret), example_secret);
  EXPECT_TRUE(parts->crc_fits);
}

TEST(ApiKey, PartsAreSpansOfTheCallersBytes) {
  const auto parts = parse_api_key(as_bytes(example));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->secret.data(), as_bytes(example).data() + example.find('.') + 1);
}

TEST(ApiKey, FirstUnderscoreEndsThePrefixAndLastDotTheClientId) {
  const std::string text = key_text("sl", "a_b.c_d.e", example_secret);
  const auto parts = parse_api_key(as_bytes(text));
  ASSERT_TRUE(parts);
  EXPECT_EQ(as_text(parts->prefix), "sl");
  EXPECT_EQ(as_text(parts->client_id), "a_b.c_d.e");
}

TEST(ApiKey, EveryChangedCharacterIsNoticed) {
  for (std::size_t i = 0; i < example.size(); ++i) {
    std::string broken(example);
    broken[i] = broken[i] == 'x' ? 'y' : 'x';
    const auto parts = parse_api_key(as_bytes(broken));
    EXPECT_FALSE(parts && parts->crc_fits) << broken;
  }
}

TEST(ApiKey, PrefixHasOneToTwelveLowerCaseLettersAndDigits) {
  EXPECT_TRUE(parse_api_key(as_bytes(key_text("a", "c", example_secret))));
  EXPECT_TRUE(parse_api_key(as_bytes(key_text("abcdefghij01", "c", example_secret))));
  EXPECT_FALSE(parse_api_key(as_bytes(key_text("", "c", example_secret))));
  EXPECT_FALSE(parse_api_key(as_bytes(key_text("abcdefghij012", "c", example_secret))));
  EXPECT_FALSE(parse_api_key(as_bytes(key_text("aB", "c", example_secret))));
}

TEST(ApiKey, ClientIdHasOneToSixtyFourBytes) {
  EXPECT_TRUE(parse_api_key(as_bytes(key_text("sl", std::string(64, 'c'), example_secret))));
  EXPECT_FALSE(parse_api_key(as_bytes(key_text("sl", std::string(65, 'c'), example_secret))));
  EXPECT_FALSE(parse_api_key(as_bytes(key_text("sl", "", example_secret))));
}

TEST(ApiKey, AnythingElseIsForeign) {
  const std::string long_secret(44, '0');
  const std::string odd_secret = std::string(42, '0') + "-";
  for (const std::string& text : {std::string(), std::string("sk_live_51HxyzABCDEF"), std::string(600, 'x'),
                                  std::string("_."), std::string(49, '0'), "." + std::string(49, '0'),
                                  "sl_." + std::string(49, '0'), key_text("sl", "c", long_secret),
                                  key_text("sl", "c", odd_secret), key_text("sl", "c d", example_secret)}) {
    EXPECT_FALSE(parse_api_key(as_bytes(text))) << text;
  }
}

TEST(ApiKey, NoPrefixOfAKeyIsReadBeyondItsEnd) {
  for (std::size_t length = 0; length < example.size(); ++length) {
    const std::string cut(example.substr(0, length));  // own memory, so that a sanitizer sees an overrun
    const auto parts = parse_api_key(as_bytes(cut));
    EXPECT_FALSE(parts && parts->crc_fits) << length;
  }
}

TEST(ClientId, AllowsTheUnreservedCharactersOnlyWhereverTheyStand) {
  EXPECT_TRUE(is_client_id(as_bytes("AZaz09._~-")));
  for (int c = 0; c < 256; ++c) {
    const bool allowed = c < 128 && (std::isalnum(c) != 0 || c == '.' || c == '_' || c == '~' || c == '-');
    for (std::size_t length = 1; length <= client_id_bytes_max; ++length) {
      Bytes text(length, 'a');  // its own size exactly, so that a read past its end is seen
      for (Byte& at : text) {
        at = static_cast<Byte>(c);
        ASSERT_EQ(is_client_id(text), allowed) << c << " at " << &at - text.data() << " of " << length;
        at = 'a';
      }
    }
  }
}

TEST(ClientId, HasOneToSixtyFourBytes) {
  EXPECT_FALSE(is_client_id({}));
  EXPECT_TRUE(is_client_id(as_bytes(std::string(64, 'a'))));
  EXPECT_FALSE(is_client_id(as_bytes(std::string(65, 'a'))));
}

TEST(MakeSecret, WritesThirtyTwoBytesAsFortyThreeDigits) {
  std::array<Byte, 32> bytes{};
  EXPECT_EQ(as_text(make_secret(bytes).reveal()), std::string(43, '0'));
  bytes.fill(0xff);
  const Secret largest = make_secret(bytes);
  EXPECT_EQ(largest.size(), secret_digits);
  EXPECT_TRUE(parse_api_key(format_api_key("sl", "c", largest).reveal()));
}

}  // namespace
}  // namespace shearline::engine
