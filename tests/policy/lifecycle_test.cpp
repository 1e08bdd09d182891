// From creation to completion, and every refusal on the way.
#include "tests/policy/workbench.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace shearline::policy {
namespace {

using test::mentions;
using test::Workbench;
using testing::ElementsAre;

class Lifecycle : public testing::Test, public Workbench {
 protected:
  ClassRules& default_class() { return rules.classes["default"]; }
};

TEST_F(Lifecycle, CreationPreparesTheFirstVersionAndAsksForItsSecret) {
  const auto decision = policy::create(create_command(), context());
  ASSERT_TRUE(decision) << decision.error().message;
  EXPECT_TRUE(decision->needs_secret);
  EXPECT_EQ(decision->next.status, CredentialStatus::fresh);
  ASSERT_TRUE(decision->next.rotation);
  EXPECT_EQ(decision->next.rotation->state, RotationState::prepared);
  EXPECT_TRUE(decision->next.rotation->creation);
  ASSERT_EQ(decision->next.versions.size(), 1U);
  EXPECT_EQ(decision->next.versions[0].state, VersionState::pending);
  EXPECT_EQ(decision->next.versions[0].mac_key_ref, "p1");
  EXPECT_EQ(decision->next.metadata.rotation_period_ms, 90 * day_ms);
}

TEST_F(Lifecycle, TheFirstAckMakesANewCredentialActiveAndItsCreationComplete) {
  ASSERT_EQ(create(), Code::ok) << refusal;
  EXPECT_THAT(event_types(), ElementsAre("credential.created", "rotation.prepared", "version.pending"));
  notify();
  EXPECT_THAT(event_types(), ElementsAre("rotation.notified"));
  ASSERT_EQ(ack("alice"), Code::ok) << refusal;
  EXPECT_THAT(event_types(), ElementsAre("rotation.acknowledged", "version.current", "rotation.promoted",
                                         "credential.active", "rotation.completed"));
  EXPECT_EQ(credential.status, CredentialStatus::active);
  EXPECT_EQ(credential.last_rotated_ms, now);
  EXPECT_FALSE(credential.rotation);
  EXPECT_EQ(outcome(), RotationState::completed);
}

TEST_F(Lifecycle, ARotationLeavesBothVersionsAcceptedUntilTheWindowEnds) {
  make_rotated();
  EXPECT_THAT(event_types(),
              ElementsAre("rotation.acknowledged", "version.grace", "version.current", "rotation.promoted"));
  ASSERT_TRUE(in(VersionState::grace));
  EXPECT_TRUE(accepting(*in(VersionState::grace)));
  EXPECT_TRUE(accepting(*in(VersionState::current)));
  EXPECT_TRUE(advance_to(in(VersionState::grace)->not_after_ms));
  EXPECT_THAT(event_types(), ElementsAre("version.retired", "rotation.completed"));
  EXPECT_FALSE(credential.rotation);
  EXPECT_EQ(events[0].who, "engine");
}

TEST_F(Lifecycle, ARecordFromBeforeItsEventsWereCountedIsNotCountedFromTheMiddle) {
  ASSERT_EQ(create(), Code::ok) << refusal;
  EXPECT_EQ(credential.events_written, events.size());
  credential.events_written = 0;
  notify();
  EXPECT_FALSE(events.empty());
  EXPECT_EQ(credential.events_written, 0U);
}

TEST_F(Lifecycle, EventsSayWhoWhyAndUnderWhichRules) {
  make_active();
  Command rotate = command(Verb::rotate, "bob");
  rotate.reason = "leak";
  rotate.justification = "seen in a log";
  rotate.ticket = "SEC-1";
  rotate.correlation_id = "c-9";
  ASSERT_EQ(keep(policy::rotate(credential, rotate, context())), Code::ok);
  const AuditEvent& prepared = events.front();
  EXPECT_EQ(prepared.type, "rotation.prepared");
  EXPECT_EQ(prepared.who, "bob");
  EXPECT_EQ(prepared.subject, "acme");
  EXPECT_EQ(prepared.rotation_id, rotate.jti.text());
  EXPECT_EQ(prepared.version_id, in(VersionState::pending)->version_id.text());
  EXPECT_EQ(prepared.reason, "leak");
  EXPECT_EQ(prepared.justification, "seen in a log");
  EXPECT_EQ(prepared.ticket, "SEC-1");
  EXPECT_EQ(prepared.correlation_id, "c-9");
  EXPECT_EQ(prepared.command, rotate.jti.text());
  EXPECT_EQ(prepared.policy_hash, "rules-1");
  EXPECT_EQ(prepared.node, "node-a");
  EXPECT_EQ(prepared.at_ms, now);
  notify();
  EXPECT_EQ(events.front().who, "engine");
  EXPECT_EQ(events.front().ticket, "SEC-1");
  EXPECT_EQ(events.front().command, "");
}

TEST_F(Lifecycle, MissingMetadataIsNamedAllAtOnce) {
  Command command = create_command();
  command.params.metadata = {"team", "", "staging", "", "", 0};
  EXPECT_EQ(keep(policy::create(command, context())), Code::invalid);
  EXPECT_TRUE(mentions(refusal, "service, tenant, data_classification"));
}

TEST_F(Lifecycle, AnUnknownClassNamesTheKnownOnes) {
  rules.classes["strict"] = {};
  Command command = create_command();
  command.params.credential_class = "stric";
  EXPECT_EQ(keep(policy::create(command, context())), Code::invalid);
  EXPECT_TRUE(mentions(refusal, "default, strict"));
}

TEST_F(Lifecycle, ADeniedClientIsNeitherCreatedNorRotatedButCanBeRevoked) {
  make_active();
  rules.denied_clients = {"acme"};
  EXPECT_EQ(rotate(), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "deny list"));
  EXPECT_EQ(keep(policy::create(create_command(), context())), Code::policy_violation);
  EXPECT_EQ(revoke(), Code::ok);
}

