// Lines of the log: a peer's bytes must not forge one, and the JSON form is JSON whatever they are.
#include "base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class Log : public ::testing::Test {
 protected:
  void SetUp() override { log::configure(log::Level::info, log::Format::text); }
};

std::string written(log::Level level, std::string_view event, log::Fields fields) {
  ::testing::internal::CaptureStderr();
  log::write(level, event, fields);
  return ::testing::internal::GetCapturedStderr();
}

std::string text_line(std::string_view value) {
  return written(log::Level::info, "event", {{"field", value}});
}

nlohmann::json json_line(log::Fields fields) {
  log::configure(log::Level::info, log::Format::json);
  const std::string line = written(log::Level::warning, "something_happened", fields);
  log::configure(log::Level::info, log::Format::text);
  EXPECT_EQ(std::ranges::count(line, '\n'), 1) << line;
  return nlohmann::json::parse(line);
}

TEST_F(Log, WritesTimeLevelEventAndFields) {
  const std::string line =
      written(log::Level::warning, "something_happened", {{"client", "acme"}, {"count", 7}, {"ready", true}});
  EXPECT_THAT(line, HasSubstr("Z warning something_happened client=acme count=7 ready=true\n"));
  EXPECT_EQ(line[4], '-');
}

TEST_F(Log, QuotesTextThatCouldBeMistakenForMore) {
  EXPECT_THAT(text_line("a b"), EndsWith("field=\"a b\"\n"));
  EXPECT_THAT(text_line(""), EndsWith("field=\"\"\n"));
  EXPECT_THAT(text_line("x=y"), EndsWith("field=\"x=y\"\n"));
  EXPECT_THAT(text_line("say \"hi\" \\ bye"), EndsWith(R"(field="say \"hi\" \\ bye")"
                                                       "\n"));
}

TEST_F(Log, LetsNoByteForgeALine) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = std::string("x") + static_cast<char>(byte) + "2026 error forged";
    const std::string line = text_line(value);
    EXPECT_EQ(std::ranges::count(line, '\n'), 1) << byte;
    for (const char c : line) {
      EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << byte;
      EXPECT_NE(c, 0x7f);
    }
  }
}

// ESC has an 8-bit twin (U+009B) that terminals also obey.
TEST_F(Log, ShowsControlCharactersBeyondAsciiAsEscapes) {
  EXPECT_THAT(text_line("a\xc2\x9b[2Jb"), HasSubstr("a\\u009b[2Jb"));
}

TEST_F(Log, KeepsOtherTextAsItIs) { EXPECT_THAT(text_line("M\xc3\xbcnchen"), HasSubstr("M\xc3\xbcnchen")); }

TEST_F(Log, ReplacesWhatIsNotUtf8) {
  EXPECT_THAT(text_line("a\xff"
                        "b\xc3"),
              HasSubstr("a\\ufffdb\\ufffd"));
  EXPECT_THAT(text_line("\xed\xa0\x80"), Not(HasSubstr("\xed"))) << "a lone surrogate";
  EXPECT_THAT(text_line("\xc0\xaf"), Not(HasSubstr("\xc0"))) << "an overlong slash";
}

TEST_F(Log, WritesOneJsonObjectALineWhateverTheBytes) {
  const nlohmann::json json = json_line({{"client", "acme"}, {"count", 7}, {"ready", false}});
  EXPECT_EQ(json.at("level"), "warning");
  EXPECT_EQ(json.at("event"), "something_happened");
  EXPECT_EQ(json.at("client"), "acme");
  EXPECT_EQ(json.at("count"), 7);
  EXPECT_EQ(json.at("ready"), false);
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = std::string("x") + static_cast<char>(byte);
    EXPECT_TRUE(json_line({{"field", value}}).at("field").is_string()) << byte;
  }
}

TEST_F(Log, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(written(log::Level::debug, "detail", {}), "");
  log::configure(log::Level::error, log::Format::text);
  EXPECT_EQ(written(log::Level::warning, "something", {}), "");
  EXPECT_THAT(written(log::Level::error, "broken", {}), HasSubstr("error   broken\n"));
}

}  // namespace
}  // namespace shearline
