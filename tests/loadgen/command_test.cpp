// The command line of shearline-loadgen: what it refuses, and with which status.
#include "loadgen/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shearline::loadgen {
namespace {

int status_of(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "shearline-loadgen");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int status = run_command(static_cast<int>(arguments.size()), arguments.data());
  ::testing::internal::GetCapturedStdout();
  ::testing::internal::GetCapturedStderr();
  return status;
}

TEST(LoadgenCommand, HelpIsNoMistake) {
  EXPECT_EQ(status_of({"--help"}), exit_clean);
  EXPECT_EQ(status_of({"run", "--help"}), exit_clean);
}

TEST(LoadgenCommand, RefusesALineThatSaysTooLittleOrTooMuch) {
  EXPECT_EQ(status_of({}), exit_usage);
  EXPECT_EQ(status_of({"walk"}), exit_usage);
  EXPECT_EQ(status_of({"credentials"}), exit_usage);
  EXPECT_EQ(status_of({"credentials", "0"}), exit_usage);
  EXPECT_EQ(status_of({"credentials", "many"}), exit_usage);
  EXPECT_EQ(status_of({"run"}), exit_usage);
  EXPECT_EQ(status_of({"run", "--credentials", "f", "--generated", "5"}), exit_usage);
  EXPECT_EQ(status_of({"run", "--credentials", "f", "--seed", "5"}), exit_usage);
  EXPECT_EQ(status_of({"run", "--generated", "5", "--duration", "1s", "--count", "9"}), exit_usage);
}

TEST(LoadgenCommand, RefusesValuesOutOfRange) {
  const auto with = [](const char* option, const char* value) {
    return status_of({"run", "--generated", "5", option, value});
  };
  EXPECT_EQ(with("--duration", "10"), exit_usage);
  EXPECT_EQ(with("--duration", "0s"), exit_usage);
  EXPECT_EQ(with("--duration", "25h"), exit_usage);
  EXPECT_EQ(with("--batch", "0"), exit_usage);
  EXPECT_EQ(with("--batch", "4097"), exit_usage);
  EXPECT_EQ(with("--wrong-share", "1.5"), exit_usage);
  EXPECT_EQ(with("--wrong-share", "-0.1"), exit_usage);
  EXPECT_EQ(with("--mode", "guess"), exit_usage);
  EXPECT_EQ(with("--rate", "0"), exit_usage);
  EXPECT_EQ(with("--rate", "nan"), exit_usage);
  EXPECT_EQ(with("--wrong-share", "nan"), exit_usage);
  EXPECT_EQ(with("--arrivals", "never"), exit_usage);
  EXPECT_EQ(with("--on-loss", "cry"), exit_usage);
  EXPECT_EQ(with("--connections", "0"), exit_usage);
  EXPECT_EQ(with("--threads", "257"), exit_usage);
}

TEST(LoadgenCommand, TellsABadFileFromAnAbsentServer) {
  EXPECT_EQ(status_of({"run", "--credentials", "/nowhere/creds"}), exit_bad_input);
  EXPECT_EQ(status_of({"run", "--generated", "5", "--server", "unix:/nowhere/s", "--duration", "500ms"}),
            exit_unavailable);
}

TEST(LoadgenCommand, TellsABadScenarioAndABadAuthFileFromTheCommandLine) {
  EXPECT_EQ(status_of({"run", "--generated", "5", "--scenario", "/nowhere/s.toml"}), exit_bad_input);
  EXPECT_EQ(
      status_of({"run", "--generated", "5", "--auth-file", "/nowhere/a", "--server", "unix:/nowhere/s"}),
      exit_bad_input);
  EXPECT_EQ(status_of({"run", "--generated", "5", "--html", "/nowhere/x.html"}), exit_unavailable);
}

TEST(LoadgenCommand, ListsScenariosAndPrintsOne) {
  EXPECT_EQ(status_of({"scenarios"}), exit_clean);
  EXPECT_EQ(status_of({"scenarios", "rotation-storm"}), exit_clean);
  EXPECT_EQ(status_of({"scenarios", "storm"}), exit_bad_input);
}

TEST(LoadgenCommand, WritesCredentialsToStdout) {
  ::testing::internal::CaptureStdout();
  const char* arguments[] = {"shearline-loadgen", "credentials", "3", "--seed", "7"};
  EXPECT_EQ(run_command(5, arguments), exit_clean);
  const std::string out = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(out, ::testing::HasSubstr("load-000000000002"));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
}

}  // namespace
}  // namespace shearline::loadgen
