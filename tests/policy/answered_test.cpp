// Idempotency: the memory of answered commands.
#include "policy/answered.hpp"

#include <gtest/gtest.h>

namespace shearline::policy {
namespace {

Command command_with(std::uint64_t number, Byte hash_byte) {
  SeededRandom random(number);
  Command command;
  command.jti = Ulid::make(1'700'000'000'000, random);
  command.hash.fill(hash_byte);
  command.expires_at_ms = 1'700'000'060'000;
  return command;
}

TEST(Answered, TheSameCommandGetsItsAnswerAgain) {
  std::vector<AnsweredCommand> answered;
  const Command command = command_with(1, 1);
  EXPECT_EQ(*earlier_answer(answered, command), nullptr);
  ASSERT_TRUE(remember(answered, answered_command(command, "{}"), 1'700'000'000'000));
  const auto earlier = earlier_answer(answered, command);
  ASSERT_TRUE(earlier);
  ASSERT_NE(*earlier, nullptr);
  EXPECT_EQ((*earlier)->answer, "{}");
}

TEST(Answered, AUsedJtiWithOtherBytesIsAConflict) {
  std::vector<AnsweredCommand> answered;
  ASSERT_TRUE(remember(answered, answered_command(command_with(1, 1), "{}"), 1'700'000'000'000));
  const auto earlier = earlier_answer(answered, command_with(1, 2));
  ASSERT_FALSE(earlier);
  EXPECT_EQ(earlier.error().code, Code::conflict);
}

TEST(Answered, IsKeptUntilTenMinutesAfterItsExpiryToTheMillisecond) {
  std::vector<AnsweredCommand> answered;
  const Command command = command_with(1, 1);
  ASSERT_TRUE(remember(answered, answered_command(command, "{}"), 1'700'000'000'000));
  const TimeMs end = command.expires_at_ms + answer_kept_after_exp_ms;
  ASSERT_TRUE(remember(answered, answered_command(command_with(2, 2), "{}"), end - 1));
  EXPECT_NE(find_answer(answered, command.jti), nullptr);
  ASSERT_TRUE(remember(answered, {command_with(3, 3).jti, {}, "{}", end + 1000}, end));
  EXPECT_EQ(find_answer(answered, command.jti), nullptr);
}

TEST(Answered, The65thIsRateLimitedWithTheTimeToWaitAndNothingIsForgotten) {
  std::vector<AnsweredCommand> answered;
  const TimeMs now = 1'700'000'000'000;
  for (std::uint64_t i = 0; i < answered_commands_max; ++i) {
    ASSERT_TRUE(remember(answered, answered_command(command_with(i + 1, 1), "{}"), now));
  }
  const Status refused = remember(answered, answered_command(command_with(99, 1), "{}"), now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::rate_limited);
  EXPECT_NE(refused.error().message.find("660 s"), std::string::npos);
  EXPECT_EQ(answered.size(), answered_commands_max);
  EXPECT_TRUE(remember(answered, answered_command(command_with(99, 1), "{}"), now + 660'000));
}

}  // namespace
}  // namespace shearline::policy