TEST_F(Lifecycle, AQuorumTheGroupCannotReachIsRefusedBeforeAnythingIsMinted) {
  default_class().quorum = 4;
  EXPECT_EQ(create(), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "quorum is 4"));
  EXPECT_TRUE(mentions(refusal, "3 members"));
  default_class().quorum = 3;
  make_active();
  members = {"alice"};
  EXPECT_EQ(rotate(), Code::policy_violation);
}

TEST_F(Lifecycle, ASecondRotationIsAConflictThatNamesTheOpenOne) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok) << refusal;
  const std::string open_id = credential.rotation->rotation_id.text();
  EXPECT_EQ(rotate(), Code::conflict);
  EXPECT_TRUE(mentions(refusal, open_id));
  EXPECT_TRUE(mentions(refusal, "prepared"));
}

TEST_F(Lifecycle, RotatingInGraceIsRefusedUnlessItSupersedes) {
  make_rotated();
  now += hour_ms;
  const Ulid oldest = in(VersionState::grace)->version_id;
  EXPECT_EQ(rotate(), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, oldest.text()));
  Params params;
  params.supersede = true;
  ASSERT_EQ(rotate(params), Code::ok) << refusal;
  // The oldest keeps its window until the promotion: three accepting versions, never more.
  EXPECT_EQ(outcome(), RotationState::superseded);
  EXPECT_EQ(version(oldest).state, VersionState::grace);
  EXPECT_EQ(std::ranges::count_if(credential.versions, [&](const Version& one) { return accepting(one); }),
            3);
  notify();
  ASSERT_EQ(ack("bob"), Code::ok);
  EXPECT_EQ(version(oldest).state, VersionState::retired);
  EXPECT_EQ(version(oldest).not_after_ms, now);
  EXPECT_TRUE(in(VersionState::grace));
}

TEST_F(Lifecycle, TheMinimumIntervalCountsBetweenRotationsAndNotFromCreation) {
  ASSERT_EQ(create(), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  Params params;
  params.grace_ms = 0;
  ASSERT_EQ(rotate(params), Code::ok) << "creation is not a rotation: " << refusal;
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  const TimeMs promoted = now;
  now = promoted + hour_ms - 1;
  EXPECT_EQ(rotate(params), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, rfc3339(promoted + hour_ms)));
  now = promoted + hour_ms;
  EXPECT_EQ(rotate(params), Code::ok) << refusal;
}

