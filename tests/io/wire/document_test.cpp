// The reader under every decoder of this room: limits before allocation, one spelling of each refusal.
#include "io/wire/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shearline::wire {
namespace {

using ::testing::HasSubstr;

std::string refusal(const Bytes& bytes) {
  const Result<Document> document = Document::parse(bytes);
  return document ? "" : document.error().message;
}

Bytes repeated(const Bytes& head, std::size_t count, const Bytes& each, const Bytes& tail = {}) {
  Bytes out = head;
  for (std::size_t i = 0; i < count; ++i) append(out, each);
  append(out, tail);
  return out;
}

TEST(Document, ReadsEveryTypeInPlace) {
  // {"n": nil, "b": true, "i": 7, "m": -5, "t": "x", "y": bin 01 02, "a": [1, 2]}
  const Bytes bytes = {0x87, 0xa1, 'n', 0xc0, 0xa1, 'b',  0xc3, 0xa1, 'i',  0x07, 0xa1, 'm',  0xfb, 0xa1,
                       't',  0xa1, 'x', 0xa1, 'y',  0xc4, 0x02, 0x01, 0x02, 0xa1, 'a',  0x92, 0x01, 0x02};
  const Result<Document> document = Document::parse(bytes);
  ASSERT_TRUE(document) << document.error().message;
  Fault fault;
  const Fields fields(Item(*document, 0), "test", fault);
  EXPECT_TRUE(fields.has("n"));
  EXPECT_TRUE(fields.flag("b"));
  EXPECT_EQ(fields.integer("i"), 7);
  EXPECT_EQ(fields.integer("m"), -5);
  EXPECT_EQ(fields.text("t"), "x");
  EXPECT_EQ(fields.bytes("y").data(), bytes.data() + 21);
  EXPECT_EQ(fields.items("a").size(), 2U);
  EXPECT_FALSE(fault.found()) << fault.message();
}

TEST(Document, RefusesNothingAtAll) { EXPECT_THAT(refusal({}), HasSubstr("ends too early")); }

TEST(Document, RefusesTrailingBytes) {
  EXPECT_THAT(refusal({0x80, 0xc0}), HasSubstr("follow after the end"));
}

TEST(Document, RefusesTheSameKeyTwice) {
  EXPECT_THAT(refusal({0x82, 0xa1, 'a', 0x01, 0xa1, 'a', 0x02}), HasSubstr("same key twice"));
}

TEST(Document, RefusesTheSameKeyTwiceInTwoSpellings) {
  EXPECT_THAT(refusal({0x82, 0xa1, 'a', 0x01, 0xd9, 0x01, 'a', 0x02}), HasSubstr("same key twice"));
}

// Keys are compared as numbers first, which tell no more of them than their length and seven bytes.
TEST(Document, TellsLongKeysApartByTheirEnds) {
  Bytes bytes{0x82};
  for (const std::string_view key : {"long-key-1", "long-key-2"}) {
    bytes.push_back(static_cast<Byte>(0xa0 + key.size()));
    append(bytes, as_bytes(key));
    bytes.push_back(static_cast<Byte>(key.back() - '0'));
  }
  const Result<Document> document = Document::parse(bytes);
  ASSERT_TRUE(document) << document.error().message;
  Fault fault;
  const Fields fields(Item(*document, 0), "test", fault);
  EXPECT_EQ(fields.integer("long-key-1"), 1);
  EXPECT_EQ(fields.integer("long-key-2"), 2);
  EXPECT_FALSE(fields.has("long-key-3"));
  EXPECT_FALSE(fields.has("long-ke"));
  bytes.at(bytes.size() - 2) = '1';
  EXPECT_THAT(refusal(bytes), HasSubstr("same key twice"));
}

TEST(Document, RefusesKeysThatAreNotText) {
  EXPECT_THAT(refusal({0x81, 0x01, 0x02}), HasSubstr("key is not text"));
  EXPECT_THAT(refusal({0x81, 0x91, 0x01, 0x02}), HasSubstr("key is not text"));
}

TEST(Document, AllowsDepthFourAndRefusesFive) {
  EXPECT_EQ(refusal({0x91, 0x91, 0x91, 0x91, 0x01}), "");
  EXPECT_THAT(refusal({0x91, 0x91, 0x91, 0x91, 0x91, 0x01}), HasSubstr("nested too deeply"));
}

TEST(Document, RefusesTooDeeplyNestedEmptyContainers) {
  EXPECT_EQ(refusal({0x91, 0x91, 0x91, 0x90}), "");
  EXPECT_THAT(refusal({0x91, 0x91, 0x91, 0x91, 0x90}), HasSubstr("nested too deeply"));
}

TEST(Document, RefusesHugeCountsFromTheirHeaderAlone) {
  EXPECT_THAT(refusal({0xdd, 0xff, 0xff, 0xff, 0xff}), HasSubstr("too many items"));
  EXPECT_THAT(refusal({0xdf, 0xff, 0xff, 0xff, 0xff}), HasSubstr("too many entries"));
  EXPECT_THAT(refusal({0xdc, 0x10, 0x01}), HasSubstr("too many items"));    // 4,097
  EXPECT_THAT(refusal({0xde, 0x00, 0x41}), HasSubstr("too many entries"));  // 65
}

TEST(Document, AllowsExactly4096Items) { EXPECT_EQ(refusal(repeated({0xdc, 0x10, 0x00}, 4096, {0xc0})), ""); }

TEST(Document, RefusesLengthsBeyondItsEnd) {
  EXPECT_THAT(refusal({0xdb, 0xff, 0xff, 0xff, 0xff}), HasSubstr("ends too early"));
  EXPECT_THAT(refusal({0xc6, 0xff, 0xff, 0xff, 0xff, 0x00}), HasSubstr("ends too early"));
}

TEST(Document, RefusesFloatsAndExtensions) {
  EXPECT_THAT(refusal({0xca, 0, 0, 0, 0}), HasSubstr("floating-point"));
  EXPECT_THAT(refusal({0xcb, 0, 0, 0, 0, 0, 0, 0, 0}), HasSubstr("floating-point"));
  EXPECT_THAT(refusal({0xd4, 1, 0}), HasSubstr("extension"));
  EXPECT_THAT(refusal({0xc9, 0xff, 0xff, 0xff, 0xff, 0}), HasSubstr("ends too early"));
}

TEST(Document, RefusesMoreThanOneMebibyte) {
  EXPECT_THAT(refusal(Bytes(document_bytes_max + 1, 0xc0)), HasSubstr("larger than 1 MiB"));
}

TEST(Document, RefusesMoreValuesThanItsLimit) {
  const Bytes inner = repeated({0xdc, 0x10, 0x00}, 4096, {0xc0});
  EXPECT_THAT(refusal(repeated({0xdc, 0x00, 0x20}, 32, inner)), HasSubstr("too many values"));
}

TEST(Fields, NameWhatIsMissingAndWhatHasTheWrongType) {
  const Bytes bytes = {0x81, 0xa1, 'a', 0x01};
  const Result<Document> document = Document::parse(bytes);
  ASSERT_TRUE(document);
  Fault missing;
  EXPECT_EQ(Fields(Item(*document, 0), "thing", missing).text("b"), "");
  EXPECT_EQ(missing.message(), "thing: field `b` is missing");
  Fault wrong;
  EXPECT_EQ(Fields(Item(*document, 0), "thing", wrong).text("a"), "");
  EXPECT_EQ(wrong.message(), "thing: field `a` has the wrong type");
}

TEST(Fields, RefuseIntegersThatDoNotFit) {
  const Bytes bytes = {0x82, 0xa1, 'a', 0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0, 0xa1, 'b', 0xff};
  const Result<Document> document = Document::parse(bytes);
  ASSERT_TRUE(document);
  Fault too_large;
  Fields(Item(*document, 0), "thing", too_large).integer("a");
  EXPECT_EQ(too_large.message(), "thing: field `a` is out of range");
  Fault negative;
  Fields(Item(*document, 0), "thing", negative).unsigned_integer("b");
  EXPECT_EQ(negative.message(), "thing: field `b` is negative");
}

TEST(Fields, OfSomethingThatIsNotAMapMissEverything) {
  const Bytes bytes = {0x91, 0x01};
  const Result<Document> document = Document::parse(bytes);
  ASSERT_TRUE(document);
  Fault fault;
  EXPECT_FALSE(Fields(Item(*document, 0), "thing", fault).has("a"));
  EXPECT_EQ(fault.message(), "thing: not a map");
}

}  // namespace
}  // namespace shearline::wire
