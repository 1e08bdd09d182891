#include "cli/import_lines.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

namespace shearline::cli {
namespace {

Result<ImportLine> parse(std::string_view text) { return parse_import_line(as_bytes(text)); }

std::string secret_of(const Result<ImportLine>& line) {
  return line ? to_string(line->secret.reveal()) : "refused: " + line.error().message;
}

TEST(ImportLine, HasAClientIdAndASecretInAnyOrderAndSpacing) {
  const auto first = parse(R"({"client_id":"acme-prod","secret":"0123456789abcdefghijkl"})");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->client_id, "acme-prod");
  EXPECT_EQ(secret_of(first), "0123456789abcdefghijkl");
  const auto second = parse("  { \"secret\" : \"s3cret\" ,\t\"client_id\":\"a\" } \r");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->client_id, "a");
  EXPECT_EQ(secret_of(second), "s3cret");
}

TEST(ImportLine, DecodesEveryEscapeOfJson) {
  EXPECT_EQ(secret_of(parse(R"({"client_id":"a","secret":"\"\\\/\b\f\n\r\t"})")), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(secret_of(parse(R"({"client_id":"a","secret":"\u0041\u00e9\u20ac\ud83d\ude00"})")),
            "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(ImportLine, KeepsUtf8AsItStands) {
  EXPECT_EQ(secret_of(parse("{\"client_id\":\"a\",\"secret\":\"p\xc3\xa4ss\"}")), "p\xc3\xa4ss");
}

TEST(ImportLine, TakesTheLongestSecretAndRefusesOneByteMore) {
  const std::string longest(512, 'x');
  EXPECT_EQ(secret_of(parse(R"({"client_id":"a","secret":")" + longest + "\"}")), longest);
  EXPECT_FALSE(parse(R"({"client_id":"a","secret":")" + longest + "x\"}"));
}

TEST(ImportLine, TakesTheLongestSecretWrittenAsEscapes) {
  std::string escaped;
  for (int i = 0; i < 512; ++i) escaped += "\\u0078";
  const std::string line = R"({"client_id":"a","secret":")" + escaped + "\"}";
  ASSERT_LE(line.size(), import_line_bytes_max);
  EXPECT_EQ(secret_of(parse(line)), std::string(512, 'x'));
}

class BrokenLine : public testing::TestWithParam<const char*> {};

TEST_P(BrokenLine, IsRefusedAsInvalid) {
  const auto line = parse(GetParam());
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, Code::invalid);
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenLine,
    testing::Values(
        "", "null", "[]", "{}", "acme,hunter2hunter2hunter2", R"({"client_id":"a"})", R"({"secret":"s"})",
        R"({"client_id":"a","secret":""})", R"({"client_id":"","secret":"s"})",
        R"({"client_id":"a b","secret":"s"})", R"({"client_id":"a","secret":"s"} x)",
        R"({"client_id":"a","secret":"s")", R"({"client_id":"a","secret":"s)",
        R"({"client_id":"a","client_id":"b","secret":"s"})", R"({"client_id":"a","secret":"s","secret":"t"})",
        R"({"client_id":"a","secret":"s","note":"n"})", R"({"client_id":"a","secret":5})",
        R"({"client_id":"a","secret":{"deep":"s"}})", R"({"client_id" "a","secret":"s"})",
        R"({"client_id":"a","secret":"\x41"})", R"({"client_id":"a","secret":"\u00g1"})",
        R"({"client_id":"a","secret":"\ud83d"})", R"({"client_id":"a","secret":"\ud83dA"})",
        R"({"client_id":"a","secret":"\ude00"})", R"({"client_id":"a","secret":"\u12"})",
        R"({"client_id":"a","secret":"\)", "{\"client_id\":\"a\",\"secret\":\"\x01\"}",
        "{\"client_id\":\"a\",\"secret\":\"\xff\xfe\"}", "{\"client_id\":\"a\",\"secret\":\"\xc0\x80\"}",
        "{\"client_id\":\"a\",\"secret\":\"\xed\xa0\x80\"}", "{\"client_id\":\"a\",\"secret\":\"\xe2\x82\"}",
        R"({"client_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","secret":"s"})"));

