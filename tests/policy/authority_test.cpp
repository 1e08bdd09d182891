// Who may: signature, freshness, audience, grants, and what needs a second party or a proof.
#include "policy/authority.hpp"

#include "base/random.hpp"
#include "policy/jws.hpp"

#include <gtest/gtest.h>

#include <map>

namespace shearline::policy {
namespace {

constexpr TimeMs start = 1'700'000'000'000;
bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class Authority : public testing::Test {
 protected:
  Authority() {
    enroll("alice", alice_seed);
    enroll("gone", gone_seed).revoked = true;
    enroll("late", late_seed).expires_at_ms = start + 60'000;
  }

  Admin& enroll(const std::string& id, const Key& seed) {
    Admin& admin = admins[id];
    admin.admin_id = id;
    admin.person = id + "@example.com";
    admin.signing_key = ed25519_public(seed);
    return admin;
  }
  Command rotate() {
    Command command;
    command.audience = audience_of("demo");
    command.issued_at_ms = start;
    command.expires_at_ms = start + 60'000;
    command.jti = Ulid::make(start, random);
    command.verb = Verb::rotate;
    command.credential = "acme";
    return command;
  }
  static std::string sign(const Command& command, std::string_view kid, const Key& seed) {
    return sign_jws(encode_command(command), command_type, kid, seed);
  }
  Result<Command> authenticate_at(TimeMs now, const std::string& jws) const {
    const FindAdmin find = [this](std::string_view id) -> const Admin* {
      const auto found = admins.find(std::string(id));
      return found == admins.end() ? nullptr : &found->second;
    };
    return authenticate(jws, "demo", find, now);
  }
  std::string refusal_at(TimeMs now, const std::string& jws, Code code = Code::unauthorized) const {
    const auto command = authenticate_at(now, jws);
    if (command) return "accepted";
    EXPECT_EQ(command.error().code, code) << command.error().message;
    return command.error().message;
  }
  Status permitted(const Command& command, const Metadata* metadata) const {
    return permit(admins.at("alice"), command, metadata, rules, circumstances, start);
  }
  std::string violation(const Command& command, const Metadata* metadata) const {
    const Status status = permitted(command, metadata);
    if (status) return "permitted";
    EXPECT_EQ(status.error().code, Code::policy_violation);
    return status.error().message;
  }
  static Command verb(Verb verb) {
    Command command;
    command.verb = verb;
    return command;
  }

  SeededRandom random{1};
  Key alice_seed = random_key(random);
  Key gone_seed = random_key(random);
  Key late_seed = random_key(random);
  Key stranger_seed = random_key(random);
  std::map<std::string, Admin> admins;
  Rules rules;
  Circumstances circumstances;
  Metadata staging{"team", "pay", "staging", "acme", "internal", 0};
  Metadata prod{"team", "pay", "prod", "acme", "internal", 0};
  Metadata prod_pii{"team", "pay", "prod", "acme", "pii", 0};
};

TEST_F(Authority, ASignedCommandIsTakenWithItsSenderAndHash) {
  const std::string jws = sign(rotate(), "alice", alice_seed);
  const auto command = authenticate_at(start, jws);
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(command->kid, "alice");
  EXPECT_EQ(command->hash, sha256(as_bytes(jws)));
  EXPECT_EQ(command->credential, "acme");
}

TEST_F(Authority, AStrangerLearnsNothingAboutWhoExists) {
  const std::string unknown = refusal_at(start, sign(rotate(), "nobody", stranger_seed));
  EXPECT_EQ(refusal_at(start, sign(rotate(), "alice", stranger_seed)), unknown);
  EXPECT_EQ(refusal_at(start, sign(rotate(), "gone", stranger_seed)), unknown);
  EXPECT_EQ(refusal_at(start, sign(rotate(), "late", stranger_seed)), unknown);
  EXPECT_FALSE(mentions(unknown, "nobody"));
}

TEST_F(Authority, NothingIsReadBeforeTheSignatureIsVerified) {
  Command foreign = rotate();
  foreign.audience = "shearline:other";
  EXPECT_EQ(refusal_at(start, sign(foreign, "alice", stranger_seed)),
            refusal_at(start, sign(rotate(), "alice", stranger_seed)));
  const std::string not_a_command = sign_jws("{}", command_type, "alice", stranger_seed);
  EXPECT_EQ(refusal_at(start, not_a_command), refusal_at(start, sign(rotate(), "alice", stranger_seed)));
}

TEST_F(Authority, ARevokedAdminIsNoAdmin) {
  EXPECT_NE(refusal_at(start, sign(rotate(), "gone", gone_seed)), "accepted");
}

TEST_F(Authority, AnEnrolmentEndsToTheMillisecond) {
  const std::string jws = sign(rotate(), "late", late_seed);
  EXPECT_EQ(refusal_at(start + 59'999, jws), "accepted");
  EXPECT_NE(refusal_at(start + 60'000, jws), "accepted");
}

TEST_F(Authority, AForeignAudienceIsRefused) {
  Command command = rotate();
  command.audience = audience_of("other");
  EXPECT_TRUE(mentions(refusal_at(start, sign(command, "alice", alice_seed)), "shearline:demo"));
}

TEST_F(Authority, ACommandExpiresThirtySecondsAfterExpToTheMillisecond) {
  const std::string jws = sign(rotate(), "alice", alice_seed);
  EXPECT_EQ(refusal_at(start + 60'000 + 29'999, jws), "accepted");
  EXPECT_TRUE(mentions(refusal_at(start + 60'000 + 30'000, jws), "expired"));
}

TEST_F(Authority, ACommandMayBeThirtySecondsAheadToTheMillisecond) {
  const std::string jws = sign(rotate(), "alice", alice_seed);
  EXPECT_EQ(refusal_at(start - 30'000, jws), "accepted");
  EXPECT_TRUE(mentions(refusal_at(start - 30'001, jws), "future"));
}

TEST_F(Authority, ACommandLivesAtMostThreeHundredSeconds) {
  Command command = rotate();
  command.expires_at_ms = start + 300'000;
  EXPECT_EQ(refusal_at(start, sign(command, "alice", alice_seed)), "accepted");
  command.expires_at_ms = start + 301'000;
  EXPECT_TRUE(mentions(refusal_at(start, sign(command, "alice", alice_seed)), "300 s"));
  command.expires_at_ms = start;
  EXPECT_TRUE(mentions(refusal_at(start, sign(command, "alice", alice_seed)), "after `iat`"));
}

TEST_F(Authority, AnExpiredCommandStillHasASenderSoThatItsAnswerCanBeFound) {
  const std::string jws = sign(rotate(), "alice", alice_seed);
  const FindAdmin find = [this](std::string_view) { return &admins.at("alice"); };
  EXPECT_TRUE(authenticate_sender(jws, "demo", find, start + day_ms));
  EXPECT_FALSE(authenticate(jws, "demo", find, start + day_ms));
}

TEST_F(Authority, WhatIsNoJwsIsInvalid) {
  EXPECT_NE(refusal_at(start, "hello", Code::invalid), "accepted");
  EXPECT_NE(
      refusal_at(start, sign_jws(encode_command(rotate()), reply_type, "alice", alice_seed), Code::invalid),
      "accepted");
}

TEST_F(Authority, StagingNeedsNobodyElse) {
  EXPECT_TRUE(permitted(rotate(), &staging));
  Command create = verb(Verb::credential_create);
  create.params.metadata = staging;
  EXPECT_TRUE(permitted(create, nullptr));
  EXPECT_TRUE(permitted(verb(Verb::credential_import), nullptr));
}

TEST_F(Authority, ProdNeedsAProofThatDoesNotExistYet) {
  for (const Verb one : {Verb::rotate, Verb::ack, Verb::cancel, Verb::revoke, Verb::promote}) {
    EXPECT_TRUE(mentions(violation(verb(one), &prod), "idp_proof"));
  }
  Command create = verb(Verb::credential_create);
  create.params.metadata = prod;
  EXPECT_TRUE(mentions(violation(create, nullptr), "idp_proof"));
  EXPECT_TRUE(permitted(verb(Verb::status), &prod));
}

TEST_F(Authority, ProdInAnotherSpellingIsProd) {
  for (const char* name : {"Prod", "PROD", "production", "Production"}) {
    prod.environment = name;
    EXPECT_TRUE(mentions(violation(rotate(), &prod), "idp_proof")) << name;
  }
}

TEST_F(Authority, ImportIsJudgedByTheStricterOfOldAndNew) {
  Command command = verb(Verb::credential_import);
  command.params.metadata = staging;
  EXPECT_TRUE(mentions(violation(command, &prod), "idp_proof"));
  command.params.metadata = prod;
  EXPECT_TRUE(mentions(violation(command, &staging), "idp_proof"));
}

TEST_F(Authority, ProdWithPiiNeedsASecondPartyAlsoWithoutProofsAndInAnEmergency) {
  rules.idp_proof_required_in.clear();
  EXPECT_TRUE(mentions(violation(rotate(), &prod_pii), "second party (approve)"));
  Command emergency = rotate();
  emergency.params.emergency = true;
  EXPECT_TRUE(mentions(violation(emergency, &prod_pii), "second party (approve)"));
  EXPECT_TRUE(permitted(rotate(), &prod));
  EXPECT_TRUE(permitted(verb(Verb::revoke), &prod_pii));
}

TEST_F(Authority, BootstrapWaivesTheSecondPartyUntilASecondAdminExists) {
  for (const Verb one : {Verb::admin_enroll, Verb::group_create, Verb::group_add}) {
    rules.bootstrap = false;
    circumstances.admins_known = 1;
    EXPECT_TRUE(mentions(violation(verb(one), nullptr), "second party"));
    rules.bootstrap = true;
    EXPECT_TRUE(permitted(verb(one), nullptr));
    circumstances.admins_known = 2;
    EXPECT_TRUE(mentions(violation(verb(one), nullptr), "second party"));
  }
}

TEST_F(Authority, AnAdminActsOnlyInsideTheirEnvironmentsAndTenants) {
  admins["alice"].environments = {"dev"};
  Command create = verb(Verb::credential_create);
  create.params.metadata = staging;
  EXPECT_TRUE(mentions(violation(create, nullptr), "`staging`"));
  EXPECT_TRUE(mentions(violation(rotate(), &staging), "granted to alice"));
  EXPECT_TRUE(mentions(violation(verb(Verb::status), &staging), "granted to alice"));
  admins["alice"].environments = {"staging"};
  admins["alice"].tenants = {"other"};
  EXPECT_TRUE(mentions(violation(create, nullptr), "`acme`"));
  EXPECT_TRUE(mentions(violation(rotate(), &staging), "granted to alice"));
  EXPECT_FALSE(may_see(admins["alice"], staging));
  admins["alice"].tenants = {"acme"};
  EXPECT_TRUE(permitted(rotate(), &staging));
  EXPECT_TRUE(may_see(admins["alice"], staging));
}

TEST_F(Authority, WhatIsOutsideTheGrantsLooksLikeWhatDoesNotExist) {
  admins["alice"].tenants = {"other"};
  for (const Verb one : {Verb::status, Verb::history, Verb::rotate, Verb::ack, Verb::revoke}) {
    EXPECT_EQ(violation(verb(one), &staging), violation(verb(one), nullptr)) << name_of(one);
  }
  admins["alice"].tenants = {};
  EXPECT_TRUE(permitted(verb(Verb::status), nullptr)) << "whoever may see all hears that it is not there";
}

TEST_F(Authority, AnIdThatIsTakenElsewhereTellsNothingMore) {
  admins["alice"].tenants = {"other"};
  Command create = verb(Verb::credential_create);
  create.params.metadata = staging;
  create.params.metadata.tenant = "other";
  EXPECT_TRUE(permitted(create, nullptr));
  const std::string why = violation(create, &staging);
  EXPECT_TRUE(mentions(why, "taken"));
  EXPECT_FALSE(mentions(why, "staging") || mentions(why, "acme"));
}

TEST_F(Authority, NobodyGrantsMoreThanTheyHold) {
  rules.bootstrap = true;
  admins["alice"].environments = {"dev", "staging"};
  Command command = verb(Verb::admin_enroll);
  EXPECT_TRUE(mentions(violation(command, nullptr), "beyond their own"));
  command.params.environments = {"prod"};
  EXPECT_TRUE(mentions(violation(command, nullptr), "beyond their own"));
  command.params.environments = {"dev"};
  EXPECT_TRUE(permitted(command, nullptr));
  admins["alice"].expires_at_ms = start + day_ms;
  EXPECT_TRUE(mentions(violation(command, nullptr), "longer"));
  command.params.expires_at_ms = start + day_ms;
  EXPECT_TRUE(permitted(command, nullptr));
}

TEST_F(Authority, SupersedeNeedsItsOwnPermission) {
  Command command = rotate();
  command.params.supersede = true;
  EXPECT_TRUE(mentions(violation(command, &staging), "supersede_admins"));
  rules.supersede_admins = {"alice"};
  EXPECT_TRUE(permitted(command, &staging));
}

TEST_F(Authority, RightsAreCheckedAgainWhenTheStepIsTaken) {
  admins["alice"].revoked = true;
  const Status status = permitted(rotate(), &staging);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::unauthorized);
}

}  // namespace
}  // namespace shearline::policy