TEST_F(Lifecycle, AnEmergencyGoesAheadOfIntervalGraceAndAnOpenRotation) {
  make_rotated();
  const Ulid in_grace = in(VersionState::grace)->version_id;
  const Ulid compromised = in(VersionState::current)->version_id;
  Params supersede;
  supersede.supersede = true;
  now += hour_ms;
  ASSERT_EQ(rotate(supersede), Code::ok) << refusal;
  const Ulid dropped = in(VersionState::pending)->version_id;
  now += 1;
  Params emergency;
  emergency.emergency = true;
  ASSERT_EQ(rotate(emergency), Code::ok) << refusal;
  EXPECT_EQ(outcome(), RotationState::superseded);
  EXPECT_EQ(version(dropped).state, VersionState::destroyed);
  EXPECT_EQ(version(compromised).state, VersionState::current);
  notify();
  ASSERT_EQ(ack("carol"), Code::ok) << refusal;
  EXPECT_EQ(version(compromised).state, VersionState::retired);
  EXPECT_EQ(version(in_grace).state, VersionState::retired);
  EXPECT_EQ(version(compromised).not_after_ms, now);
  EXPECT_EQ(outcome(), RotationState::completed);
}

TEST_F(Lifecycle, AnEmergencyHasItsOwnQuorumAndTakesNoDelay) {
  default_class().quorum = 3;
  default_class().emergency_quorum = 1;
  make_active();
  Params params;
  params.emergency = true;
  params.not_before_ms = now + 1;
  EXPECT_EQ(rotate(params), Code::invalid);
  params.not_before_ms.reset();
  params.grace_ms = day_ms;
  EXPECT_EQ(rotate(params), Code::invalid);
  params.grace_ms.reset();
  ASSERT_EQ(rotate(params), Code::ok) << refusal;
  EXPECT_EQ(credential.rotation->quorum_required, 1U);
}

TEST_F(Lifecycle, WhatIsCompromisedCanBeRevokedBeforeTheNewSecretIsOut) {
  make_active();
  const Ulid leaked = in(VersionState::current)->version_id;
  ASSERT_EQ(revoke(leaked.text()), Code::ok);
  EXPECT_FALSE(accepting(version(leaked)));
  EXPECT_EQ(credential.status, CredentialStatus::active);
  Params emergency;
  emergency.emergency = true;
  ASSERT_EQ(rotate(emergency), Code::ok) << refusal;
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_TRUE(in(VersionState::current));
  EXPECT_EQ(version(leaked).state, VersionState::revoked);
}

TEST_F(Lifecycle, CancelDestroysThePendingVersionAndTouchesNothingElse) {
  make_active();
  const Ulid current = in(VersionState::current)->version_id;
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  ASSERT_EQ(cancel(), Code::ok);
  EXPECT_THAT(event_types(), ElementsAre("version.destroyed", "rotation.canceled"));
  EXPECT_EQ(version(current).state, VersionState::current);
  EXPECT_EQ(version(current).not_after_ms, time_never);
  EXPECT_TRUE(
      std::ranges::all_of(in(VersionState::destroyed)->digest.reveal(), [](Byte b) { return b == 0; }));
  EXPECT_EQ(ack("alice"), Code::not_found);
}

TEST_F(Lifecycle, CancelAfterPromotionIsAConflict) {
  make_rotated();
  EXPECT_EQ(cancel(), Code::conflict);
  EXPECT_TRUE(mentions(refusal, "promoted"));
}

TEST_F(Lifecycle, ANewCredentialWhoseFirstRotationFailedIsTriedAgainByRotate) {
  ASSERT_EQ(create(), Code::ok);
  notify();
  EXPECT_TRUE(advance_to(credential.rotation->deadline_ms));
  EXPECT_EQ(outcome(), RotationState::expired);
  EXPECT_EQ(credential.status, CredentialStatus::fresh);
  ASSERT_EQ(rotate(), Code::ok) << refusal;
  EXPECT_TRUE(credential.rotation->creation);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_EQ(credential.status, CredentialStatus::active);
}

TEST_F(Lifecycle, PromoteByHandNeedsTheQuorumOrASecondParty) {
  default_class().quorum = 2;
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_EQ(promote(), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "1 of 2"));
  EXPECT_TRUE(mentions(refusal, "second party (approve)"));
}

TEST_F(Lifecycle, PromoteByHandDoesNotGoAheadOfNotBefore) {
  make_active();
  Params params;
  params.not_before_ms = now + day_ms;
  ASSERT_EQ(rotate(params), Code::ok);
  notify();
  ASSERT_EQ(ack("alice"), Code::ok);
  EXPECT_EQ(promote(), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "not to be promoted before"));
  now += day_ms;
  EXPECT_EQ(promote(), Code::ok) << refusal;
  EXPECT_EQ(credential.rotation->promoted_at_ms, now);
}

TEST_F(Lifecycle, PromoteTwiceIsPromoteOnce) {
  make_rotated();
  const TimeMs window = in(VersionState::grace)->not_after_ms;
  now += minute_ms;
  EXPECT_EQ(promote(), Code::ok);
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(in(VersionState::grace)->not_after_ms, window);
}

