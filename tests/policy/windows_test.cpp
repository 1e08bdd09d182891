// Every boundary in time, to the millisecond: what holds one before, and what holds at it.
#include "tests/policy/workbench.hpp"

namespace shearline::policy {
namespace {

using test::mentions;
using test::Workbench;

class GraceWindow : public testing::Test, public Workbench {};
class AckDeadline : public testing::Test, public Workbench {};
class NotBefore : public testing::Test, public Workbench {};
class HardEnd : public testing::Test, public Workbench {};
class Retention : public testing::Test, public Workbench {};
class NextDue : public testing::Test, public Workbench {};

TEST_F(GraceWindow, EndsAtNotAfterToTheMillisecond) {
  make_rotated(day_ms);
  const Ulid old = in(VersionState::grace)->version_id;
  const TimeMs end = now + day_ms;
  EXPECT_FALSE(advance_to(end - 1));
  EXPECT_TRUE(accepting(version(old)));
  now = end;
  EXPECT_FALSE(accepting(version(old))) << "verifiers stop by themselves, before the record follows";
  EXPECT_TRUE(advance());
  EXPECT_EQ(version(old).state, VersionState::retired);
}

TEST_F(GraceWindow, RunsFromThePromotionAndNotFromTheRequest) {
  make_active();
  Params params;
  params.grace_ms = day_ms;
  ASSERT_EQ(rotate(params), Code::ok);
  now += 10 * minute_ms;
  notify();
  now += 20 * minute_ms;
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_EQ(in(VersionState::grace)->not_after_ms, now + day_ms);
}

TEST_F(GraceWindow, OfZeroEndsTheOldVersionAtPromotion) {
  make_rotated(0);
  EXPECT_FALSE(in(VersionState::grace));
  ASSERT_TRUE(in(VersionState::retired));
  EXPECT_EQ(in(VersionState::retired)->not_after_ms, now);
  EXPECT_FALSE(accepting(*in(VersionState::retired)));
  EXPECT_FALSE(credential.rotation);
}

TEST_F(GraceWindow, IsAtMostWhatTheClassAllows) {
  make_active();
  Params params;
  params.grace_ms = 30 * day_ms + 1;
  EXPECT_EQ(rotate(params), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "30d"));
  rules.classes["default"].grace_max_ms = day_ms;
  params.grace_ms = day_ms + 1;
  EXPECT_EQ(rotate(params), Code::policy_violation);
  params.grace_ms = day_ms;
  EXPECT_EQ(rotate(params), Code::ok);
}

TEST_F(GraceWindow, IsSevenDaysUnlessAskedOtherwise) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  EXPECT_EQ(credential.rotation->grace_ms, 7 * day_ms);
}

TEST_F(GraceWindow, ThatEndedWhileNobodyLookedDoesNotStopTheNextRotation) {
  make_rotated(day_ms);
  now += day_ms;
  ASSERT_EQ(rotate(), Code::ok) << refusal;
  EXPECT_EQ(events.front().type, "version.retired");
  EXPECT_EQ(events.front().who, "engine");
  EXPECT_EQ(outcome(), RotationState::completed);
}

TEST_F(GraceWindow, LookedAtLateEndsAsIfLookedAtInTime) {
  make_rotated(day_ms);
  const TimeMs end = in(VersionState::grace)->not_after_ms;
  EXPECT_TRUE(advance_to(end + 5 * day_ms));
  EXPECT_EQ(in(VersionState::retired)->ended_at_ms, end);
  EXPECT_EQ(credential.ended.front().ended_at_ms, end);
}

TEST_F(AckDeadline, ExpiresToTheMillisecondAndLeavesTheCurrentVersionAlone) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  const Ulid current = in(VersionState::current)->version_id;
  const TimeMs deadline = now + 30 * minute_ms;
  EXPECT_EQ(credential.rotation->deadline_ms, deadline);
  EXPECT_EQ(in(VersionState::pending)->not_after_ms, deadline);
  EXPECT_FALSE(advance_to(deadline - 1));
  EXPECT_TRUE(accepting(*in(VersionState::pending)));
  now = deadline;
  EXPECT_FALSE(accepting(*in(VersionState::pending)));
  EXPECT_TRUE(advance());
  EXPECT_EQ(outcome(), RotationState::expired);
  EXPECT_TRUE(in(VersionState::destroyed));
  EXPECT_EQ(version(current).state, VersionState::current);
  EXPECT_EQ(version(current).not_after_ms, time_never);
}

