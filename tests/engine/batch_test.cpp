#include "engine/batch.hpp"

#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shearline::engine {
namespace {

constexpr TimeMs now = World::now;
constexpr std::string_view minted = "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf";

TEST(Check, SaysWhichVersionMatched) {
  World world;
  world.put("acme", {{Outcome::current, "new", time_never, 2},
                     {Outcome::grace, "old", now + 1000, 1},
                     {Outcome::next, "coming", now + 2000, 3}});
  EXPECT_EQ(world.check("acme", "new").outcome, Outcome::current);
  EXPECT_EQ(world.check("acme", "new").version_id, id(2));
  EXPECT_EQ(world.check("acme", "new").retires_at_ms, time_never);
  EXPECT_EQ(world.check("acme", "old").outcome, Outcome::grace);
  EXPECT_EQ(world.check("acme", "old").version_id, id(1));
  EXPECT_EQ(world.check("acme", "old").retires_at_ms, now + 1000);
  EXPECT_EQ(world.check("acme", "coming").outcome, Outcome::next);
  EXPECT_EQ(world.check("acme", "coming").version_id, id(3));
  EXPECT_EQ(world.check("acme", "coming").retires_at_ms, now + 2000);
}

TEST(Check, RefusesAnUnknownClientAndAWrongSecret) {
  World world;
  world.put("acme", {{.secret = "right"}});
  EXPECT_EQ(world.check("nobody", "right").outcome, Outcome::unknown_client);
  EXPECT_EQ(world.check("acme", "wrong").outcome, Outcome::mismatch);
  EXPECT_EQ(world.check("acme", "righ").outcome, Outcome::mismatch);
  EXPECT_EQ(world.check("acme", "right ").outcome, Outcome::mismatch);
}

TEST(Check, RefusesSecretOfAnotherClient) {
  World world;
  world.put("acme", {{.secret = "one"}});
  world.put("other", {{.secret = "two"}});
  EXPECT_EQ(world.check("acme", "two").outcome, Outcome::mismatch);
}

TEST(Check, CredentialWithoutVersionsAcceptsNothing) {
  World world;
  world.put("acme", {});
  EXPECT_EQ(world.check("acme", "anything").outcome, Outcome::mismatch);
}

TEST(Check, CarriesThePartitionOfAKnownClient) {
  World world;
  world.put({.client_id = "acme", .partition = 13}, {{.secret = "right"}});
  EXPECT_EQ(world.check("acme", "right").partition, 13);
  EXPECT_EQ(world.check("acme", "wrong").partition, 13);
}

TEST(GraceWindow, EndsAtNotAfterToTheMillisecond) {
  World world;
  world.put("acme", {{Outcome::current, "new"}, {Outcome::grace, "old", now + 100}});
  EXPECT_EQ(world.check("acme", "old", now + 99).outcome, Outcome::grace);
  EXPECT_EQ(world.check("acme", "old", now + 100).outcome, Outcome::retired);
  EXPECT_EQ(world.check("acme", "old", now + 101).outcome, Outcome::retired);
  EXPECT_EQ(world.check("acme", "new", now + 101).outcome, Outcome::current);
}

TEST(NextWindow, EndsAtItsDeadlineToTheMillisecond) {
  World world;
  world.put("acme", {{Outcome::current, "now"}, {Outcome::next, "coming", now + 100}});
  EXPECT_EQ(world.check("acme", "coming", now + 99).outcome, Outcome::next);
  EXPECT_EQ(world.check("acme", "coming", now + 100).outcome, Outcome::retired);
}

TEST(HardEnd, EndsEveryVersionToTheMillisecond) {
  World world;
  world.put({.client_id = "acme", .expires_at_ms = now + 50},
            {{Outcome::current, "new"}, {Outcome::grace, "old", now + 100}});
  EXPECT_EQ(world.check("acme", "new", now + 49).outcome, Outcome::current);
  EXPECT_EQ(world.check("acme", "new", now + 49).retires_at_ms, now + 50);
  EXPECT_EQ(world.check("acme", "new", now + 50).outcome, Outcome::retired);
  EXPECT_EQ(world.check("acme", "old", now + 49).outcome, Outcome::grace);
  EXPECT_EQ(world.check("acme", "old", now + 50).outcome, Outcome::retired);
}

TEST(VersionPastItsWindow, IsStillNamedForTheEvent) {
  World world;
  world.put("acme", {{Outcome::grace, "old", now, 4}});
  EXPECT_EQ(world.check("acme", "old").version_id, id(4));
}

TEST(OneSecretInTwoVersions, CountsWhileEitherAccepts) {
  World world;
  world.put("acme", {{Outcome::grace, "same", now, 1}, {Outcome::current, "same", time_never, 2}});
  EXPECT_EQ(world.check("acme", "same").outcome, Outcome::current);
  EXPECT_EQ(world.check("acme", "same").version_id, id(2));
}

TEST(DeadDigests, AreRecognisedAndRefused) {
  World world;
  world.put("acme", {{.secret = "right"}}, {{"newest"}, {"leaked", true}, {"older"}, {"oldest", true}});
  EXPECT_EQ(world.check("acme", "newest").outcome, Outcome::retired);
  EXPECT_EQ(world.check("acme", "leaked").outcome, Outcome::revoked);
  EXPECT_EQ(world.check("acme", "older").outcome, Outcome::retired);
  EXPECT_EQ(world.check("acme", "oldest").outcome, Outcome::revoked);
  EXPECT_EQ(world.check("acme", "right").outcome, Outcome::current);
}

TEST(Suspended, AcceptsNothingUntilItIsResumed) {
  World world;
  const std::vector<Version> versions = {{Outcome::current, "new"}, {Outcome::grace, "old", now + 100}};
  world.put({.client_id = "acme", .suspended = true}, versions);
  EXPECT_EQ(world.check("acme", "new").outcome, Outcome::suspended);
  EXPECT_EQ(world.check("acme", "old").outcome, Outcome::suspended);
  EXPECT_EQ(world.check("acme", "wrong").outcome, Outcome::mismatch);
  world.put("acme", versions);
  EXPECT_EQ(world.check("acme", "new").outcome, Outcome::current);
}

TEST(MalformedPair, ClientIdEmptyTooLongOrWithOtherCharacters) {
  World world;
  for (const std::string& client_id :
       {std::string(), std::string(65, 'a'), std::string("a b"), std::string("a\0b", 3), std::string("a/b"),
        std::string("caf\xc3\xa9")}) {
    EXPECT_EQ(world.check(client_id, "secret").outcome, Outcome::malformed) << client_id;
  }
  EXPECT_EQ(world.check(std::string(64, 'a'), "secret").outcome, Outcome::unknown_client);
}

TEST(MalformedPair, SecretEmptyOrOver512Bytes) {
  World world;
  for (const std::size_t bytes : {1, 55, 56, 64, 119, 120, 511, 512}) {
    const std::string secret(bytes, 'x');
    world.put("acme", {{.secret = secret}});
    EXPECT_EQ(world.check("acme", secret).outcome, Outcome::current) << bytes;
    EXPECT_EQ(world.check("acme", secret + "x").outcome,
              bytes < 512 ? Outcome::mismatch : Outcome::malformed);
    EXPECT_EQ(world.check("acme", secret.substr(1)).outcome,
              bytes > 1 ? Outcome::mismatch : Outcome::malformed);
  }
  EXPECT_EQ(world.check("acme", std::string(513, 'x')).outcome, Outcome::malformed);
  EXPECT_EQ(world.check("acme", "").outcome, Outcome::malformed);
}

TEST(MalformedPair, DoesNotSpoilItsNeighbours) {
  World world;
  world.put("acme", {{.secret = "right"}});
  Batch batch(world.table, world.view);
  batch.add_pair(as_bytes("acme"), as_bytes("right"));
  batch.add_pair(as_bytes(""), as_bytes("right"));
  batch.add_pair(as_bytes("acme"), as_bytes("wrong"));
  batch.add_pair(as_bytes("acme"), as_bytes(""));
  batch.add_pair(as_bytes("acme"), as_bytes("right"));
  batch.run(now);
  std::string verdicts;
  for (std::size_t i = 0; i < batch.size(); ++i) verdicts += static_cast<char>(batch.verdict(i));
  EXPECT_EQ(verdicts, "cmrmc");
}

class OwnKey : public testing::Test {
 protected:
  OwnKey() { world.put("acme", {{.secret = std::string(minted)}}); }
  World world;
  std::string key = key_text("sl", "acme", minted);
};

TEST_F(OwnKey, FindsItsClient) { EXPECT_EQ(world.check_key(key).outcome, Outcome::current); }

TEST_F(OwnKey, IsUnpackedInTheSecretsPlaceWhateverItsPrefix) {
  EXPECT_EQ(world.check("acme", key).outcome, Outcome::current);
  EXPECT_EQ(world.check("acme", key_text("oldprefix", "acme", minted)).outcome, Outcome::current);
}

TEST_F(OwnKey, OfAnotherClientIsAMismatch) {
  world.put("other", {{.secret = std::string(minted)}});
  EXPECT_EQ(world.check("other", key).outcome, Outcome::mismatch);
  EXPECT_EQ(world.check("nobody", key).outcome, Outcome::unknown_client);
}

TEST_F(OwnKey, WithAWrongCrcIsMalformedBeforeAnyLookup) {
  std::string broken = key;
  broken.back() = broken.back() == '0' ? '1' : '0';
  EXPECT_EQ(world.check_key(broken).outcome, Outcome::malformed);
  EXPECT_EQ(world.check("acme", broken).outcome, Outcome::malformed);
  Batch batch(world.table, world.view);
  batch.add_key(as_bytes(broken));
  batch.run(now);
  EXPECT_EQ(batch.hashed_jobs(), 0U);
}

TEST_F(OwnKey, EmptyOrOver512BytesIsMalformed) {
  EXPECT_EQ(world.check_key("").outcome, Outcome::malformed);
  EXPECT_EQ(world.check_key(std::string(513, 'x')).outcome, Outcome::malformed);
  EXPECT_EQ(world.check_key(std::string(512, 'x')).outcome, Outcome::unknown_client);
}

TEST(ClientIdOfACheck, ComesFromThePairTheKeyOrTheTable) {
  World world;
  const std::string foreign = "sk_live_51HxyzABCDEFGHIJ";
  const auto lookup = foreign_key_lookup(derive_lookup_key(world.pepper), as_bytes(foreign));
  world.put({.client_id = "imported", .foreign_key_lookup = lookup}, {{.secret = foreign}});
  const std::string key = key_text("sl", "acme", minted);
  world.table.enter_turn(0);
  Batch batch(world.table, world.view);
  batch.add_pair(as_bytes("pair"), as_bytes("secret"));
  batch.add_pair(as_bytes("not a client"), as_bytes("secret"));
  batch.add_key(as_bytes(key));
  batch.add_key(as_bytes(foreign));
  batch.add_key(as_bytes("nobody's key"));
  batch.run(now);
  EXPECT_EQ(as_text(batch.client_id(0)), "pair");
  EXPECT_EQ(as_text(batch.client_id(1)), "not a client");
  EXPECT_EQ(as_text(batch.client_id(2)), "acme");
  EXPECT_EQ(as_text(batch.client_id(3)), "imported");
  EXPECT_EQ(as_text(batch.client_id(4)), "");
  world.table.leave_turn(0);
}

TEST(EqualWork, EveryVerdictOnAPairCostsOneHash) {
  World world;
  world.put("acme", {{Outcome::current, "right"}, {Outcome::grace, "old", now}}, {{"gone", true}});
  world.put({.client_id = "asleep", .suspended = true}, {{.secret = "right"}});
  const std::string others_key = key_text("sl", "other", minted);
  const std::pair<std::string, std::string> pairs[] = {
      {"acme", "right"},   {"acme", "wrong"},   {"acme", "old"},     {"acme", "gone"},
      {"nobody", "right"}, {"asleep", "right"}, {"acme", others_key}};
  for (const auto& [client_id, secret] : pairs) {
    Batch batch(world.table, world.view);
    batch.add_pair(as_bytes(client_id), as_bytes(secret));
    batch.run(now);
    EXPECT_EQ(batch.hashed_jobs(), 1U) << client_id << " " << secret;
  }
}

TEST(EqualWork, ForeignKeyCostsTwoHashesWhetherItIsKnownOrNot) {
  World world;
  const std::string foreign = "sk_live_51HxyzABCDEFGHIJ";
  const auto lookup = foreign_key_lookup(derive_lookup_key(world.pepper), as_bytes(foreign));
  world.put({.client_id = "imported", .foreign_key_lookup = lookup}, {{.secret = foreign}});
  for (const std::string& key : {foreign, std::string("nobody's key")}) {
    Batch batch(world.table, world.view);
    batch.add_key(as_bytes(key));
    batch.run(now);
    EXPECT_EQ(batch.hashed_jobs(), 2U) << key;
  }
}

TEST(Batch, HoldsItsMaximumAndAnswersEachByItsIndex) {
  World world;
  constexpr std::size_t clients = 100;
  std::vector<std::string> names;
  for (std::size_t n = 0; n < clients; ++n) {
    names.push_back("client-" + std::to_string(n));
    world.put(names.back(), {{.secret = "secret of " + names.back()}});
  }
  Batch batch(world.table, world.view);
  std::vector<std::string> secrets;
  for (std::size_t i = 0; i < batch_checks_max; ++i) {
    secrets.push_back("secret of " + names[i * 3 % clients] + (i % 5 == 0 ? "x" : ""));
  }
  for (int again = 0; again < 2; ++again) {
    for (std::size_t i = 0; i < batch_checks_max; ++i) {
      ASSERT_FALSE(batch.full());
      ASSERT_EQ(batch.add_pair(as_bytes(names[i * 3 % clients]), as_bytes(secrets[i])), i);
    }
    ASSERT_TRUE(batch.full());
    batch.run(now);
    for (std::size_t i = 0; i < batch_checks_max; ++i) {
      ASSERT_EQ(batch.verdict(i), i % 5 == 0 ? Verdict::rejected : Verdict::current) << i;
    }
    batch.clear();
    EXPECT_EQ(batch.size(), 0U);
  }
  EXPECT_EQ(batch.hashed_jobs(), 2 * batch_checks_max);
}

TEST(Batch, EveryCountOfChecksAroundAGroupIsAnswered) {
  World world;
  world.put("acme", {{.secret = "right"}});
  Batch batch(world.table, world.view);
  for (const std::size_t count : {0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 200}) {
    for (std::size_t i = 0; i < count; ++i) {
      batch.add_pair(as_bytes("acme"), as_bytes(i % 2 == 0 ? "right" : "wrong"));
    }
    batch.run(now);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(batch.verdict(i), i % 2 == 0 ? Verdict::current : Verdict::rejected) << count << " " << i;
    }
    batch.clear();
  }
}

}  // namespace
}  // namespace shearline::engine
