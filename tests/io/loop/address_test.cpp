// Addresses as people write them.
#include "io/loop/stream.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shearline::loop {
namespace {

TEST(Address, IsReadFromTheFourWaysToWriteIt) {
  EXPECT_EQ(parse_address("127.0.0.1:6379").value(), (Address{"127.0.0.1", 6379, ""}));
  EXPECT_EQ(parse_address("localhost:1").value(), (Address{"localhost", 1, ""}));
  EXPECT_EQ(parse_address("[::1]:65535").value(), (Address{"::1", 65535, ""}));
  EXPECT_EQ(parse_address("unix:/run/x.sock").value(), (Address{"", 0, "/run/x.sock"}));
}

TEST(Address, PrintsAsItWasWritten) {
  for (const char* text : {"127.0.0.1:6379", "localhost:1", "[::1]:0", "unix:/run/x.sock"})
    EXPECT_EQ(parse_address(text).value().text(), text);
}

TEST(Address, SaysWhatIsWrongWithAMalformedOne) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "port is missing"},
      {"localhost", "port is missing"},
      {":80", "host is missing"},
      {"host:", "number from 0 to 65535"},
      {"host:65536", "number from 0 to 65535"},
      {"host:-1", "number from 0 to 65535"},
      {"host:80x", "number from 0 to 65535"},
      {"::1:80", "needs brackets"},
      {"[nonsense]:80", "not an IPv6 address"},
      {"[]:80", "not an IPv6 address"},
      {"two words:80", "not a name"},
      {"unix:", "path is missing"},
      {"unix:/" + std::string(108, 'x'), "at most 107 bytes"},
      {std::string("unix:/a\0b", 9), "zero byte"},
  };
  for (const auto& [text, why] : cases) {
    const auto parsed = parse_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::invalid);
    EXPECT_NE(parsed.error().message.find(why), std::string::npos) << parsed.error().message;
  }
}

TEST(Address, IsLoopbackOnlyWhereNothingLeavesTheMachine) {
  for (const char* text : {"127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "localhost:1", "unix:/x"})
    EXPECT_TRUE(parse_address(text).value().is_loopback()) << text;
  for (const char* text : {"10.0.0.1:1", "128.0.0.1:1", "0.0.0.0:1", "[::]:1", "[fe80::1]:1",
                           "redis.example:1", "127.example.org:1"})
    EXPECT_FALSE(parse_address(text).value().is_loopback()) << text;
}

}  // namespace
}  // namespace shearline::loop
