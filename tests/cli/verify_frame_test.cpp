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
  EXPECT_EQ(exit_for("-WRONGPASS invalid gateway name or token"), Exit::unauthorized);
  EXPECT_EQ(exit_for("-ERR max number of clients reached"), Exit::invalid);
}

TEST(Verdict, AnotherServersAnswerIsNoVerdict) {
  for (const char* line : {"+OK", "+PONG", "HTTP/1.1 400 Bad Request", "", ":1", "+currents"}) {
    EXPECT_EQ(exit_for(line), Exit::internal_error) << line;
  }
}

// Redis repeats the arguments of a command that it does not know.
TEST(Verdict, WhatAStrangerRepeatsIsNeverShown) {
  const std::string repeated =
      "-ERR unknown command 'VERIFY', with args beginning with: 'acme' 'the-secret-itself' ";
  const std::vector<std::string> lines{repeated, "-NOAUTH the-secret-itself", "-WRONGPASS the-secret-itself",
                                       "+the-secret-itself"};
  for (const std::string& line : lines) {
    EXPECT_EQ(verdict_in(line).error().message.find("the-secret-itself"), std::string::npos) << line;
    EXPECT_EQ(judge_greeting(line + "\r\n").error().message.find("the-secret-itself"), std::string::npos)
        << line;
  }
  EXPECT_EQ(exit_for(repeated), Exit::internal_error);
}

TEST(Greeting, LogsInWhereAGatewayIsNamed) {
  const Secret token = Secret::copy_of(as_bytes("t0ken"));
  EXPECT_EQ(to_string(greeting_frame("", Secret()).reveal()),
            "*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(to_string(greeting_frame("edge", token).reveal()),
            "*5\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$4\r\nAUTH\r\n$4\r\nedge\r\n$5\r\nt0ken\r\n"
            "*1\r\n$4\r\nPING\r\n");
}

TEST(Greeting, OnlyAnEngineIsTakenForOne) {
  EXPECT_TRUE(judge_greeting("*14\r\n$6\r\nserver\r\n$9\r\nshearline\r\n$7\r\nversion\r\n"));
  for (const char* other : {"*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n", "+OK\r\n", "",
                            "HTTP/1.1 400 Bad Request\r\n", "-ERR unknown command 'HELLO'\r\n"}) {
    EXPECT_EQ(judge_greeting(other).error().code, Code::internal_error) << other;
  }
  EXPECT_EQ(judge_greeting("-NOAUTH HELLO must be called with AUTH\r\n").error().code, Code::unauthorized);
  EXPECT_EQ(judge_greeting("-WRONGPASS invalid\r\n").error().code, Code::unauthorized);
}

TEST(Verdict, HasAMeaningForPeople) {
  EXPECT_FALSE(meaning_of("grace").empty());
  EXPECT_TRUE(meaning_of("other").empty());
}

}  // namespace
}  // namespace shearline::cli
