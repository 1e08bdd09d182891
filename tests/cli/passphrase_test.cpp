#include "cli/passphrase.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace shearline::cli {
namespace {

std::string typed(std::string_view keys, Typed& last) {
  TypedLine line;
  last = Typed::more;
  for (const Byte byte : as_bytes(keys)) {
    last = line.key(byte);
    if (last != Typed::more) break;
  }
  const Plaintext taken = line.take();
  return to_string(taken.reveal());
}

TEST(TypedLine, EndsWithReturn) {
  Typed last;
  EXPECT_EQ(typed("open sesame\rmore", last), "open sesame");
  EXPECT_EQ(last, Typed::complete);
}

TEST(TypedLine, IsEditedAsOnATerminal) {
  Typed last;
  EXPECT_EQ(typed("abx\x7f"
                  "c\n",
                  last),
            "abc");
  EXPECT_EQ(typed("wrong\x15right\n", last), "right");
  EXPECT_EQ(typed("\x7f\x08"
                  "a\n",
                  last),
            "a");
  EXPECT_EQ(typed("a\xc3\xa4\x7f"
                  "b\n",
                  last),
            "ab");
}

TEST(TypedLine, IsGivenUpWithCtrlCOrAnEmptyCtrlD) {
  Typed last;
  typed("abc\x03", last);
  EXPECT_EQ(last, Typed::given_up);
  typed("\x04", last);
  EXPECT_EQ(last, Typed::given_up);
  EXPECT_EQ(typed("abc\x04", last), "abc");
  EXPECT_EQ(last, Typed::complete);
}

TEST(TypedLine, IsGivenUpWhenItIsTooLong) {
  Typed last;
  typed(std::string(passphrase_bytes_max + 1, 'x'), last);
  EXPECT_EQ(last, Typed::given_up);
}

TEST(Passphrase, FromTheEnvironmentIsTakenOnceAndLeavesIt) {
  ::setenv(passphrase_variable, "correct horse battery", 1);
  const auto source = ask_passphrase("", "the test", Asking::twice);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(as_text(source->material.reveal()), "correct horse battery");
  EXPECT_EQ(::getenv(passphrase_variable), nullptr);
}

TEST(Passphrase, ANewOneHasALeastLength) {
  ::setenv(passphrase_variable, "short", 1);
  const auto source = ask_passphrase("", "the test", Asking::twice);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, Code::invalid);
  EXPECT_EQ(source.error().message.find("short"), std::string::npos);
}

TEST(Passphrase, AnOldOneMayBeShort) {
  ::setenv(passphrase_variable, "short", 1);
  EXPECT_TRUE(ask_passphrase("", "the test", Asking::once));
}

}  // namespace
}  // namespace shearline::cli
