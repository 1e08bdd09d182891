#include "cli/verify_frame.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

std::string frame(std::string_view client_id, std::string_view secret) {
  return to_string(verify_frame(client_id, Secret::copy_of(as_bytes(secret))).reveal());
}

TEST(VerifyFrame, IsAnArrayOfBulkStrings) {
  EXPECT_EQ(frame("acme", "s3cret"), "*3\r\n$6\r\nVERIFY\r\n$4\r\nacme\r\n$6\r\ns3cret\r\n");
  EXPECT_EQ(frame("", "sl_acme.key"), "*2\r\n$9\r\nVERIFYKEY\r\n$11\r\nsl_acme.key\r\n");
  EXPECT_EQ(frame("a", "b\r\nc"), "*3\r\n$6\r\nVERIFY\r\n$1\r\na\r\n$4\r\nb\r\nc\r\n");
}

Exit exit_for(std::string_view line) {
  const auto verdict = verdict_in(line);
  return verdict ? verdict->exit : exit_of(verdict.error().code);
}

TEST(Verdict, HasTheExitCodeOfItsWord) {
  for (const char* accepted : {"+current", "+grace", "+next"}) EXPECT_EQ(exit_for(accepted), Exit::ok);
  EXPECT_EQ(exit_for("+rejected"), Exit::rejected_secret);
  EXPECT_EQ(exit_for("+malformed"), Exit::invalid);
  EXPECT_EQ(exit_for("+throttled"), Exit::rate_limited);
}

TEST(Verdict, CannotDecideIsNeverRejected) {
  EXPECT_EQ(exit_for("-UNAVAILABLE loading"), Exit::unavailable);
  EXPECT_EQ(exit_for("-NOAUTH authenticate first"), Exit::unauthorized);
  EXPECT_EQ(exit_for("-NOPERM not yours"), Exit::unauthorized);
  EXPECT_EQ(exit_for("-ERR wrong arity"), Exit::invalid);
}

TEST(Verdict, AnotherServersAnswerIsNoVerdict) {
  for (const char* line : {"+OK", "+PONG", "HTTP/1.1 400 Bad Request", "", ":1", "+currents"}) {
    EXPECT_EQ(exit_for(line), Exit::internal_error) << line;
  }
}

TEST(Verdict, HasAMeaningForPeople) {
  EXPECT_FALSE(meaning_of("grace").empty());
  EXPECT_TRUE(meaning_of("other").empty());
}

}  // namespace
}  // namespace shearline::cli
