// What the replica makes of a store that is not what it was: nothing that this node knows is given up, and the counters
// it notes for its next life go down only where nothing is missing.
#include "engine/digest.hpp"
#include "io/wire/record.hpp"
#include "tests/actors/control_plane.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shearline::actors::test {
namespace {

// The n-th id that stands beside "acme".
std::string neighbour(int number) {
  for (int i = 0, found = 0;; ++i) {
    std::string id = "acme-" + std::to_string(i);
    if (store::partition_of(id) == store::partition_of("acme") && found++ == number) return id;
  }
}

class StorePutBack : public ::testing::Test {
 protected:
  void SetUp() override {
    engine.wait_for_lease();
    ASSERT_EQ(engine.make_group("ops", {"alice", "bob"}).code, Code::ok);
  }
  // Until it is delivered, so that nothing of it is under way.
  wire::DeliveredSecret create(const std::string& client_id) {
    const policy::Answer answer = engine.run(engine.creation(client_id), world.alice);
    EXPECT_EQ(answer.code, Code::ok) << answer.detail;
    std::optional<wire::DeliveredSecret> secret;
    engine.wait_for([&] {
      secret = engine.newest_secret("ops", world.alice);
      return secret && secret->client_id == client_id;
    });
    wait_until_followed();
    engine.wait_for_audit();
    wait_until_followed();
    return std::move(*secret);
  }
  void wait_until_followed() {
    engine.wait_for([&] { return engine.store().counter(here) == partition().counter; });
  }
  void wait_until_noted(std::uint64_t counter) {
    engine.wait_for([&] { return engine.counters().floor(here) == counter; });
  }
  store::MemoryContents::Partition& partition() { return world.raw->contents().partitions[here]; }
  void put_back(store::MemoryContents::Partition old) {
    old.fence = partition().fence;
    partition() = std::move(old);
  }

  const unsigned here = store::partition_of("acme");
  World world;
  Engine engine{world};
};

TEST_F(StorePutBack, WhatNobodyHasRawAnyMoreStaysInForceAndLowersNoCounter) {
  create("acme");
  const store::MemoryContents::Partition old = partition();
  const wire::DeliveredSecret secret = create(neighbour(0));
  const std::uint64_t noted = partition().counter;
  wait_until_noted(noted);
  engine.pass(store::kept_ms + 1);
  create(neighbour(1));  // what came before is not kept any longer
  const std::uint64_t newest = partition().counter;
  wait_until_noted(newest);
  ASSERT_GT(newest, noted);

  put_back(old);
  engine.wait_for([&] { return engine.store().behind(here) > 0 && engine.store().lost_records(here) == 0; });
  create(neighbour(2));  // life goes on in this partition
  EXPECT_LT(partition().counter, newest);
  EXPECT_EQ(engine.counters().floor(here), newest);
  EXPECT_EQ(engine.check(secret.client_id, secret.secret.reveal()), 'n');
  const policy::Answer rotated =
      engine.run(engine.command(world.alice, policy::Verb::rotate, secret.client_id), world.alice);
  EXPECT_EQ(rotated.code, Code::unavailable) << rotated.detail;
  EXPECT_FALSE(partition().records.contains("credential:" + secret.client_id));
}

TEST_F(StorePutBack, WhatWasMendedWholeTakesTheStoresOwnCount) {
  create("acme");
  const store::MemoryContents::Partition old = partition();
  const wire::DeliveredSecret secret = create(neighbour(0));
  const std::uint64_t newest = partition().counter;
  wait_until_noted(newest);

  put_back(old);
  engine.wait_for([&] { return partition().records.contains("credential:" + secret.client_id); });
  EXPECT_LT(partition().counter, newest);
  engine.wait_for([&] { return engine.counters().floor(here) == partition().counter; });
  EXPECT_EQ(engine.store().behind(here), 0U);
  EXPECT_EQ(engine.check(secret.client_id, secret.secret.reveal()), 'n');
}

// Records that are authentic and cannot be read cost those that come with them nothing.
TEST(UnreadableRecords, AreLeftOutOfWhatIsLoaded) {
  World world;
  constexpr int clients = 100;
  const keys::Pepper& pepper = world.keyring.current();
  const auto secret_of = [](int number) { return "secret of " + std::to_string(number); };
  {
    store::SealedStore writer(*world.raw, world.keyring.state_key, world.random, world.clock);
    writer.set_fence(world.raw->raise_fences().value());
    const wire::RecordCodec codec(world.keyring.state_key, world.random);
    for (int i = 0; i < clients; ++i) {
      policy::Credential credential;
      credential.client_id = neighbour(i);
      credential.status = policy::CredentialStatus::active;
      policy::Version& version = credential.versions.emplace_back();
      version.state = policy::VersionState::current;
      version.mac_key_ref = pepper.id;
      version.digest = engine::digest_of(pepper.key, credential.client_id, as_bytes(secret_of(i)));
      Bytes payload = codec.encode(credential);
      if (i % 7 == 3) payload.pop_back();
      const store::RecordKey key{store::Kind::credential, credential.client_id};
      ASSERT_TRUE(writer.compare_and_put({key, 0, std::move(payload), {}, {}}));
    }
  }
  Engine engine(world);
  engine.wait_for([&] { return engine.replica().loaded(); });
  for (int i = 0; i < clients; ++i) {
    ASSERT_EQ(engine.check(neighbour(i), as_bytes(secret_of(i))), i % 7 == 3 ? 'r' : 'c') << i;
  }
}

// A node that starts on a store in which one partition is damaged.
class DamagedPartition : public ::testing::Test {
 protected:
  void SetUp() override {
    Engine before(world);
    before.wait_for_lease();
    ASSERT_EQ(before.make_group("ops", {"alice", "bob"}).code, Code::ok);
    refused = create(before, "acme");
    sound = create(before, elsewhere);
    before.stop();
    good = partition();
    partition().records.at("credential:acme").back() ^= 1;
  }
  wire::DeliveredSecret create(Engine& on, const std::string& client_id) {
    EXPECT_EQ(on.run(on.creation(client_id), world.alice).code, Code::ok);
    std::optional<wire::DeliveredSecret> secret;
    on.wait_for([&] {
      secret = on.newest_secret("ops", world.alice);
      return secret && secret->client_id == client_id;
    });
    on.wait_for_audit();
    return std::move(*secret);
  }
  // As if the operator had restored what was damaged; the fence is the engines' own.
  void repair() {
    good.fence = partition().fence;
    partition() = good;
  }
  store::MemoryContents::Partition& partition() {
    return world.raw->contents().partitions[store::partition_of("acme")];
  }