TEST_F(AckDeadline, AnAckOneMillisecondBeforeCountsAndOneAtItDoesNot) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  const Credential notified_one = clone(credential);
  const Command ack = ack_command("alice");
  const TimeMs deadline = credential.rotation->deadline_ms;
  now = deadline;
  EXPECT_EQ(keep(acknowledge(credential, ack, members, context())), Code::conflict);
  EXPECT_TRUE(mentions(refusal, "expired"));
  now = deadline - 1;
  EXPECT_EQ(keep(acknowledge(notified_one, ack, members, context())), Code::ok);
  EXPECT_EQ(credential.rotation->state, RotationState::promoted);
}

TEST_F(AckDeadline, RunsFromNotifyAndNotWhilePrepared) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  EXPECT_FALSE(advance_to(now + 5 * hour_ms)) << "a crash before delivery must not cost the rotation";
  notify();
  EXPECT_EQ(credential.rotation->deadline_ms, now + 30 * minute_ms);
  EXPECT_EQ(ack("alice"), Code::ok);
}

TEST_F(AckDeadline, NeverPromotesWithoutQuorum) {
  rules.classes["default"].quorum = 3;
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  ASSERT_EQ(ack("bob"), Code::ok);
  EXPECT_TRUE(advance_to(credential.rotation->deadline_ms));
  EXPECT_EQ(outcome(), RotationState::expired);
}

