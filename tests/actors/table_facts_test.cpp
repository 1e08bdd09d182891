// What of a credential's record reaches the table.
#include "actors/table_facts.hpp"

#include "policy/lifecycle.hpp"

#include <gtest/gtest.h>

namespace shearline::actors::test {
namespace {

using policy::VersionState;

policy::Version version(VersionState state, Byte mark, TimeMs ended_at_ms = 0) {
  policy::Version made;
  made.state = state;
  made.mac_key_ref = "p1";
  made.digest.writable()[0] = mark;
  made.ended_at_ms = ended_at_ms;
  made.not_after_ms = state == VersionState::grace ? 500 : time_never;
  return made;
}

class TableFactsOf : public ::testing::Test {
 protected:
  TableFacts facts() { return table_facts(credential, 7, 3, rules, peppers); }
  static std::vector<keys::Pepper> two_peppers() {
    std::vector<keys::Pepper> two;
    two.push_back({"p1", Key::of_size(32)});
    two.push_back({"p2", Key::of_size(32)});
    return two;
  }
  policy::Credential made() {
    policy::Credential one;
    one.client_id = "acme";
    one.status = policy::CredentialStatus::active;
    return one;
  }
  policy::Rules rules;
  policy::Credential credential = made();
  std::vector<keys::Pepper> peppers = two_peppers();
};

TEST_F(TableFactsOf, EachDigestSaysUnderWhichPepperItWasMade) {
  credential.versions.push_back(version(VersionState::current, 1));
  credential.versions.push_back(version(VersionState::grace, 2));
  credential.versions.push_back(version(VersionState::retired, 3, 7));
  credential.versions[0].mac_key_ref = "p2";
  credential.versions[2].mac_key_ref = "p2";
  const TableFacts out = facts();
  ASSERT_EQ(out.accepted.size(), 2U);
  EXPECT_EQ(out.accepted[0].pepper, 1);
  EXPECT_EQ(out.accepted[1].pepper, 0);
  ASSERT_EQ(out.dead.size(), 1U);
  EXPECT_EQ(out.dead[0].pepper, 1);
  EXPECT_TRUE(out.foreign_pepper.empty());
}

TEST_F(TableFactsOf, AVersionUnderAPepperThatIsNotHereIsNamedAndLeftOut) {
  credential.versions.push_back(version(VersionState::current, 1));
  credential.versions[0].mac_key_ref = "p7";
  const TableFacts out = facts();
  EXPECT_TRUE(out.accepted.empty());
  EXPECT_EQ(out.foreign_pepper, "p7");
}

TEST_F(TableFactsOf, EveryAcceptingVersionHasItsRoleAndItsWindow) {
  credential.versions.push_back(version(VersionState::pending, 1));
  credential.versions.push_back(version(VersionState::current, 2));
  credential.versions.push_back(version(VersionState::grace, 3));
  const TableFacts out = facts();
  ASSERT_EQ(out.accepted.size(), 3U);
  EXPECT_EQ(out.accepted[0].role, engine::Outcome::next);
  EXPECT_EQ(out.accepted[1].role, engine::Outcome::current);
  EXPECT_EQ(out.accepted[2].role, engine::Outcome::grace);
  EXPECT_EQ(out.accepted[2].not_after_ms, 500);
  EXPECT_EQ(out.facts.revision, 7U);
  EXPECT_EQ(out.facts.partition, 3U);
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
        const bool expected =
            policy::is_accepting(credential, credential.versions[0], rules.of_class("default"), TimeMs{499});
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
  EXPECT_TRUE(facts().facts.strict_when_stale);
}

TEST_F(TableFactsOf, OnlyTheNewestFourDeadDigestsStayRecognisable) {
  for (Byte i = 1; i <= 6; ++i) credential.versions.push_back(version(VersionState::retired, i, i));
  const TableFacts out = facts();
  ASSERT_EQ(out.dead.size(), 4U);
  EXPECT_EQ(out.dead[0].digest->reveal()[0], 6);
  EXPECT_EQ(out.dead[3].digest->reveal()[0], 3);
}

TEST_F(TableFactsOf, ARevokedCredentialAcceptsNothingWhateverItsVersionsSay) {
  credential.status = policy::CredentialStatus::revoked;
  credential.versions.push_back(version(VersionState::current, 1));
  EXPECT_TRUE(facts().accepted.empty());
}

TEST_F(TableFactsOf, AVersionUnderAnotherPepperIsLeftOutAndNamed) {
  credential.versions.push_back(version(VersionState::current, 1));
  credential.versions.back().mac_key_ref = "p9";
  const TableFacts out = facts();
  EXPECT_TRUE(out.accepted.empty());
  EXPECT_EQ(out.foreign_pepper, "p9");
}

TEST_F(TableFactsOf, ARetiredVersionUnderAnOldPepperIsNoReasonForAlarm) {
  credential.versions.push_back(version(VersionState::retired, 1));
  credential.versions.back().mac_key_ref = "p0";
  EXPECT_TRUE(facts().foreign_pepper.empty());
}

}  // namespace
}  // namespace shearline::actors::test
