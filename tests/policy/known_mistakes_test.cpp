// Mistakes that other systems of this kind have made (design: model.md), each a test here as far as it is
// this room's to make.
#include "tests/policy/workbench.hpp"

namespace shearline::policy {
namespace {

using test::Workbench;

class KnownMistake : public testing::Test, public Workbench {};

TEST_F(KnownMistake, ANullGraceDeadlineThatKeptOldSecretsAliveForEver) {
  make_rotated();
  ASSERT_TRUE(in(VersionState::grace));
  EXPECT_NE(in(VersionState::grace)->not_after_ms, time_never);
  EXPECT_NE(in(VersionState::grace)->not_after_ms, 0);
  EXPECT_NE(next_due(credential, rules), time_never);
}

TEST_F(KnownMistake, TheWindowWrittenOnTheNewVersionInsteadOfTheOld) {
  make_rotated();
  EXPECT_EQ(in(VersionState::current)->not_after_ms, time_never);
  EXPECT_EQ(in(VersionState::grace)->not_after_ms, now + 7 * day_ms);
  EXPECT_LT(in(VersionState::grace)->created_at_ms, in(VersionState::current)->created_at_ms);
}

TEST_F(KnownMistake, AnInFlightValidThatOverwroteANewerRevoke) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  const Command in_flight = ack_command("alice");
  ASSERT_EQ(revoke(), Code::ok);
  EXPECT_EQ(keep(acknowledge(credential, in_flight, members, context())), Code::conflict);
  EXPECT_EQ(promote(), Code::not_found);
  EXPECT_FALSE(advance_to(now + day_ms));
  for (const Version& one : credential.versions) EXPECT_FALSE(accepting(one));
}

TEST_F(KnownMistake, ARepeatedRequestThatMintedASecondVersion) {
  make_active();
  Command request = command(Verb::rotate);
  request.rotation_id = new_id().text();
  ASSERT_EQ(keep(policy::rotate(credential, request, context())), Code::ok);
  const std::size_t versions = credential.versions.size();
  const auto repeat = [&] {
    request.jti = new_id();
    ASSERT_EQ(keep(policy::rotate(credential, request, context())), Code::ok) << refusal;
    EXPECT_TRUE(events.empty());
    EXPECT_EQ(credential.versions.size(), versions);
  };
  repeat();
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  repeat();
  ASSERT_TRUE(advance_to(now + 7 * day_ms));
  repeat();
}

TEST_F(KnownMistake, AcksCountedWithoutAskingFromWhom) {
  rules.classes["default"].quorum = 2;
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_TRUE(events.empty()) << "no ack counts twice";
  members.erase("bob");
  EXPECT_EQ(ack("bob"), Code::unauthorized) << "a removed member";
  EXPECT_EQ(ack("mallory"), Code::unauthorized) << "a stranger to the group";
  EXPECT_EQ(credential.rotation->state, RotationState::notified);
  members.erase("alice");
  ASSERT_EQ(ack("carol"), Code::ok);
  EXPECT_EQ(credential.rotation->state, RotationState::notified) << "alice left: her ack does not count";
  members.insert("alice");
  EXPECT_EQ(promote(), Code::ok) << refusal;
}

TEST_F(KnownMistake, PromotionOnTheFirstAckWhateverTheQuorum) {
  rules.classes["default"].quorum = 3;
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_EQ(credential.rotation->state, RotationState::notified);
  ASSERT_EQ(ack("bob"), Code::ok);
  EXPECT_EQ(credential.rotation->state, RotationState::notified);
  ASSERT_EQ(ack("carol"), Code::ok);
  EXPECT_EQ(credential.rotation->state, RotationState::promoted);
}

TEST_F(KnownMistake, ThePlaintextDroppedBeforeItWasSent) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  EXPECT_FALSE(credential.rotation->envelope.empty());
  EXPECT_FALSE(advance_to(now + day_ms)) << "the sealed envelope waits in the record until it is delivered";
  EXPECT_FALSE(credential.rotation->envelope.empty());
  notify();
  EXPECT_TRUE(credential.rotation->envelope.empty());
}

TEST_F(KnownMistake, AFlagSwitchedOffThatMadeThePreviousSecretEternal) {
  make_rotated(day_ms);
  const Ulid old = in(VersionState::grace)->version_id;
  rules.classes["default"].grace_ms = 0;
  rules.classes["default"].grace_max_ms = 0;
  rules.classes["default"].accept_pending = false;
  credential.credential_class = "taken-out-of-the-file";
  EXPECT_TRUE(advance_to(now + day_ms));
  EXPECT_EQ(version(old).state, VersionState::retired);
  EXPECT_FALSE(accepting(version(old)));
}

TEST_F(KnownMistake, AWindowThatGrewWhenItsRotationWasRepeated) {
  make_rotated(day_ms);
  const TimeMs window = in(VersionState::grace)->not_after_ms;
  now += hour_ms;
  ASSERT_EQ(promote(), Code::ok);
  ASSERT_EQ(ack("bob"), Code::ok);
  ASSERT_EQ(ack("carol"), Code::ok);
  EXPECT_EQ(in(VersionState::grace)->not_after_ms, window);
}

}  // namespace
}  // namespace shearline::policy
