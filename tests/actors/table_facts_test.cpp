// What of a credential's record reaches the table.
#include "actors/table_facts.hpp"

#include "policy/lifecycle.hpp"

#include <gtest/gtest.h>

namespace shearline::actors::test {
namespace {

using policy::VersionState;

wire::VersionForChecks version(VersionState state, Byte mark, TimeMs ended_at_ms = 0) {
  wire::VersionForChecks made;
  made.state = state;
  made.mac_key_ref = "p1";
  made.digest.writable()[0] = mark;
  made.ended_at_ms = ended_at_ms;
  made.not_after_ms = state == VersionState::grace ? 500 : time_never;
  return made;
}

class TableFactsOf : public ::testing::Test {
 protected:
  const engine::CredentialFacts& facts() {
    out.take(credential, 7, 3, rules, peppers);
    return out.facts();
  }
  static std::vector<keys::Pepper> two_peppers() {
    std::vector<keys::Pepper> two;
    two.push_back({"p1", Key::of_size(32)});
    two.push_back({"p2", Key::of_size(32)});
    return two;
  }
  wire::CredentialForChecks made() {
    wire::CredentialForChecks one;
    one.client_id = "acme";
    one.status = policy::CredentialStatus::active;
    return one;
  }
  policy::Rules rules;
  wire::CredentialForChecks credential = made();
  std::vector<keys::Pepper> peppers = two_peppers();
  TableFacts out;
};

TEST_F(TableFactsOf, EachDigestSaysUnderWhichPepperItWasMade) {
  credential.versions.push_back(version(VersionState::current, 1));
  credential.versions.push_back(version(VersionState::grace, 2));
  credential.versions.push_back(version(VersionState::retired, 3, 7));
  credential.versions[0].mac_key_ref = "p2";
  credential.versions[2].mac_key_ref = "p2";
  const engine::CredentialFacts& of = facts();
  ASSERT_EQ(of.accepted.size(), 2U);
  EXPECT_EQ(of.accepted[0].pepper, 1);
  EXPECT_EQ(of.accepted[1].pepper, 0);
  ASSERT_EQ(of.dead.size(), 1U);
  EXPECT_EQ(of.dead[0].pepper, 1);
  EXPECT_TRUE(out.foreign_pepper().empty());
}

TEST_F(TableFactsOf, AVersionUnderAPepperThatIsNotHereIsNamedAndLeftOut) {
  credential.versions.push_back(version(VersionState::current, 1));
  credential.versions[0].mac_key_ref = "p7";
  const engine::CredentialFacts& of = facts();
  EXPECT_TRUE(of.accepted.empty());
  EXPECT_EQ(out.foreign_pepper(), "p7");
}

TEST_F(TableFactsOf, EveryAcceptingVersionHasItsRoleAndItsWindow) {
  credential.versions.push_back(version(VersionState::pending, 1));
  credential.versions.push_back(version(VersionState::current, 2));
  credential.versions.push_back(version(VersionState::grace, 3));
  const engine::CredentialFacts& of = facts();
  ASSERT_EQ(of.accepted.size(), 3U);
  EXPECT_EQ(of.accepted[0].role, engine::Outcome::next);
  EXPECT_EQ(of.accepted[1].role, engine::Outcome::current);
  EXPECT_EQ(of.accepted[2].role, engine::Outcome::grace);
  EXPECT_EQ(of.accepted[2].not_after_ms, 500);
  EXPECT_EQ(of.revision, 7U);
  EXPECT_EQ(of.partition, 3U);
}

// The table checks windows, the hard end and suspension at every verification; all else must agree with the policy.
TEST_F(TableFactsOf, WhatIsAcceptedIsWhatThePolicySays) {
  for (const bool accept_pending : {false, true}) {
    for (const auto status : {policy::CredentialStatus::fresh, policy::CredentialStatus::active,
                              policy::CredentialStatus::revoked, policy::CredentialStatus::destroyed}) {
      for (const auto state : {VersionState::pending, VersionState::current, VersionState::grace,
                               VersionState::retired, VersionState::revoked, VersionState::destroyed}) {
        rules.classes["default"].accept_pending = accept_pending;
        credential = made();
        credential.status = status;
        credential.versions.push_back(version(state, 1));
        policy::Credential as_policy_sees_it;
        as_policy_sees_it.status = status;
        policy::Version& only = as_policy_sees_it.versions.emplace_back();
        only.state = state;
        only.not_after_ms = credential.versions[0].not_after_ms;
        const bool expected =
            policy::is_accepting(as_policy_sees_it, only, rules.of_class("default"), TimeMs{499});
        EXPECT_EQ(facts().accepted.size(), expected ? 1U : 0U)
            << policy::name_of(status) << " " << policy::name_of(state) << " " << accept_pending;
      }
    }
  }
}

TEST_F(TableFactsOf, APendingVersionIsNotAcceptedWhereTheClassSaysSo) {
  rules.classes["default"].accept_pending = false;
  credential.versions.push_back(version(VersionState::pending, 1));
  EXPECT_TRUE(facts().accepted.empty());
}

TEST_F(TableFactsOf, AClassThatLeftTheRulesIsReadTheStrictWay) {
  credential.credential_class = "gone";
  credential.versions.push_back(version(VersionState::pending, 1));
  EXPECT_TRUE(facts().accepted.empty());
  EXPECT_TRUE(facts().strict_when_stale);
}

TEST_F(TableFactsOf, OnlyTheNewestFourDeadDigestsStayRecognisable) {
  for (Byte i = 1; i <= 6; ++i) credential.versions.push_back(version(VersionState::retired, i, i));
  const engine::CredentialFacts& of = facts();
  ASSERT_EQ(of.dead.size(), 4U);
  EXPECT_EQ(of.dead[0].digest->reveal()[0], 6);
  EXPECT_EQ(of.dead[3].digest->reveal()[0], 3);
}

TEST_F(TableFactsOf, DeadDigestsStandByTheMomentOfTheirEndAndThenByTheRecord) {
  const std::array<TimeMs, 6> ended{3, 5, 3, 1, 5, 4};
  for (Byte i = 0; i < 6; ++i) credential.versions.push_back(version(VersionState::retired, i, ended[i]));
  credential.versions[4].state = VersionState::revoked;
  const engine::CredentialFacts& of = facts();
  std::vector<int> order;
  for (const engine::DeadDigest& dead : of.dead) order.push_back(dead.digest->reveal()[0]);
  EXPECT_EQ(order, (std::vector<int>{1, 4, 5, 0}));
  EXPECT_FALSE(of.dead[0].revoked);
  EXPECT_TRUE(of.dead[1].revoked);
}

TEST_F(TableFactsOf, ACredentialLeavesNothingBehindForTheNext) {
  credential.expires_at_ms = 9;
  credential.foreign_key_lookup.emplace();
  credential.status = policy::CredentialStatus::suspended;
  for (const auto state : {VersionState::current, VersionState::grace, VersionState::retired})
    credential.versions.push_back(version(state, 1));
  credential.versions[1].mac_key_ref = "p9";
  facts();
  credential = made();
  const engine::CredentialFacts& of = facts();
  EXPECT_TRUE(of.accepted.empty());
  EXPECT_TRUE(of.dead.empty());
  EXPECT_EQ(of.expires_at_ms, time_never);
  EXPECT_FALSE(of.foreign_key_lookup);
  EXPECT_FALSE(of.suspended);
  EXPECT_TRUE(out.foreign_pepper().empty());
}

TEST_F(TableFactsOf, ARevokedCredentialAcceptsNothingWhateverItsVersionsSay) {
  credential.status = policy::CredentialStatus::revoked;
  credential.versions.push_back(version(VersionState::current, 1));
  EXPECT_TRUE(facts().accepted.empty());
}

TEST_F(TableFactsOf, AVersionUnderAnotherPepperIsLeftOutAndNamed) {
  credential.versions.push_back(version(VersionState::current, 1));
  credential.versions.back().mac_key_ref = "p9";
  const engine::CredentialFacts& of = facts();
  EXPECT_TRUE(of.accepted.empty());
  EXPECT_EQ(out.foreign_pepper(), "p9");
}

TEST_F(TableFactsOf, ARetiredVersionUnderAnOldPepperIsNoReasonForAlarm) {
  credential.versions.push_back(version(VersionState::retired, 1));
  credential.versions.back().mac_key_ref = "p0";
  facts();
  EXPECT_TRUE(out.foreign_pepper().empty());
}

}  // namespace
}  // namespace shearline::actors::test
