#include "cli/import_report.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

class ImportReportTest : public testing::Test {
 protected:
  void SetUp() override { testing::internal::CaptureStderr(); }
  void TearDown() override { testing::internal::GetCapturedStderr(); }

  static policy::Command command_with(std::size_t items) {
    policy::Command command;
    command.params.items.resize(items);
    return command;
  }
  static policy::Answer answer(policy::AnswerStatus status, Code code, std::string result) {
    policy::Answer made;
    made.status = status;
    made.code = code;
    made.detail = "why";
    made.result_json = std::move(result);
    return made;
  }

  Output output_{false};
  ImportReport report_{output_};
};

TEST_F(ImportReportTest, AllTakenIsOk) {
  EXPECT_TRUE(report_.first_time("a", 1));
  ASSERT_TRUE(report_.count(command_with(2),
                            answer(policy::AnswerStatus::done, Code::ok, R"({"imported":2,"refused":[]})")));
  EXPECT_EQ(report_.progress(), "2 imported, 0 existed, 0 refused, 0 bad lines");
  EXPECT_EQ(report_.exit(), Exit::ok);
}

TEST_F(ImportReportTest, ABadLineAmongGoodOnesIsPartlyDone) {
  report_.bad_line(3, "secret: empty");
  ASSERT_TRUE(report_.count(command_with(1),
                            answer(policy::AnswerStatus::done, Code::ok, R"({"imported":1,"refused":[]})")));
  EXPECT_EQ(report_.exit(), Exit::partly_done);
}

TEST_F(ImportReportTest, OnlyBadLinesAreInvalid) {
  report_.bad_line(1, "secret: empty");
  EXPECT_EQ(report_.exit(), Exit::invalid);
}

TEST_F(ImportReportTest, ARepeatAfterAnInterruptionTellsWhatExists) {
  EXPECT_TRUE(report_.first_time("a", 1));
  EXPECT_TRUE(report_.first_time("b", 2));
  const auto half = answer(
      policy::AnswerStatus::done, Code::conflict,
      R"({"imported":1,"refused":[{"client_ids":["a"],"code":"conflict","detail":"the credential exists"}]})");
  ASSERT_TRUE(report_.count(command_with(2), half));
  EXPECT_EQ(report_.progress(), "1 imported, 1 existed, 0 refused, 0 bad lines");
  EXPECT_EQ(report_.exit(), Exit::partly_done);
}

TEST_F(ImportReportTest, TheSameClientTwiceIsABadLineThatNamesTheFirst) {
  EXPECT_TRUE(report_.first_time("a", 1));
  EXPECT_FALSE(report_.first_time("a", 7));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("line 7: a stands in line 1 already"),
            std::string::npos);
  testing::internal::CaptureStderr();
}

TEST_F(ImportReportTest, ACommandRefusedAsAWholeEndsTheRun) {
  const Status counted =
      report_.count(command_with(2), answer(policy::AnswerStatus::rejected, Code::policy_violation, ""));
  ASSERT_FALSE(counted);
  report_.finish(counted.error());
  EXPECT_EQ(report_.exit(), Exit::refused);
}

TEST_F(ImportReportTest, ItemsRefusedByPolicyHaveItsExitCodeWhenNoneWasTaken) {
  const auto none =
      answer(policy::AnswerStatus::rejected, Code::policy_violation,
             R"({"imported":0,"refused":[{"client_ids":["a"],"code":"policy_violation","detail":"prod"}]})");
  ASSERT_TRUE(report_.count(command_with(1), none));
  EXPECT_EQ(report_.exit(), Exit::refused);
}

TEST_F(ImportReportTest, AnInterruptionHasItsOwnExitCode) {
  ASSERT_TRUE(report_.count(command_with(1),
                            answer(policy::AnswerStatus::done, Code::ok, R"({"imported":1,"refused":[]})")));
  report_.finish(Error{Code::unavailable, "Redis is away"});
  EXPECT_EQ(report_.exit(), Exit::unavailable);
}

}  // namespace
}  // namespace shearline::cli