TEST_F(NotBefore, DelaysThePromotionToTheMillisecond) {
  make_active();
  Params params;
  params.not_before_ms = now + day_ms;
  ASSERT_EQ(rotate(params), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_EQ(credential.rotation->state, RotationState::notified);
  const TimeMs not_before = *params.not_before_ms;
  EXPECT_EQ(next_due(credential, rules), not_before);
  EXPECT_FALSE(advance_to(not_before - 1));
  EXPECT_TRUE(advance_to(not_before));
  EXPECT_EQ(credential.rotation->state, RotationState::promoted);
  EXPECT_EQ(in(VersionState::grace)->not_after_ms, not_before + 7 * day_ms);
}

TEST_F(NotBefore, AWaitingQuorumNeitherExpiresNorCutsOffWhoDeployedTheNewSecret) {
  make_active();
  Params params;
  params.not_before_ms = now + day_ms;
  ASSERT_EQ(rotate(params), Code::ok);
  notify();
  const TimeMs first_deadline = credential.rotation->deadline_ms;
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_FALSE(advance_to(first_deadline + hour_ms));
  EXPECT_TRUE(accepting(*in(VersionState::pending)));
  EXPECT_LT(in(VersionState::pending)->not_after_ms, time_never) << "verifiers still end it by themselves";
}

TEST_F(NotBefore, WithoutQuorumExpiresAtTheUsualDeadline) {
  make_active();
  Params params;
  params.not_before_ms = now + day_ms;
  ASSERT_EQ(rotate(params), Code::ok);
  notify();
  EXPECT_TRUE(advance_to(now + 30 * minute_ms));
  EXPECT_EQ(outcome(), RotationState::expired);
}

TEST_F(NotBefore, FromTheRealPromotionWhenTheEngineWasAway) {
  make_active();
  Params params;
  params.not_before_ms = now + day_ms;
  ASSERT_EQ(rotate(params), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_TRUE(advance_to(*params.not_before_ms + 10 * day_ms));
  EXPECT_EQ(credential.rotation->state, RotationState::promoted) << "a reached quorum never expires";
  EXPECT_EQ(in(VersionState::grace)->not_after_ms, now + 7 * day_ms);
}

TEST_F(NotBefore, AcksOfMembersWhoLeftMeanwhileAreDroppedAndOthersHaveTime) {
  make_active();
  Params params;
  params.not_before_ms = now + day_ms;
  ASSERT_EQ(rotate(params), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  members.erase("alice");
  EXPECT_TRUE(advance_to(*params.not_before_ms));
  EXPECT_EQ(credential.rotation->state, RotationState::notified);
  EXPECT_TRUE(credential.rotation->acks.empty());
  EXPECT_FALSE(advance()) << "nothing more to do now: a timer must not spin";
  EXPECT_EQ(next_due(credential, rules), *params.not_before_ms + 30 * minute_ms);
  EXPECT_EQ(ack("bob"), Code::ok);
  EXPECT_EQ(credential.rotation->state, RotationState::promoted);
}

TEST_F(NotBefore, LiesAtMostThirtyDaysAheadAndBeforeTheHardEnd) {
  make_active();
  Params params;
  params.not_before_ms = now + 30 * day_ms + 1;
  EXPECT_EQ(rotate(params), Code::policy_violation);
  credential.expires_at_ms = now + day_ms;
  params.not_before_ms = now + day_ms;
  EXPECT_EQ(rotate(params), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "hard end"));
}

TEST_F(HardEnd, EndsEverythingToTheMillisecond) {
  make_rotated();
  credential.expires_at_ms = now + day_ms;
  EXPECT_FALSE(advance_to(credential.expires_at_ms - 1));
  EXPECT_TRUE(accepting(*in(VersionState::current)));
  now = credential.expires_at_ms;
  EXPECT_FALSE(accepting(*in(VersionState::current)));
  EXPECT_TRUE(advance());
  EXPECT_EQ(credential.status, CredentialStatus::revoked);
  EXPECT_FALSE(credential.rotation);
  EXPECT_EQ(rotate(), Code::policy_violation);
}

TEST_F(HardEnd, EndsAnOpenRotation) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  credential.expires_at_ms = now + minute_ms;
  EXPECT_TRUE(advance_to(credential.expires_at_ms));
  EXPECT_EQ(outcome(), RotationState::expired);
  EXPECT_TRUE(in(VersionState::destroyed));
}

TEST_F(HardEnd, InThePastIsRefusedAtCreation) {
  Command command = create_command();
  command.params.expires_at_ms = now;
  EXPECT_EQ(keep(policy::create(command, context())), Code::invalid);
}

TEST_F(Retention, ErasesTheDigestToTheMillisecondAndKeepsATombstone) {
  make_rotated(0);
  const Ulid old = in(VersionState::retired)->version_id;
  const TimeMs end = now + 30 * day_ms;
  EXPECT_EQ(next_due(credential, rules), end);
  EXPECT_FALSE(advance_to(end - 1));
  EXPECT_TRUE(advance_to(end));
  EXPECT_EQ(version(old).state, VersionState::destroyed);
  EXPECT_TRUE(std::ranges::all_of(version(old).digest.reveal(), [](Byte b) { return b == 0; }));
  EXPECT_EQ(next_due(credential, rules), time_never);
}

TEST_F(Retention, OnlyTheNewestTombstonesStayInTheRecord) {
  make_active();
  for (std::size_t i = 0; i < version_tombstones_max + 5; ++i) {
    now += minute_ms;
    ASSERT_EQ(rotate(), Code::ok) << refusal;
    ASSERT_EQ(cancel(), Code::ok) << refusal;
  }
  EXPECT_EQ(credential.versions.size(), version_tombstones_max + 1);
  EXPECT_TRUE(in(VersionState::current));
}

TEST_F(NextDue, APreparedRotationIsDueAtOnce) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  EXPECT_LE(next_due(credential, rules), now);
}

TEST_F(NextDue, NothingIsDueForACredentialAtRest) {
  make_active();
  EXPECT_EQ(next_due(credential, rules), time_never);
}

TEST_F(NextDue, TheHardEndIs) {
  make_active();
  credential.expires_at_ms = now + day_ms;
  EXPECT_EQ(next_due(credential, rules), now + day_ms);
}

}  // namespace
}  // namespace shearline::policy
