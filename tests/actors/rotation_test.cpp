// The journey of a rotation through all actors, over the memory store.
#include "policy/answered.hpp"
#include "tests/actors/control_plane.hpp"

#include <gtest/gtest.h>

namespace shearline::actors::test {
namespace {

using policy::AnswerStatus;
using policy::Verb;

class RotationJourney : public ::testing::Test {
 protected:
  void SetUp() override {
    engine.wait_for_lease();
    const policy::Answer made = engine.make_group("ops", {"alice", "bob"});
    ASSERT_EQ(made.code, Code::ok) << made.detail;
  }

  wire::DeliveredSecret create(const std::string& client_id) {
    const policy::Answer answer = engine.run(engine.creation(client_id), world.alice);
    EXPECT_EQ(answer.code, Code::ok) << answer.detail;
    EXPECT_EQ(answer.status, AnswerStatus::accepted);
    return receive_after("");
  }
  // The secret delivered by another rotation than the one given.
  wire::DeliveredSecret receive_after(const std::string& rotation_id) {
    std::optional<wire::DeliveredSecret> secret;
    engine.wait_for([&] {
      secret = engine.newest_secret("ops", world.alice);
      return secret && secret->rotation_id != rotation_id;
    });
    return std::move(*secret);
  }
  policy::Answer acknowledge(const wire::DeliveredSecret& secret) {
    return engine.run(engine.acknowledgement(secret, world.alice), world.alice);
  }
  policy::Answer rotate(const std::string& client_id) {
    policy::Command command = engine.command(world.alice, Verb::rotate, client_id);
    command.params.grace_ms = policy::day_ms;
    return engine.run(command, world.alice);
  }
  // One existing secret, sealed to the engine for this very command.
  policy::Answer import_secret(const std::string& client_id, std::string_view secret) {
    policy::Command command = engine.creation("");
    command.verb = Verb::credential_import;
    policy::ImportItem item;
    item.client_id = client_id;
    Bytes aad = to_bytes(as_bytes(command.jti.text()));
    aad.push_back(0);
    append(aad, as_bytes(client_id));
    auto sealed = mls::hpke::seal_base(mls::hpke::default_suite, x25519_public(world.keyring.opening_key),
                                       as_bytes("shearline v1 import"), aad, as_bytes(secret), world.random)
                      .value();
    item.encapsulated = std::move(sealed.encapsulated);
    item.ciphertext = std::move(sealed.ciphertext);
    command.params.items.push_back(std::move(item));
    return engine.run(command, world.alice);
  }
  void wait_for_verdict(const std::string& client_id, const wire::DeliveredSecret& secret, char verdict) {
    engine.wait_for([&] { return engine.check(client_id, secret.secret.reveal()) == verdict; });
  }