TEST(ImportLine, IsNeverQuotedInAMessage) {
  for (const char* text : {R"({"client_id":"a","hunter2hunter2":"s"})", R"({"hunter2hunter2)",
                           R"({"client_id":"hunter2hunter2 ","secret":"s"})", "hunter2hunter2"}) {
    const auto line = parse(text);
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().message.find("hunter2"), std::string::npos) << line.error().message;
  }
}

// A file of its own, gone when the descriptor is closed.
class ImportFile {
 public:
  explicit ImportFile(const std::string& content) : file_(std::tmpfile()) {
    std::fwrite(content.data(), 1, content.size(), file_);
    std::fflush(file_);
    ::lseek(descriptor(), 0, SEEK_SET);
  }
  ~ImportFile() { std::fclose(file_); }
  int descriptor() const { return fileno(file_); }

 private:
  std::FILE* file_;
};

std::vector<std::string> read_all(const std::string& content) {
  const ImportFile file(content);
  ImportReader reader(file.descriptor());
  std::vector<std::string> out;
  while (true) {
    auto next = reader.next();
    if (!next || !*next) break;
    const auto& [number, line] = **next;
    out.push_back(std::to_string(number) + " " +
                  (line ? line->client_id : "refused: " + line.error().message));
  }
  return out;
}

std::string good_line(const std::string& client_id) {
  return R"({"client_id":")" + client_id + R"(","secret":"s"})";
}

TEST(ImportReader, NumbersLinesAndSkipsEmptyOnes) {
  EXPECT_EQ(read_all(good_line("a") + "\n\n  \n" + good_line("b") + "\n"),
            (std::vector<std::string>{"1 a", "4 b"}));
}

TEST(ImportReader, TakesALastLineWithoutItsNewline) {
  EXPECT_EQ(read_all(good_line("a") + "\r\n" + good_line("b")), (std::vector<std::string>{"1 a", "2 b"}));
}

TEST(ImportReader, ABadLineHarmsNoOther) {
  EXPECT_EQ(read_all(good_line("a") + "\nrubbish\n" + good_line("b") + "\n"),
            (std::vector<std::string>{"1 a", "2 refused: not a JSON object", "3 b"}));
}

TEST(ImportReader, ALineLongerThanTheBufferIsRefusedWholeAndTheNextOneRead) {
  for (const std::size_t size :
       {import_line_bytes_max + 1, import_buffer_bytes, 3 * import_buffer_bytes + 7}) {
    EXPECT_EQ(read_all(good_line("a") + "\n" + std::string(size, 'x') + "\n" + good_line("b") + "\n"),
              (std::vector<std::string>{"1 a", "2 refused: longer than 8192 bytes", "3 b"}))
        << size;
  }
}

TEST(ImportReader, AnEndlessLastLineIsRefused) {
  EXPECT_EQ(read_all(std::string(2 * import_buffer_bytes, 'x')),
            (std::vector<std::string>{"1 refused: longer than 8192 bytes"}));
}

TEST(ImportReader, ReadsManyLinesOverBufferBoundaries) {
  std::string content;
  for (int i = 0; i < 5000; ++i) content += good_line("client-" + std::to_string(i)) + "\n";
  const auto lines = read_all(content);
  ASSERT_EQ(lines.size(), 5000U);
  EXPECT_EQ(lines.back(), "5000 client-4999");
}

TEST(ImportReader, GivesBackEveryByteOfTheArena) {
  const std::size_t before = arena_state().used_bytes;
  read_all(good_line("a") + "\nrubbish\n" + good_line("b") + "\n");
  EXPECT_EQ(arena_state().used_bytes, before);
}

TEST(ImportReader, SaysWhenTheFileCannotBeRead) {
  ImportReader reader(-1);
  const auto next = reader.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Code::unavailable);
}

}  // namespace
}  // namespace shearline::cli