  const std::string elsewhere = "umbrella";
  World world;
  wire::DeliveredSecret refused;
  wire::DeliveredSecret sound;
  store::MemoryContents::Partition good;
};

TEST_F(DamagedPartition, CostsTheClientsOfTheOthersNothing) {
  ASSERT_NE(store::partition_of("acme"), store::partition_of(elsewhere));
  Engine engine(world);
  engine.wait_for([&] { return engine.check(elsewhere, sound.secret.reveal()) == 'n'; });
  EXPECT_EQ(engine.check(elsewhere, as_bytes("some wrong secret")), 'r');
  EXPECT_EQ(engine.check("acme", refused.secret.reveal()), 'u');
  EXPECT_EQ(engine.check("acme", as_bytes("some wrong secret")), 'u');
  EXPECT_FALSE(engine.replica().loaded());
  EXPECT_NE(engine.replica().why_not_loaded().find(store::partition_tag(store::partition_of("acme"))),
            std::string::npos)
      << engine.replica().why_not_loaded();
}

TEST_F(DamagedPartition, IsServedAgainOnceItIsRepaired) {
  Engine engine(world);
  engine.wait_for(
      [&] { return engine.check("acme", refused.secret.reveal()) == 'u' && engine.replica().settled(); });
  repair();
  engine.wait_for([&] { return engine.check("acme", refused.secret.reveal()) == 'n'; });
  EXPECT_TRUE(engine.replica().loaded());
  EXPECT_EQ(engine.replica().why_not_loaded(), "");
}

TEST_F(DamagedPartition, RefusesItsCommandsAndTakesThoseOfTheOthers) {
  Engine engine(world, "node-2", "audit-2.jsonl", 300);
  engine.wait_for_lease();
  const policy::Answer refusal =
      engine.run(engine.command(world.alice, policy::Verb::revoke, "acme"), world.alice);
  EXPECT_EQ(refusal.code, Code::unavailable);
  EXPECT_NE(refusal.detail.find("could not be loaded"), std::string::npos) << refusal.detail;
  EXPECT_EQ(engine.run(engine.acknowledgement(sound, world.alice), world.alice).code, Code::ok);

  repair();
  engine.wait_for([&] { return engine.replica().loaded(); });
  EXPECT_EQ(engine.run(engine.acknowledgement(refused, world.alice), world.alice).code, Code::ok);
}

}  // namespace
}  // namespace shearline::actors::test