  World world;
  Engine engine{world};
};

TEST_F(RotationJourney, ImportingTheSameAgainExistsAndAnythingElseNeedsASecondParty) {
  constexpr std::string_view secret = "a-good-secret-of-a-legacy-client-1";
  ASSERT_EQ(import_secret("legacy", secret).code, Code::ok);
  engine.wait_for([&] { return engine.check("legacy", as_bytes(secret)) == 'c'; });
  const std::uint64_t changes = engine.store().counter(store::partition_of("legacy"));

  const policy::Answer same = import_secret("legacy", secret);
  EXPECT_EQ(same.code, Code::conflict) << same.result_json;
  const policy::Answer other = import_secret("legacy", "another-secret-of-a-legacy-client-1");
  EXPECT_EQ(other.code, Code::policy_violation) << other.result_json;
  EXPECT_NE(other.result_json.find("second party (approve)"), std::string::npos) << other.result_json;
  EXPECT_EQ(engine.store().counter(store::partition_of("legacy")), changes) << "nothing was changed";
  EXPECT_EQ(engine.check("legacy", as_bytes(secret)), 'c');
}

TEST_F(RotationJourney, ACreatedSecretIsAcceptedAsNextAndAfterItsAcknowledgementAsCurrent) {
  const wire::DeliveredSecret first = create("acme");
  wait_for_verdict("acme", first, 'n');
  const policy::Answer answer = acknowledge(first);
  EXPECT_EQ(answer.code, Code::ok) << answer.detail;
  wait_for_verdict("acme", first, 'c');
}

TEST_F(RotationJourney, BothSecretsWorkThroughTheGraceWindowWhichEndsByItself) {
  const wire::DeliveredSecret first = create("acme");
  acknowledge(first);
  engine.pass(2 * policy::hour_ms);
  const policy::Answer accepted = rotate("acme");
  ASSERT_EQ(accepted.code, Code::ok) << accepted.detail;
  const wire::DeliveredSecret second = receive_after(first.rotation_id);
  acknowledge(second);
  wait_for_verdict("acme", second, 'c');
  wait_for_verdict("acme", first, 'g');

  engine.pass(policy::day_ms - 5001);
  EXPECT_EQ(engine.check("acme", first.secret.reveal()), 'g');
  world.clock.now += 5000;
  EXPECT_EQ(engine.check("acme", first.secret.reveal()), 'g');
  world.clock.now += 1;
  EXPECT_NE(engine.check("acme", first.secret.reveal()), 'g')
      << "it ends in the table, before any timer has run";
  wait_for_verdict("acme", first, 'r');  // once the view is fresh enough to say so
  engine.pass(0);
  engine.wait_for([&] { return engine.audited("version.retired") == 1; });
  EXPECT_EQ(engine.check("acme", second.secret.reveal()), 'c');
}

TEST_F(RotationJourney, TheSameCommandAgainGetsTheSameAnswerAndMintsNothing) {
  const policy::Command creation = engine.creation("acme");
  const std::string jws = Engine::sign(creation, world.alice);
  const policy::Answer first = engine.send(jws, creation.jti);
  const policy::Answer again = engine.send(jws, creation.jti);
  EXPECT_EQ(first.rotation_json, again.rotation_json);
  EXPECT_EQ(again.code, Code::ok);
  engine.wait_for_audit();
  EXPECT_EQ(engine.audited("credential.created"), 1U);
}

TEST_F(RotationJourney, AUsedJtiWithOtherBytesIsAConflict) {
  policy::Command creation = engine.creation("acme");
  engine.run(creation, world.alice);
  creation.reason = "something else";
  EXPECT_EQ(engine.run(creation, world.alice).code, Code::conflict);
}

TEST_F(RotationJourney, AnAcknowledgementWithoutTheSecretIsRefusedAndChangesNothing) {
  const wire::DeliveredSecret first = create("acme");
  policy::Command ack = engine.acknowledgement(first, world.alice);
  ack.params.ack_tag[0] ^= 1;
  EXPECT_EQ(engine.run(ack, world.alice).code, Code::unauthorized);
  wait_for_verdict("acme", first, 'n');
}

TEST_F(RotationJourney, AnUnacknowledgedRotationExpiresAndTheCurrentSecretStays) {
  const wire::DeliveredSecret first = create("acme");
  acknowledge(first);
  engine.pass(2 * policy::hour_ms);
  ASSERT_EQ(rotate("acme").code, Code::ok);
  const wire::DeliveredSecret second = receive_after(first.rotation_id);
  engine.wait_for([&] { return engine.audited("rotation.notified") == 2; });
  engine.pass(31 * policy::minute_ms);
  engine.wait_for([&] { return engine.audited("rotation.expired") == 1; });
  wait_for_verdict("acme", second, 'r');
  EXPECT_EQ(engine.check("acme", first.secret.reveal()), 'c');
}

TEST_F(RotationJourney, RevokeEndsEverySecretAtOnce) {
  const wire::DeliveredSecret first = create("acme");
  acknowledge(first);
  wait_for_verdict("acme", first, 'c');
  const policy::Answer answer = engine.run(engine.command(world.alice, Verb::revoke, "acme"), world.alice);
  EXPECT_EQ(answer.code, Code::ok) << answer.detail;
  wait_for_verdict("acme", first, 'r');
}

TEST_F(RotationJourney, TakesNoMoreChangesOfTheRecordThanItHasSteps) {
  const auto changes = [&] {
    // Whoever waits for the credential's lock comes before this command, which changes nothing.
    EXPECT_EQ(engine.run(engine.creation("acme"), world.alice).code, Code::conflict);
    return world.raw->contents().partitions[store::partition_of("acme")].counter;
  };
  const wire::DeliveredSecret first = create("acme");
  EXPECT_EQ(changes(), 2U) << "prepared, notified";
  acknowledge(first);
  EXPECT_EQ(changes(), 3U) << "promoted";
  engine.pass(2 * policy::hour_ms);
  rotate("acme");
  EXPECT_EQ(changes(), 5U);
  acknowledge(receive_after(first.rotation_id));
  EXPECT_EQ(changes(), 7U) << "promoted with the notice of it, and the notice is out";
}

TEST_F(RotationJourney, AnIndexThatSaysTooEarlyIsPutRightOnceItIsSureToBeWrong) {
  create("acme");
  auto& partition = world.raw->contents().partitions[store::partition_of("acme")];
  const TimeMs due = partition.due.at("credential:acme");
  partition.due["credential:acme"] = world.clock.now;
  engine.wait_for([&] {
    engine.look_at_deadlines(store::partition_of("acme"));
    return partition.due.at("credential:acme") == due;
  });
  EXPECT_EQ(partition.counter, 3U);
}

TEST_F(RotationJourney, AFloodOfOrdinaryCommandsDoesNotMakeARevocationWait) {
  const wire::DeliveredSecret first = create("acme");
  const auto rotate_again =
      [&] {  // the same rotation, by a command of its own each time: done, and remembered
        policy::Command command = engine.command(world.alice, Verb::rotate, "acme");
        command.rotation_id = first.rotation_id;
        return engine.run(command, world.alice).code;
      };
  std::size_t answered = 0;
  while (rotate_again() == Code::ok) ++answered;
  EXPECT_EQ(rotate_again(), Code::rate_limited);
  EXPECT_EQ(answered + 1, policy::answered_commands_max - policy::answered_urgent_max) << "and its creation";
  const policy::Answer revoked = engine.run(engine.command(world.alice, Verb::revoke, "acme"), world.alice);
  EXPECT_EQ(revoked.code, Code::ok) << revoked.detail;
  wait_for_verdict("acme", first, 'r');
}

TEST_F(RotationJourney, ANewEngineOnTheSameStoreGoesOnAndAuditsNothingTwice) {
  const wire::DeliveredSecret first = create("acme");
  acknowledge(first);
  engine.wait_for_audit();
  engine.stop();
  const std::size_t lines = engine.audit_lines().size();

  Engine next(world, "node-2");
  next.wait_for_lease();
  next.wait_for([&] { return next.check("acme", first.secret.reveal()) == 'c'; });
  next.wait_for_audit();
  EXPECT_EQ(next.audit_lines().size(), lines);
  std::ifstream trail(next.audit_path());
  EXPECT_TRUE(ledger::read_chain(trail));
}

TEST_F(RotationJourney, ANodeThatTakesOverPutsBackWhatTheStoreLost) {
  const wire::DeliveredSecret first = create("acme");
  acknowledge(first);
  Engine other(world, "node-2", "audit-2.jsonl");
  other.wait_for([&] { return other.check("acme", first.secret.reveal()) == 'c'; });
  const store::MemoryContents backup = world.raw->contents();
  ASSERT_EQ(engine.run(engine.command(world.alice, Verb::revoke, "acme"), world.alice).code, Code::ok);
  other.wait_for([&] { return other.check("acme", first.secret.reveal()) == 'r'; });

  // The store goes back to before the revocation while its holder goes away: the other takes over what the holder knew.
  engine.stop();
  world.raw->contents() = backup;
  world.raw->contents().lease_holder.clear();
  other.wait_for_lease();
  EXPECT_EQ(other.check("acme", first.secret.reveal()), 'r');
  Engine third(world, "node-3", "audit-3.jsonl");
  third.wait_for([&] { return third.check("acme", first.secret.reveal()) != 'u'; });
  EXPECT_EQ(third.check("acme", first.secret.reveal()), 'r') << "the revocation is in the store again";
}

TEST_F(RotationJourney, APromotionIsToldToTheGroupWithTheActualEndOfTheWindow) {
  const wire::DeliveredSecret first = create("acme");
  acknowledge(first);
  engine.pass(2 * policy::hour_ms);
  rotate("acme");
  const wire::DeliveredSecret second = receive_after(first.rotation_id);
  world.clock.now += 5000;
  acknowledge(second);
  const TimeMs promoted_at = world.clock.now;
  std::optional<wire::Envelope> notice;
  engine.wait_for([&] {
    const auto entries = world.raw->read_group("ops", "", 100, 0).value();
    notice = wire::decode_signed(entries.back().envelope, ed25519_public(world.keyring.signing_seed)).value();
    return notice->kind == wire::EnvelopeKind::notice && notice->rotation_id == second.rotation_id;
  });
  EXPECT_EQ(notice->window_ends_ms, promoted_at + policy::day_ms);
}

}  // namespace
}  // namespace shearline::actors::test
