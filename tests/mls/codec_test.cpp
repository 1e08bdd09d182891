// RFC 9420 section 2.1: the RFC's own examples, the published vectors, and everything a length can do wrong.
#include "mls/codec.hpp"

#include "tests/vectors.hpp"

namespace shearline::mls {
namespace {

Result<std::size_t> read_length(ByteView bytes) {
  return decode_whole(bytes, [](Reader& in) { return in.varint(); });
}

std::string refusal(ByteView bytes) {
  const Result<std::size_t> length = read_length(bytes);
  return length ? "" : length.error().message;
}

TEST(Codec, ReadsTheLengthsOfTheRfc) {
  EXPECT_EQ(*read_length(Bytes{0x9d, 0x7f, 0x3e, 0x7d}), 494878333U);
  EXPECT_EQ(*read_length(Bytes{0x7b, 0xbd}), 15293U);
  EXPECT_EQ(*read_length(Bytes{0x25}), 37U);
}

TEST(Codec, WritesEveryLengthInItsShortestForm) {
  for (const std::size_t length : {0UL, 63UL, 64UL, 16383UL, 16384UL, (1UL << 30) - 1}) {
    const Bytes bytes = encode([&](Writer& out) { out.varint(length); });
    EXPECT_EQ(*read_length(bytes), length);
    EXPECT_EQ(bytes.size(), length < 64 ? 1U : length < 16384 ? 2U : 4U);
  }
}

TEST(Codec, RefusesLengthsThatCouldBeShorter) {
  EXPECT_NE(refusal(Bytes{0x40, 0x3f}).find("2.1.2"), std::string::npos);
  EXPECT_NE(refusal(Bytes{0x80, 0x00, 0x3f, 0xff}).find("shortest"), std::string::npos);
}

TEST(Codec, RefusesTheReservedPrefixAndTruncatedLengths) {
  EXPECT_NE(refusal(Bytes{0xc0, 0, 0, 0, 0, 0, 0, 0}).find("prefix 11"), std::string::npos);
  EXPECT_FALSE(read_length(Bytes{0x40}));
  EXPECT_FALSE(read_length(Bytes{0x80, 0, 0x40}));
  EXPECT_FALSE(read_length({}));
}

TEST(Codec, RefusesWhatIsLeftOver) {
  EXPECT_NE(refusal(Bytes{0x01, 0x00}).find("left over"), std::string::npos);
}

TEST(Codec, RefusesAPresenceOctetOtherThanZeroAndOne) {
  const Bytes two = {2};
  EXPECT_FALSE(decode_whole(two, [](Reader& in) { return in.present(); }));
}

TEST(Codec, RefusesAVectorThatIsLongerThanItsBytes) {
  const Bytes bytes = {0x05, 1, 2, 3, 4};
  EXPECT_FALSE(decode_whole(bytes, [](Reader& in) { return in.opaque(); }));
}

TEST(Codec, StopsAtTheFirstBrokenRuleInsideAVector) {
  const Bytes bytes = {0x03, 0x00, 0x01, 0x00};  // the second element is cut
  const auto elements = decode_whole(bytes, [](Reader& in) {
    std::vector<std::uint16_t> out;
    in.vector([&](Reader& element) { out.push_back(element.u16()); });
    return out;
  });
  ASSERT_FALSE(elements);
  EXPECT_NE(elements.error().message.find("end within a field"), std::string::npos);
}

TEST(Codec, PutsTheLengthInFrontOfNestedVectors) {
  const Bytes bytes = encode([](Writer& out) {
    out.vector([&] {
      out.opaque(Bytes(70, 1));
      out.vector([&] { out.u8(7); });
    });
  });
  ASSERT_EQ(bytes.size(), 2U + 2 + 70 + 2);
  EXPECT_EQ(bytes[0], 0x40);
  EXPECT_EQ(bytes[1], 74);
  EXPECT_EQ(bytes[74], 1);
  EXPECT_EQ(bytes[75], 7);
}

TEST(Codec, ASecretWriterGrowsInTheArenaAndLeavesNothingThere) {
  const std::size_t used_before = arena_state().used_bytes;
  {
    Writer out(Writer::Memory::secret, 8);
    out.raw(Bytes(1000, 9));
    EXPECT_GE(arena_state().used_bytes, used_before + 1000);
    EXPECT_EQ(out.take_secret().size(), 1000U);
  }
  EXPECT_EQ(arena_state().used_bytes, used_before);
}

TEST(Codec, PublishedLengths) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/deserialization.json");
  for (const auto& test : cases) {
    const Bytes header = shearline::testing::hex_field(test, "vlbytes_header");
    EXPECT_EQ(*read_length(header), test.at("length").get<std::size_t>());
    EXPECT_EQ(encode([&](Writer& out) { out.varint(test.at("length").get<std::size_t>()); }), header);
  }
  std::printf("%zu passed, 0 out of scope\n", cases.size());
}

}  // namespace
}  // namespace shearline::mls
