// Credentials for load tests: derived ones, their file, and the lines that are refused.
#include "loadgen/population.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

namespace shearline::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string written(std::size_t count, Random& random) {
  const File file(std::tmpfile());
  EXPECT_TRUE(write_credentials(file.get(), count, random).has_value());
  std::string text(static_cast<std::size_t>(std::ftell(file.get())), '\0');
  EXPECT_EQ(std::fseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), file.get()), text.size());
  return text;
}

TEST(Population, WritesTheLineThatTheImportReads) {
  SeededRandom random(1);
  EXPECT_THAT(
      written(1, random),
      ::testing::MatchesRegex("\\{\"client_id\":\"load-000000000000\",\"secret\":\"[0-9A-Za-z]{43}\"\\}\n"));
}

TEST(Population, DerivesWhatWasWrittenWithTheSameSeed) {
  SeededRandom random(42);
  const auto read = Population::parse(written(300, random), "f");
  ASSERT_TRUE(read.has_value());
  const Population derived = Population::generated(300, 42);
  ASSERT_EQ(read->size(), derived.size());
  for (std::size_t i = 0; i < derived.size(); ++i) {
    EXPECT_EQ(read->at(i).client_id, derived.at(i).client_id);
    EXPECT_EQ(read->at(i).secret, derived.at(i).secret) << i;
  }
}

TEST(Population, DiffersFromSeedToSeedAndFromClientToClient) {
  EXPECT_NE(Population::generated(1, 1).at(0).secret, Population::generated(1, 2).at(0).secret);
  EXPECT_NE(Population::generated(2, 1).at(0).secret, Population::generated(2, 1).at(1).secret);
}

TEST(Population, SkipsEmptyLinesAndTakesAFileWithoutLastNewline) {
  const auto read = Population::parse(
      "{\"client_id\":\"a\",\"secret\":\"s1\"}\r\n\n{\"secret\":\"s2\",\"client_id\":\"b\",\"more\":1}", "f");
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at(0).secret, "s1");
  EXPECT_EQ(read->at(1).client_id, "b");
}

struct BadFile {
  std::string text;
  std::string says;
};
class PopulationRefuses : public ::testing::TestWithParam<BadFile> {};

TEST_P(PopulationRefuses, TheLineByItsNumberWithoutShowingIt) {
  const auto read = Population::parse(GetParam().text, "creds.jsonl");
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::invalid);
  EXPECT_THAT(read.error().message, HasSubstr("creds.jsonl: " + GetParam().says));
  EXPECT_THAT(read.error().message, Not(HasSubstr("hush")));
}

INSTANTIATE_TEST_SUITE_P(
    Files, PopulationRefuses,
    ::testing::Values(
        BadFile{"", "holds no credential"}, BadFile{"\n\n", "holds no credential"},
        BadFile{"{\"client_id\":\"a\",\"secret\":\"s\"}\nhush", "line 2: not a JSON object"},
        BadFile{"\n[\"hush\"]", "line 2: not a JSON object"},
        BadFile{"{\"client_id\":\"a\"}", "line 1: \"secret\" is missing"},
        BadFile{"{\"secret\":\"hush\"}", "line 1: \"client_id\" is missing"},
        BadFile{"{\"client_id\":7,\"secret\":\"hush\"}", "line 1: \"client_id\" is not a string"},
        BadFile{"{\"client_id\":\"a\",\"secret\":\"\"}", "line 1: \"secret\" is empty"},
        BadFile{"{\"client_id\":\"" + std::string(65, 'x') + "\",\"secret\":\"hush\"}",
                "line 1: \"client_id\" is longer than 64 bytes"},
        BadFile{"{\"client_id\":\"a\",\"secret\":\"" + std::string(513, 'x') + "\"}",
                "line 1: \"secret\" is longer than 512 bytes"},
        BadFile{std::string(credential_line_bytes_max + 1, ' '), "line 1: longer than 64 KiB"}));

TEST(Population, NamesAFileThatIsNotThere) {
  const auto read = Population::read("/nowhere/creds.jsonl");
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::not_found);
  EXPECT_THAT(read.error().message, HasSubstr("/nowhere/creds.jsonl: No such file"));
}

}  // namespace
}  // namespace shearline::loadgen
