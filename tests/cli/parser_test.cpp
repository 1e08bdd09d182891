#include "cli/parser.hpp"

#include <gtest/gtest.h>

#include <set>

namespace shearline::cli {
namespace {

// As a shell would: words, with double quotes around some.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  bool quoted = false;
  bool open = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      open = false;
    } else {
      if (!open) words.emplace_back();
      open = true;
      words.back().push_back(c);
    }
  }
  return words;
}

std::expected<Invocation, ParseFailure> parse(const std::string& line) {
  return parse_arguments(words_of(line));
}

TEST(Help, EveryCommandOfTheProductIsThere) {
  std::set<std::string> paths;
  for (const CommandHelp& command : all_help()) paths.insert(command.path);
  for (const char* path : {"pepper init",
                           "admin init",
                           "admin show",
                           "admin enroll",
                           "group create",
                           "group add",
                           "group list",
                           "credential create",
                           "credential import",
                           "credential show",
                           "credential list",
                           "rotate",
                           "ack",
                           "promote",
                           "cancel",
                           "inbox",
                           "revoke",
                           "status",
                           "history",
                           "audit",
                           "verify",
                           "list"}) {
    EXPECT_TRUE(paths.contains(path)) << path;
  }
}

TEST(Help, EveryCommandHasAnExampleThatParses) {
  for (const CommandHelp& command : all_help()) {
    EXPECT_NE(command.help.find("Example:"), std::string::npos) << command.path;
    std::vector<std::string> words = words_of(command.example);
    ASSERT_GT(words.size(), 1U) << command.path;
    EXPECT_TRUE(command.example.starts_with("shearline " + command.path)) << command.path;
    words.erase(words.begin());
    const auto parsed = parse_arguments(words);
    EXPECT_TRUE(parsed) << command.path << ": " << parsed.error().text;
    EXPECT_TRUE(parsed && parsed->run) << command.path;
  }
}

TEST(Help, IsNotAFailureAndShowsTheExitCodes) {
  const auto parsed = parse("--help");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().exit, Exit::ok);
  EXPECT_NE(parsed.error().text.find("Exit codes:"), std::string::npos);
  EXPECT_NE(parsed.error().text.find("server"), std::string::npos);
}

TEST(Help, OfACommandIsItsOwn) {
  const auto parsed = parse("credential create --help");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().exit, Exit::ok);
  EXPECT_NE(parsed.error().text.find("Usage: shearline credential create"), std::string::npos)
      << parsed.error().text;
  EXPECT_NE(parsed.error().text.find("shearline credential create acme-staging"), std::string::npos);
}

TEST(Parser, NamesTheCommandThatIsUnknown) {
  EXPECT_EQ(parse_arguments({"rotat", "acme"}).error().text,
            "unknown command `rotat`, did you mean `rotate`?");
  EXPECT_EQ(parse_arguments({"credential", "rename"}).error().text, "unknown command `credential rename`");
  EXPECT_EQ(parse_arguments({"rename"}).error().text, "unknown command `rename`");
}

TEST(Parser, AGatewayLogsInWithItsTokenOrNotAtAll) {
  EXPECT_TRUE(parse_arguments({"verify", "acme", "--gateway", "edge", "--token-file", "edge.token"}));
  EXPECT_EQ(parse_arguments({"verify", "acme", "--gateway", "edge"}).error().exit, Exit::usage);
  EXPECT_EQ(parse_arguments({"verify", "acme", "--token-file", "edge.token"}).error().exit, Exit::usage);
}

TEST(Parser, TakesSettingsBeforeAndAfterTheCommand) {
  for (const char* line :
       {"--redis 127.0.0.1:7000 --json status acme", "status acme --json --redis 127.0.0.1:7000",
        "group --json list --redis 127.0.0.1:7000"}) {
    const auto parsed = parse(line);
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(parsed->settings.redis, "127.0.0.1:7000") << line;
    EXPECT_TRUE(parsed->settings.json) << line;
  }
}

TEST(Parser, TakesSettingsFromTheEnvironmentAndLetsOptionsWin) {
  ::setenv("SHEARLINE_REDIS", "unix:/run/redis.sock", 1);
  ::setenv("SHEARLINE_KEYS", "/keys/alice.json", 1);
  const auto parsed = parse("status acme --redis 127.0.0.1:7000");
  const auto plain = parse("status acme");
  ::unsetenv("SHEARLINE_REDIS");
  ::unsetenv("SHEARLINE_KEYS");
  ASSERT_TRUE(parsed);
  ASSERT_TRUE(plain);
  EXPECT_EQ(parsed->settings.redis, "127.0.0.1:7000");
  EXPECT_EQ(plain->settings.redis, "unix:/run/redis.sock");
  EXPECT_EQ(plain->settings.keys_file, "/keys/alice.json");
}

TEST(Parser, HasItsDefaults) {
  const auto parsed = parse("status acme");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->settings.redis, "127.0.0.1:6379");
  EXPECT_EQ(parsed->settings.prefix, "shearline:");
  EXPECT_EQ(parsed->settings.keys_file, "~/.config/shearline/admin.json");
  EXPECT_EQ(parsed->settings.answer_timeout_ms, 15'000);
  EXPECT_FALSE(parsed->settings.json);
  EXPECT_FALSE(parsed->settings.insecure);
}

TEST(Parser, ReadsDurations) {
  const auto parsed = parse("status acme --answer-timeout 2s");
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->settings.answer_timeout_ms, 2000);
}

class WrongLine : public testing::TestWithParam<const char*> {};

TEST_P(WrongLine, IsAUsageErrorThatSaysSomething) {
  const auto parsed = parse(GetParam());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().exit, Exit::usage);
  EXPECT_FALSE(parsed.error().text.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongLine,
    testing::Values("", "frobnicate", "group", "rotate", "rotate acme extra", "rotate a/b",
                    "status acme --frobnicate", "rotate acme --rotation 123", "rotate acme --clients ids",
                    "rotate --clients ids --rotation 01JZ0000000000000000000000", "credential create acme",
                    "credential create acme --group g --kind x", "list apples", "list --limit 0",
                    "list --limit 1001", "promote acme", "ack acme --rotation 01J",
                    "status acme --answer-timeout 0", "status acme --answer-timeout 6m", "admin init alice",
                    "group create payments", "group create payments al:ice", "pepper init keyring.json"));

}  // namespace
}  // namespace shearline::cli
