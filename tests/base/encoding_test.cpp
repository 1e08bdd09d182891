// Text forms of bytes: published vectors, and decoders that refuse whatever the encoder would not have written.
#include "base/encoding.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

namespace shearline {
namespace {

std::string base62(const Bytes& bytes) {
  std::string out(base62_digits, '?');
  base62_of_32(std::span<const Byte, 32>(bytes.data(), 32),
               std::span<char, base62_digits>(out.data(), out.size()));
  return out;
}

TEST(Hex, GoesBothWays) {
  const Bytes bytes = {0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(hex(bytes), "000fa5ff");
  EXPECT_EQ(from_hex("000fa5ff"), bytes);
  EXPECT_EQ(from_hex("000FA5FF"), bytes);
  EXPECT_EQ(from_hex(""), Bytes());
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
  for (const char* const text : {"0", "abc", "0g", "g0", " 00", "0x00"}) EXPECT_FALSE(from_hex(text)) << text;
}

// RFC 4648 section 10.
TEST(Base64, FollowsTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64(as_bytes(plain)), encoded);
    std::string unpadded = encoded;
    while (unpadded.ends_with('=')) unpadded.pop_back();
    EXPECT_EQ(base64url(as_bytes(plain)), unpadded);
    EXPECT_EQ(from_base64url(unpadded), to_bytes(as_bytes(plain)));
  }
}

TEST(Base64Url, UsesTheUrlAlphabet) {
  EXPECT_EQ(base64url(Bytes{0xfb, 0xff}), "-_8");
  EXPECT_EQ(base64(Bytes{0xfb, 0xff}), "+/8=");
}

TEST(Base64Url, RefusesPaddingTheOtherAlphabetAndImpossibleLengths) {
  for (const char* const text : {"Zg==", "Zm8=", "+/8", "Zm9v\n", "Z", "Zm9vY", "Zm 9"}) {
    EXPECT_FALSE(from_base64url(text)) << text;
  }
}

TEST(Base64Url, RefusesStrayBits) {
  EXPECT_TRUE(from_base64url("Zg"));
  for (const char* const text : {"Zh", "Zv", "Zm9", "Zm-"}) EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(Base64Url, GoesBothWaysForEveryLength) {
  SeededRandom random(1);
  for (std::size_t size = 0; size < 100; ++size) {
    Bytes bytes(size);
    random.fill(bytes);
    EXPECT_EQ(from_base64url(base64url(bytes)), bytes);
  }
}

// The examples of security.md are these two numbers.
TEST(Base62, WritesThe43DigitsOfTheDesign) {
  Bytes counting(32);
  for (std::size_t i = 0; i < 32; ++i) counting[i] = static_cast<Byte>(i);
  EXPECT_EQ(base62(counting), "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf");
  EXPECT_EQ(base62(Bytes(32, 0xff)), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
  EXPECT_EQ(base62(Bytes(32, 0)), std::string(43, '0'));
  Bytes sixty_one(32, 0);
  sixty_one[31] = 61;
  EXPECT_EQ(base62(sixty_one), std::string(42, '0') + "z");
}

TEST(Crc32, IsTheIeeeOne) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926U);
  EXPECT_EQ(crc32({}), 0U);
}

TEST(Crc32, EndsTheApiKeyOfTheDesign) {
  const std::string_view key = "sl_acme-prod.003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf";
  EXPECT_EQ(base62_of_crc(crc32(as_bytes(key))), "1J5WgV");
}

TEST(Crc32, FillsSixDigits) {
  EXPECT_EQ(base62_of_crc(0), "000000");
  EXPECT_EQ(base62_of_crc(0xffffffffU), "4gfFC3");
}

}  // namespace
}  // namespace shearline
