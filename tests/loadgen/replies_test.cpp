// Answers are counted per verdict and held against what each secret deserved, however they are cut into
// pieces.
#include "loadgen/replies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shearline::loadgen {
namespace {

using ::testing::HasSubstr;

Script make_script(Mode mode, std::size_t batch, double wrong_share) {
  return Script(Population::generated(20, 1),
                {.kinds = {{mode, batch}}, .wrong_share = wrong_share, .seed = 9});
}

// What a server that decides rightly answers to the frame.
std::string right_answer(const Script& script, std::size_t frame) {
  if (script.mode(frame) == Mode::verify)
    return script.right(frame)[0] != 0 ? "+current\r\n" : "+rejected\r\n";
  std::string verdicts;
  for (const Byte right : script.right(frame)) verdicts += right != 0 ? 'c' : 'r';
  return "$" + std::to_string(verdicts.size()) + "\r\n" + verdicts + "\r\n";
}

class Replies : public ::testing::TestWithParam<Mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, Replies, ::testing::Values(Mode::verify, Mode::mverify));

TEST_P(Replies, MatchWhenEveryVerdictIsRight) {
  const Script script = make_script(GetParam(), 16, 0.5);
  Tally tally;
  ReplyReader reader(script, 3, tally);
  std::string bytes;
  for (std::size_t frame = 3; frame < 13; ++frame) bytes += right_answer(script, frame);
  const auto ended = reader.feed(as_bytes(bytes));
  ASSERT_TRUE(ended.has_value()) << ended.error().message;
  EXPECT_EQ(*ended, 10U);
  EXPECT_EQ(tally.frames, 10U);
  EXPECT_EQ(tally.checks, 10 * script.checks(0));
  EXPECT_EQ(tally.mismatches, 0U);
  EXPECT_EQ(tally.by_letter['c'] + tally.by_letter['r'], tally.checks);
}

TEST_P(Replies, AreTheSameByteByByte) {
  const Script script = make_script(GetParam(), 16, 0.5);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  std::size_t ended = 0;
  for (std::size_t frame = 0; frame < 5; ++frame) {
    for (const char c : right_answer(script, frame)) {
      const auto fed = reader.feed(as_bytes(std::string_view(&c, 1)));
      ASSERT_TRUE(fed.has_value()) << fed.error().message;
      ended += *fed;
    }
    EXPECT_EQ(ended, frame + 1);
  }
  EXPECT_EQ(tally.mismatches, 0U);
  EXPECT_EQ(tally.checks, 5 * script.checks(0));
}

TEST_P(Replies, GoRoundTheScript) {
  const Script script = make_script(GetParam(), 16, 0.5);
  Tally tally;
  ReplyReader reader(script, script.frames() - 1, tally);
  const std::string bytes = right_answer(script, script.frames() - 1) + right_answer(script, 0);
  EXPECT_EQ(reader.feed(as_bytes(bytes)), 2U);
  EXPECT_EQ(tally.mismatches, 0U);
}

TEST(RepliesToMverify, CountAVerdictThatTheSecretDidNotDeserve) {
  const Script right = make_script(Mode::mverify, 7, 0);
  Tally tally;
  ReplyReader reader(right, 0, tally);
  ASSERT_EQ(reader.feed(as_bytes("$7\r\ncgnrmtu\r\n")), 1U);
  EXPECT_EQ(tally.mismatches, 4U);
  for (const char letter : Tally::letters) EXPECT_EQ(tally.by_letter[static_cast<Byte>(letter)], 1U);

  const Script wrong = make_script(Mode::mverify, 7, 1);
  Tally other;
  ReplyReader strict(wrong, 0, other);
  ASSERT_EQ(strict.feed(as_bytes("$7\r\ncgnrmtu\r\n")), 1U);
  EXPECT_EQ(other.mismatches, 6U);
}

TEST(RepliesToVerify, KnowEveryVerdictByName) {
  const Script script = make_script(Mode::verify, 1, 0);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  ASSERT_EQ(reader.feed(as_bytes("+current\r\n+grace\r\n+next\r\n+rejected\r\n+malformed\r\n+throttled\r\n")),
            6U);
  EXPECT_EQ(tally.mismatches, 3U);
  for (const char letter : std::string_view("cgnrmt"))
    EXPECT_EQ(tally.by_letter[static_cast<Byte>(letter)], 1U);
}

TEST_P(Replies, CountUnavailableForTheWholeFrame) {
  const Script script = make_script(GetParam(), 16, 0);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  ASSERT_EQ(reader.feed(as_bytes("-UNAVAILABLE loading\r\n")), 1U);
  EXPECT_EQ(tally.by_letter['u'], script.checks(0));
  EXPECT_EQ(tally.mismatches, script.checks(0));
  EXPECT_EQ(tally.errors, 0U);
}

