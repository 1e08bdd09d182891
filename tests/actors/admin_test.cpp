// What the door for signed commands lets in, and what it says to the rest.
#include "actors/queries.hpp"
#include "tests/actors/control_plane.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace shearline::actors::test {
namespace {

using policy::Verb;

class AdminDoor : public ::testing::Test {
 protected:
  void SetUp() override {
    engine.wait_for_lease();
    ASSERT_EQ(engine.make_group("ops", {"alice", "bob"}).code, Code::ok);
  }
  policy::Command status() { return engine.command(world.alice, Verb::status, "acme"); }
  policy::Answer enroll(const TestAdmin& admin) {
    policy::Command command = engine.command(world.alice, Verb::admin_enroll);
    command.params.admin_id = admin.record.admin_id;
    command.params.person = admin.record.person;
    command.params.signing_key = admin.record.signing_key;
    command.params.sealing_key = admin.record.sealing_key;
    command.params.sealing_key_proof = admin.record.sealing_key_proof;
    return engine.run(command, world.alice);
  }

  World world;
  Engine engine{world};
};

TEST_F(AdminDoor, RefusesAStranger) {
  const TestAdmin mallory = make_admin("mallory", world.random);
  policy::Command command = engine.creation("acme");
  command.kid = "mallory";
  EXPECT_EQ(engine.run(command, mallory).code, Code::unauthorized);
}

TEST_F(AdminDoor, RefusesAnotherKeyUnderAKnownName) {
  const TestAdmin mallory = make_admin("alice", world.random);
  EXPECT_EQ(engine.run(engine.creation("acme"), mallory).code, Code::unauthorized);
}

TEST_F(AdminDoor, RefusesACommandForAnotherDeployment) {
  policy::Command command = engine.creation("acme");
  command.audience = policy::audience_of("production");
  EXPECT_EQ(engine.run(command, world.alice).code, Code::unauthorized);
}

TEST_F(AdminDoor, RefusesAnExpiredCommand) {
  const policy::Command command = engine.creation("acme");
  world.clock.now = command.expires_at_ms + policy::command_leeway_ms + 1;
  EXPECT_EQ(engine.run(command, world.alice).code, Code::unauthorized);
}

TEST_F(AdminDoor, StaysSilentOnBytesThatNameNoAnswerChannelAndServesTheNext) {
  engine.drop("garbage");
  engine.drop("");
  engine.drop(std::string(policy::jws_bytes_max + 1, 'a'));
  EXPECT_EQ(engine.run(status(), world.alice).code, Code::not_found);
}

TEST_F(AdminDoor, EnrollsASecondAdminDuringBootstrapAndThenAsksForASecondParty) {
  const policy::Answer enrolled = enroll(world.bob);
  ASSERT_EQ(enrolled.code, Code::ok) << enrolled.detail;
  const TestAdmin carol = make_admin("carol", world.random);
  EXPECT_EQ(enroll(carol).code, Code::policy_violation);
  EXPECT_EQ(engine.make_group("more", {"alice"}).code, Code::policy_violation);
}

TEST(AdminRate, AFloodOfOnesOwnCommandsDoesNotMakeARevocationWait) {
  World world;
  world.rules.commands_per_minute_per_admin = 3;
  Engine engine(world);
  engine.wait_for_lease();
  ASSERT_EQ(engine.make_group("ops", {"alice", "bob"}).code, Code::ok);
  ASSERT_EQ(engine.run(engine.creation("acme"), world.alice).code, Code::ok);
  engine.run(engine.command(world.alice, Verb::status, "acme"), world.alice);
  EXPECT_EQ(engine.run(engine.command(world.alice, Verb::status, "acme"), world.alice).code,
            Code::rate_limited);
  EXPECT_EQ(engine.run(engine.command(world.alice, Verb::revoke, "acme"), world.alice).code, Code::ok);
}

TEST_F(AdminDoor, RefusesASealingKeyThatTheSigningKeyDoesNotProve) {
  TestAdmin bob = make_admin("bob", world.random);
  bob.record.sealing_key[3] ^= 1;
  EXPECT_EQ(enroll(bob).code, Code::invalid);
}

TEST_F(AdminDoor, AnAdminOutsideTheGroupCannotAcknowledge) {
  ASSERT_EQ(engine.make_group("alone", {"alice"}).code, Code::ok);
  ASSERT_EQ(enroll(world.bob).code, Code::ok);
  ASSERT_EQ(engine.run(engine.creation("acme", "alone"), world.alice).code, Code::ok);
  std::optional<wire::DeliveredSecret> secret;
  engine.wait_for([&] {
    secret = engine.newest_secret("alone", world.alice);
    return secret.has_value();
  });
  EXPECT_EQ(engine.run(engine.acknowledgement(*secret, world.bob), world.bob).code, Code::unauthorized);
}

TEST_F(AdminDoor, RefusesProductionForWantOfAProofThatDoesNotExistYet) {
  policy::Command command = engine.creation("acme");
  command.params.metadata.environment = "prod";
  const policy::Answer answer = engine.run(command, world.alice);
  EXPECT_EQ(answer.code, Code::policy_violation);
  EXPECT_NE(answer.detail.find("identity"), std::string::npos) << answer.detail;
}

TEST_F(AdminDoor, TheFirstRefusalOfAKindIsOnRecordBeforeItsSenderHearsOfIt) {
  policy::Command command = engine.creation("acme");
  command.params.metadata.environment = "prod";
  int put_first = 0;
  world.way.of_put = [&](const store::RawPut&) {
    if (!engine.heard_answer(command.jti)) ++put_first;
    return LossyWay::Loss::nothing;
  };
  EXPECT_EQ(engine.run(command, world.alice).code, Code::policy_violation);
  EXPECT_EQ(put_first, 1);
  engine.wait_for([&] { return engine.audited("command.refused") == 1U; });
}

TEST_F(AdminDoor, ARefusalThatCannotBePutOnRecordIsAnsweredAndPutOnRecordLater) {
  policy::Command command = engine.creation("acme");
  command.params.metadata.environment = "prod";
  world.way.of_put = [](const store::RawPut&) { return LossyWay::Loss::command; };
  EXPECT_EQ(engine.run(command, world.alice).code, Code::policy_violation);
  EXPECT_EQ(engine.audited("command.refused"), 0U);
  world.way.of_put = [](const store::RawPut&) { return LossyWay::Loss::nothing; };
  engine.drop("another kind");
  engine.wait_for([&] { return engine.audited("command.refused") == 2U; });
}

TEST_F(AdminDoor, AStrangersRefusalIsOnRecordToo) {
  engine.drop("no JWS at all");
  engine.wait_for([&] { return engine.audited("command.refused") == 1U; });
}

TEST_F(AdminDoor, RepeatedRefusalsGoOnRecordAsOneMoreEvent) {
  policy::Command command = engine.creation("acme");
  command.params.metadata.environment = "prod";
  for (int i = 0; i < 4; ++i) {
    command.jti = Ulid::make(world.clock.now, world.random);
    engine.run(command, world.alice);
  }
  engine.stop();
  Engine next(world, "node-2");  // on the same data folder
  next.wait_for_lease();
  next.wait_for_audit();
  EXPECT_EQ(next.audited("command.refused"), 2U);
  const std::vector<std::string> lines = next.audit_lines();
  const auto says = [&](std::string_view what) {
    return std::ranges::count_if(lines, [what](const std::string& line) { return line.contains(what); });
  };
  EXPECT_EQ(says(R"("alice/policy_violation":"1")"), 1);
  EXPECT_EQ(says(R"("alice/policy_violation":"3")"), 1);
}

TEST_F(AdminDoor, ListsGroupsAdminsAndCredentialsPageByPage) {
  for (const char* id : {"a1", "a2", "a3"})
    ASSERT_EQ(engine.run(engine.creation(id), world.alice).code, Code::ok);
  policy::Command list = engine.command(world.alice, Verb::list);
  list.params.limit = 2;
  const policy::Answer first = engine.run(list, world.alice);
  EXPECT_NE(first.result_json.find("\"a2\""), std::string::npos) << first.result_json;
  EXPECT_EQ(first.result_json.find("\"a3\""), std::string::npos);
  list.jti = Ulid::make(world.clock.now, world.random);
  list.params.after = "a2";
  EXPECT_NE(engine.run(list, world.alice).result_json.find("\"a3\""), std::string::npos);
}

TEST_F(AdminDoor, AListThatWouldNotFitIntoAnAnswerGoesOnAfterTheLastOneNamed) {
  const std::vector<std::string> members = [] {
    std::vector<std::string> names{"alice"};
    for (int i = 100; i < 140; ++i) names.push_back(std::string(61, 'm') + std::to_string(i));
    return names;
  }();
  constexpr std::size_t groups = 30;  // each over 2.6 KiB
  for (std::size_t i = 10; i < 10 + groups; ++i) {
    ASSERT_EQ(engine.make_group("team-" + std::to_string(i), members).code, Code::ok);
  }
  std::size_t seen = 0;
  std::string after;
  bool more = true;
  for (int pages = 0; more && pages < 10; ++pages) {
    policy::Command list = engine.command(world.alice, Verb::list);
    list.params.what = "groups";
    list.params.limit = list_page_max;
    list.params.after = after;
    const std::string page = engine.run(list, world.alice).result_json;
    for (std::size_t at = page.find("team-"); at != std::string::npos;
         at = page.find("team-", at + 1), ++seen)
      after = page.substr(at, 7);
    more = page.find("\"more\":true") != std::string::npos;
    EXPECT_TRUE(more || pages > 0);
  }
  EXPECT_FALSE(more);
  EXPECT_EQ(seen, groups);
}

TEST_F(AdminDoor, HistoryTellsWhatTheTrailHoldsOldestFirst) {
  ASSERT_EQ(engine.run(engine.creation("acme"), world.alice).code, Code::ok);
  engine.wait_for_audit();
  const policy::Answer history = engine.run(engine.command(world.alice, Verb::history, "acme"), world.alice);
  ASSERT_EQ(history.code, Code::ok) << history.detail;
  const std::size_t created = history.result_json.find("credential.created");
  const std::size_t prepared = history.result_json.find("rotation.prepared");
  ASSERT_NE(created, std::string::npos) << history.result_json;
  EXPECT_LT(created, prepared);
  EXPECT_EQ(engine.run(engine.command(world.alice, Verb::history, "nobody"), world.alice).code,
            Code::not_found);
}

TEST_F(AdminDoor, HistorySaysWhoseTrailItIsAndThatItIsWhole) {
  ASSERT_EQ(engine.run(engine.creation("acme"), world.alice).code, Code::ok);
  engine.wait_for_audit();
  const std::string told =
      engine.run(engine.command(world.alice, Verb::history, "acme"), world.alice).result_json;
  EXPECT_NE(told.find("\"complete\":true"), std::string::npos) << told;
  EXPECT_NE(told.find("\"node\":\"node-1\""), std::string::npos) << told;
  EXPECT_EQ(told.find("elsewhere"), std::string::npos) << told;
}

TEST_F(AdminDoor, HistoryOfARecordThatNeverCountedItsEventsDoesNotClaimToBeWhole) {
  ASSERT_EQ(engine.run(engine.creation("acme"), world.alice).code, Code::ok);
  engine.wait_for_audit();
  const wire::RecordCodec codec(world.keyring.state_key, world.random);
  const store::RecordKey key{store::Kind::credential, "acme"};
  const auto record = engine.store().get(key, 0);
  ASSERT_TRUE(record);
  auto credential = codec.decode_credential(record->payload);
  ASSERT_TRUE(credential);
  credential->events_written = 0;
  store::SealedStore::Put put;
  put.key = key;
  put.expected_revision = record->revision;
  put.payload = codec.encode(*credential);
  ASSERT_TRUE(engine.store().compare_and_put(put));
  const std::string told =
      engine.run(engine.command(world.alice, Verb::history, "acme"), world.alice).result_json;
  EXPECT_NE(told.find("\"complete\":false"), std::string::npos) << told;
  EXPECT_EQ(told.find("elsewhere"), std::string::npos) << told;
}

TEST_F(AdminDoor, HistoryOnANodeThatTookOverSaysHowMuchStandsInOtherTrails) {
  ASSERT_EQ(engine.run(engine.creation("acme"), world.alice).code, Code::ok);
  std::optional<wire::DeliveredSecret> secret;
  engine.wait_for([&] {
    secret = engine.newest_secret("ops", world.alice);
    return secret.has_value();
  });
  ASSERT_EQ(engine.run(engine.acknowledgement(*secret, world.alice), world.alice).code, Code::ok);
  engine.wait_for_audit();
  const std::size_t before = engine.audit_lines_about("acme");
  engine.stop();

  Engine next(world, "node-2", "audit-2.jsonl");
  next.wait_for_lease();
  const policy::Answer nothing = next.run(next.command(world.alice, Verb::history, "acme"), world.alice);
  ASSERT_EQ(nothing.code, Code::ok) << "a credential that exists has a history: " << nothing.detail;
  EXPECT_NE(nothing.result_json.find("\"complete\":false"), std::string::npos) << nothing.result_json;
  EXPECT_NE(nothing.result_json.find("\"events_elsewhere\":" + std::to_string(before)), std::string::npos)
      << nothing.result_json;
  EXPECT_NE(nothing.result_json.find("\"node\":\"node-2\""), std::string::npos) << nothing.result_json;

  ASSERT_EQ(next.run(next.command(world.alice, Verb::rotate, "acme"), world.alice).code, Code::ok);
  next.wait_for_audit();
  const std::string some =
      next.run(next.command(world.alice, Verb::history, "acme"), world.alice).result_json;
  EXPECT_NE(some.find("rotation.prepared"), std::string::npos) << some;
  EXPECT_NE(some.find("\"events_elsewhere\":" + std::to_string(before)), std::string::npos)
      << "what this node wrote is not missing: " << some;
}

TEST_F(AdminDoor, HistoryOfACredentialIsNotThatOfAGroupOrAnAdminOfItsName) {
  ASSERT_EQ(engine.run(engine.creation("payments"), world.alice).code, Code::ok);
  engine.wait_for_audit();
  const std::size_t before = engine.audit_lines_about("payments");
  engine.stop();

  Engine next(world, "node-2", "audit-2.jsonl");
  next.wait_for_lease();
  ASSERT_EQ(next.make_group("payments", {"alice"}).code, Code::ok);
  const TestAdmin payments = make_admin("payments", world.random);
  policy::Command enroll = next.command(world.alice, Verb::admin_enroll);
  enroll.params.admin_id = "payments";
  enroll.params.person = payments.record.person;
  enroll.params.signing_key = payments.record.signing_key;
  enroll.params.sealing_key = payments.record.sealing_key;
  enroll.params.sealing_key_proof = payments.record.sealing_key_proof;
  ASSERT_EQ(next.run(enroll, world.alice).code, Code::ok);
  next.wait_for_audit();
  ASSERT_EQ(next.audit_lines_about("payments"), 2U) << "the group's and the admin's";
  const std::string told =
      next.run(next.command(world.alice, Verb::history, "payments"), world.alice).result_json;
  EXPECT_NE(told.find("\"events\":[]"), std::string::npos) << told;
  EXPECT_NE(told.find("\"complete\":false"), std::string::npos) << told;
  EXPECT_NE(told.find("\"events_elsewhere\":" + std::to_string(before)), std::string::npos) << told;
}

TEST_F(AdminDoor, HistoryCountsEventsThatItsLimitLeavesOut) {
  ASSERT_EQ(engine.run(engine.creation("acme"), world.alice).code, Code::ok);
  engine.wait_for_audit();
  policy::Command history = engine.command(world.alice, Verb::history, "acme");
  history.params.limit = 1;
  const std::string told = engine.run(history, world.alice).result_json;
  EXPECT_NE(told.find("\"more\":true"), std::string::npos) << told;
  EXPECT_NE(told.find("\"complete\":true"), std::string::npos) << told;
}

// An admin for another tenant: what alice's credentials are is none of their business.
class Grants : public AdminDoor {
 protected:
  void SetUp() override {
    AdminDoor::SetUp();
    policy::Command command = engine.command(world.alice, Verb::admin_enroll);
    command.params.admin_id = "bob";
    command.params.person = world.bob.record.person;
    command.params.signing_key = world.bob.record.signing_key;
    command.params.sealing_key = world.bob.record.sealing_key;
    command.params.sealing_key_proof = world.bob.record.sealing_key_proof;
    command.params.environments = {"dev"};
    command.params.tenants = {"other"};
    const policy::Answer enrolled = engine.run(command, world.alice);
    ASSERT_EQ(enrolled.code, Code::ok) << enrolled.detail;
    ASSERT_EQ(engine.run(engine.creation("acme"), world.alice).code, Code::ok);
    policy::Command others = engine.creation("others");
    others.params.metadata.environment = "dev";
    others.params.metadata.tenant = "other";
    ASSERT_EQ(engine.run(others, world.alice).code, Code::ok);
    engine.wait_for_audit();
  }
  policy::Answer ask(Verb verb, const std::string& client_id) {
    return engine.run(engine.command(world.bob, verb, client_id), world.bob);
  }
};

TEST_F(Grants, BindWhatAnAdminReads) {
  for (const Verb verb : {Verb::status, Verb::history}) {
    const policy::Answer refused = ask(verb, "acme");
    EXPECT_EQ(refused.code, Code::policy_violation) << policy::name_of(verb);
    EXPECT_TRUE(refused.result_json.empty()) << refused.result_json;
    EXPECT_TRUE(refused.rotation_json.empty()) << refused.rotation_json;
    EXPECT_EQ(ask(verb, "others").code, Code::ok) << policy::name_of(verb);
  }
}

TEST_F(Grants, DoNotTellWhatIsOutsideThemFromWhatDoesNotExist) {
  for (const Verb verb :
       {Verb::status, Verb::history, Verb::rotate, Verb::promote, Verb::cancel, Verb::revoke}) {
    const policy::Answer outside = ask(verb, "acme");
    policy::Answer nowhere = ask(verb, "acmf");
    for (std::size_t at = nowhere.detail.find("acmf"); at != std::string::npos;
         at = nowhere.detail.find("acmf"))
      nowhere.detail[at + 3] = 'e';
    EXPECT_EQ(outside.code, nowhere.code) << policy::name_of(verb);
    EXPECT_EQ(outside.detail, nowhere.detail) << policy::name_of(verb);
  }
}

TEST_F(Grants, BoundAListToWhatAnAdminMaySee) {
  const std::string list = engine.run(engine.command(world.bob, Verb::list), world.bob).result_json;
  EXPECT_NE(list.find("\"others\""), std::string::npos) << list;
  EXPECT_EQ(list.find("\"acme\""), std::string::npos) << list;
  // Also where a page is smaller than what stands before the first one they may see.
  policy::Command one = engine.command(world.bob, Verb::list);
  one.params.limit = 1;
  const std::string page = engine.run(one, world.bob).result_json;
  EXPECT_NE(page.find("\"others\""), std::string::npos) << page;
  EXPECT_NE(page.find("\"more\":false"), std::string::npos) << page;
}

TEST_F(AdminDoor, OnlyTheHolderOfTheLeaseSpeaks) {
  Engine other(world, "node-2", "audit-2.jsonl");
  const policy::Command command = status();
  other.drop(Engine::sign(command, world.alice));
  EXPECT_EQ(engine.run(command, world.alice).code, Code::not_found);
  EXPECT_FALSE(other.heard_answer(command.jti));
}

}  // namespace
}  // namespace shearline::actors::test