TEST_F(Lifecycle, AWrongTagProvesNothingAndChangesNothing) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  Command wrong = ack_command("alice");
  wrong.params.ack_tag[31] ^= 1;
  EXPECT_EQ(keep(acknowledge(credential, wrong, members, context())), Code::unauthorized);
  wrong.params.ack_tag.clear();
  EXPECT_EQ(keep(acknowledge(credential, wrong, members, context())), Code::unauthorized);
  Command borrowed = ack_command("bob");
  borrowed.kid = "alice";
  EXPECT_EQ(keep(acknowledge(credential, borrowed, members, context())), Code::unauthorized);
  EXPECT_TRUE(credential.rotation->acks.empty());
  EXPECT_EQ(ack("alice"), Code::ok);
}

TEST_F(Lifecycle, AMemberWhoJoinedAfterTheSealingHasNothingToAcknowledge) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  members.insert("dave");
  EXPECT_EQ(ack("dave"), Code::unauthorized);
  EXPECT_TRUE(mentions(refusal, "not sealed to dave"));
}

TEST_F(Lifecycle, AnAckBeforeDeliveryIsToldToComeAgain) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  EXPECT_EQ(ack("alice"), Code::unavailable);
  notify();
  EXPECT_EQ(ack("alice"), Code::ok);
}

TEST_F(Lifecycle, WhoAcknowledgesAfterThePromotionIsRecordedAndPromotesNothing) {
  make_rotated();
  const TimeMs window = in(VersionState::grace)->not_after_ms;
  now += minute_ms;
  ASSERT_EQ(ack("bob"), Code::ok);
  EXPECT_THAT(event_types(), ElementsAre("rotation.acknowledged"));
  EXPECT_EQ(in(VersionState::grace)->not_after_ms, window);
  EXPECT_EQ(credential.rotation->acks.size(), 2U);
}

TEST_F(Lifecycle, RevokeAllEndsEverythingAndTheOpenRotation) {
  make_rotated();
  now += hour_ms;
  Params params;
  params.supersede = true;
  ASSERT_EQ(rotate(params), Code::ok);
  ASSERT_EQ(revoke(), Code::ok);
  EXPECT_EQ(credential.status, CredentialStatus::revoked);
  EXPECT_EQ(outcome(), RotationState::canceled);
  for (const Version& one : credential.versions) EXPECT_FALSE(accepting(one));
  EXPECT_EQ(rotate(), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "revoked"));
}

TEST_F(Lifecycle, RevokingTheOldVersionCompletesTheRotation) {
  make_rotated();
  const Ulid old = in(VersionState::grace)->version_id;
  ASSERT_EQ(revoke(old.text()), Code::ok);
  EXPECT_THAT(event_types(), ElementsAre("version.revoked", "rotation.completed"));
  EXPECT_TRUE(in(VersionState::current));
}

TEST_F(Lifecycle, RevokingThePendingVersionCancelsItsRotation) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  ASSERT_EQ(revoke(in(VersionState::pending)->version_id.text()), Code::ok);
  EXPECT_EQ(outcome(), RotationState::canceled);
  EXPECT_TRUE(in(VersionState::current));
}

TEST_F(Lifecycle, RevokingWhatIsNotThereIsNotFoundAndTwiceIsOnce) {
  make_active();
  EXPECT_EQ(revoke("01J8XQ2M6N3T4V5W6X7Y8Z9A0B"), Code::not_found);
  ASSERT_EQ(revoke(), Code::ok);
  ASSERT_EQ(revoke(), Code::ok);
  EXPECT_TRUE(events.empty());
}

TEST_F(Lifecycle, OtherRotationsAreNotFoundAndEndedOnesSayHow) {
  make_active();
  Command cancel_other = command(Verb::cancel);
  cancel_other.rotation_id = "01J8XQ2M6N3T4V5W6X7Y8Z9A0B";
  EXPECT_EQ(keep(policy::cancel(credential, cancel_other, context())), Code::not_found);
  Command cancel_done = command(Verb::cancel);
  cancel_done.rotation_id = credential.ended.front().rotation_id.text();
  EXPECT_EQ(keep(policy::cancel(credential, cancel_done, context())), Code::conflict);
  EXPECT_TRUE(mentions(refusal, "completed"));
}

}  // namespace
}  // namespace shearline::policy
