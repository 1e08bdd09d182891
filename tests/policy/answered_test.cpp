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
  ASSERT_TRUE(remember(answered, command, "{}", Urgency::ordinary, 1'700'000'000'000));
  const auto earlier = earlier_answer(answered, command);
  ASSERT_TRUE(earlier);
  ASSERT_NE(*earlier, nullptr);
  EXPECT_EQ((*earlier)->answer, "{}");
}

TEST(Answered, AUsedJtiWithOtherBytesIsAConflict) {
  std::vector<AnsweredCommand> answered;
  ASSERT_TRUE(remember(answered, command_with(1, 1), "{}", Urgency::ordinary, 1'700'000'000'000));
  const auto earlier = earlier_answer(answered, command_with(1, 2));
  ASSERT_FALSE(earlier);
  EXPECT_EQ(earlier.error().code, Code::conflict);
}

TEST(Answered, IsKeptUntilTenMinutesAfterItsExpiryToTheMillisecond) {
  std::vector<AnsweredCommand> answered;
  const Command command = command_with(1, 1);
  ASSERT_TRUE(remember(answered, command, "{}", Urgency::ordinary, 1'700'000'000'000));
  const TimeMs end = command.expires_at_ms + answer_kept_after_exp_ms;
  ASSERT_TRUE(remember(answered, command_with(2, 2), "{}", Urgency::ordinary, end - 1));
  EXPECT_NE(find_answer(answered, command.jti), nullptr);
  ASSERT_TRUE(remember(answered, command_with(3, 3), "{}", Urgency::ordinary, end));
  EXPECT_EQ(find_answer(answered, command.jti), nullptr);
}

constexpr TimeMs now = 1'700'000'000'000;

std::vector<AnsweredCommand> flooded(std::size_t commands, Urgency urgency) {
  std::vector<AnsweredCommand> answered;
  for (std::size_t i = 0; i < commands; ++i) {
    EXPECT_TRUE(remember(answered, command_with(i + 1, 1), "{}", urgency, now));
  }
  return answered;
}

TEST(Answered, WithoutAPlaceIsRateLimitedWithTheTimeToWaitAndNothingIsForgotten) {
  constexpr std::size_t ordinary = answered_commands_max - answered_urgent_max;
  std::vector<AnsweredCommand> answered = flooded(ordinary, Urgency::ordinary);
  const Status refused = remember(answered, command_with(99, 1), "{}", Urgency::ordinary, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::rate_limited);
  EXPECT_NE(refused.error().message.find("660 s"), std::string::npos) << refused.error().message;
  EXPECT_EQ(answered.size(), ordinary);
  EXPECT_TRUE(remember(answered, command_with(99, 1), "{}", Urgency::ordinary, now + 660'000));
}

TEST(Answered, UrgentCommandsHavePlacesThatNoFloodOfOrdinaryOnesTakes) {
  std::vector<AnsweredCommand> answered =
      flooded(answered_commands_max - answered_urgent_max, Urgency::ordinary);
  for (std::size_t i = 0; i < answered_urgent_max; ++i) {
    EXPECT_FALSE(remember(answered, command_with(1000 + i, 1), "{}", Urgency::ordinary, now));
    EXPECT_TRUE(remember(answered, command_with(100 + i, 1), "{}", Urgency::urgent, now)) << i;
  }
  EXPECT_EQ(answered.size(), answered_commands_max);
  EXPECT_EQ(remember(answered, command_with(999, 1), "{}", Urgency::urgent, now).error().code,
            Code::rate_limited);
}

TEST(Answered, WhoMustWaitIsToldWhenThereIsAPlaceForIt) {
  std::vector<AnsweredCommand> answered;
  for (std::size_t i = 0; i < answered_commands_max; ++i) {
    Command command = command_with(i + 1, 1);
    command.expires_at_ms = now + static_cast<TimeMs>(i) * 1000;
    ASSERT_TRUE(remember(answered, command, "{}", Urgency::urgent, now));
  }
  const auto wait_of = [&](Urgency urgency) {
    return remember(answered, command_with(99, 1), "{}", urgency, now).error().message;
  };
  EXPECT_NE(wait_of(Urgency::urgent).find("in 600 s"), std::string::npos) << wait_of(Urgency::urgent);
  EXPECT_NE(wait_of(Urgency::ordinary).find("in 616 s"), std::string::npos) << wait_of(Urgency::ordinary);
  EXPECT_TRUE(remember(answered, command_with(99, 1), "{}", Urgency::ordinary, now + 616'000));
}

TEST(UrgencyOf, IsUrgentWhatEndsADanger) {
  Command command = command_with(1, 1);
  for (const Verb verb : {Verb::revoke, Verb::cancel}) {
    command.verb = verb;
    EXPECT_EQ(urgency_of(command, nullptr), Urgency::urgent);
  }
  command.verb = Verb::rotate;
  EXPECT_EQ(urgency_of(command, nullptr), Urgency::ordinary);
  command.params.emergency = true;
  EXPECT_EQ(urgency_of(command, nullptr), Urgency::urgent);
}

TEST(UrgencyOf, WhatPromotesAnEmergencyRotationIsUrgentOnceForEachMember) {
  Credential credential;
  credential.rotation.emplace();
  credential.rotation->state = RotationState::notified;
  Command ack = command_with(1, 1);
  ack.kid = "alice";
  ack.verb = Verb::ack;
  EXPECT_EQ(urgency_of(ack, &credential), Urgency::ordinary);
  credential.rotation->emergency = true;
  EXPECT_EQ(urgency_of(ack, &credential), Urgency::urgent);
  credential.rotation->acks.insert("alice");
  EXPECT_EQ(urgency_of(ack, &credential), Urgency::ordinary);
  Command promote = ack;
  promote.verb = Verb::promote;
  EXPECT_EQ(urgency_of(promote, &credential), Urgency::urgent);
  credential.rotation->state = RotationState::promoted;
  EXPECT_EQ(urgency_of(promote, &credential), Urgency::ordinary);
}

}  // namespace
}  // namespace shearline::policy