TEST_P(Replies, KeepTheFirstErrorAndGoOn) {
  const Script script = make_script(GetParam(), 16, 0);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  ASSERT_EQ(reader.feed(as_bytes("-ERR one\r\n-NOAUTH two\r\n" + right_answer(script, 2))), 3U);
  EXPECT_EQ(tally.errors, 2U);
  ASSERT_EQ(tally.error_kinds.entries().size(), 2U);
  EXPECT_EQ(tally.error_kinds.entries().at("ERR").first, "ERR one");
  EXPECT_EQ(tally.error_kinds.entries().at("NOAUTH").count, 1U);
  EXPECT_EQ(tally.checks, script.checks(0));
}

TEST_P(Replies, ShowNoArgumentThatTheServerRepeats) {
  const Script script = make_script(GetParam(), 16, 0);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  ASSERT_EQ(reader.feed(as_bytes("-ERR unknown command 'VERIFY', with args beginning with: 'a' 'hush'\r\n")),
            1U);
  EXPECT_EQ(tally.error_kinds.entries().at("ERR").first, "ERR unknown command 'VERIFY'");
}

TEST_P(Replies, BeginAnewOnAnotherConnection) {
  const Script script = make_script(GetParam(), 16, 0.5);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  const std::string first = right_answer(script, 0);
  ASSERT_EQ(reader.feed(as_bytes(first.substr(0, first.size() - 3))), 0U);
  reader.begin_at(7);
  EXPECT_EQ(reader.feed(as_bytes(right_answer(script, 7))), 1U);
}

TEST(RepliesToMverify, ExpectFewerVerdictsForAShortenedLastFrame) {
  const Script script = make_script(Mode::mverify, 4, 0);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  reader.shorten_last(2, 3);
  EXPECT_EQ(reader.feed(as_bytes("$4\r\ncccc\r\n$4\r\ncccc\r\n$3\r\nccc\r\n")), 3U);
  EXPECT_EQ(tally.checks, 11U);
  EXPECT_EQ(tally.mismatches, 0U);
}

TEST(RepliesOfAMixedScript, AreReadByWhatEachFrameAsked) {
  const Script script(
      Population::generated(20, 1),
      {.kinds = {{Mode::verify, 1, 1}, {Mode::mverify, 5, 1}}, .wrong_share = 0.5, .seed = 9});
  Tally tally;
  ReplyReader reader(script, 0, tally);
  std::string bytes;
  std::size_t checks = 0;
  for (std::size_t frame = 0; frame < 50; ++frame) {
    bytes += right_answer(script, frame);
    checks += script.checks(frame);
  }
  EXPECT_EQ(reader.feed(as_bytes(bytes)), 50U);
  EXPECT_EQ(tally.checks, checks);
  EXPECT_EQ(tally.mismatches, 0U);
}

TEST(Kinds, CountEachAndPutTheManyTogether) {
  Kinds kinds;
  for (int i = 0; i < 100; ++i) kinds.count("kind " + std::to_string(i), "example");
  kinds.count("kind 0", "a later example");
  EXPECT_LE(kinds.entries().size(), Kinds::kinds_max + 1);
  EXPECT_EQ(kinds.total(), 101U);
  EXPECT_EQ(kinds.entries().at("kind 0").count, 2U);
  EXPECT_EQ(kinds.entries().at("kind 0").first, "example");
}

TEST_P(Replies, RefuseWhatNobodyAskedFor) {
  for (const std::string bytes : {"+fine\r\n", ":1\r\n", "$3\r\nccc\r\n", "$-1\r\n", "$x\r\n",
                                  "HTTP/1.1 400\r\n", "+current\n", "\r\n"}) {
    const Script script = make_script(GetParam(), 16, 0);
    Tally tally;
    ReplyReader reader(script, 0, tally);
    const auto fed = reader.feed(as_bytes(bytes));
    ASSERT_FALSE(fed.has_value()) << bytes;
    EXPECT_EQ(fed.error().code, Code::invalid);
    EXPECT_EQ(tally.frames, 0U);
  }
}

TEST(RepliesToMverify, RefuseABodyThatDoesNotEndWhereItSaid) {
  const Script script = make_script(Mode::mverify, 4, 0);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  EXPECT_FALSE(reader.feed(as_bytes("$4\r\ncccccc\r\n")).has_value());
}

TEST_P(Replies, RefuseALineWithoutEnd) {
  const Script script = make_script(GetParam(), 16, 0);
  Tally tally;
  ReplyReader reader(script, 0, tally);
  const auto fed = reader.feed(as_bytes(std::string(reply_line_bytes_max + 1, '+')));
  ASSERT_FALSE(fed.has_value());
  EXPECT_THAT(fed.error().message, HasSubstr("without end"));
}

}  // namespace
}  // namespace shearline::loadgen
