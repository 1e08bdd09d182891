#include "engine/table.hpp"

#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shearline::engine {
namespace {

std::string client(int n) { return "client-" + std::to_string(n); }

TEST(Table, NewerRevisionReplacesWhatIsThere) {
  World world;
  EXPECT_TRUE(world.put({.client_id = "acme", .revision = 3}, {{.secret = "old"}}));
  EXPECT_TRUE(world.put({.client_id = "acme", .revision = 4}, {{.secret = "new"}}));
  EXPECT_EQ(world.check("acme", "new").outcome, Outcome::current);
  EXPECT_EQ(world.check("acme", "old").outcome, Outcome::mismatch);
  EXPECT_EQ(world.table.size(), 1U);
}

TEST(Table, OlderOrEqualRevisionChangesNothing) {
  World world;
  EXPECT_TRUE(world.put({.client_id = "acme", .revision = 4}, {{.secret = "new"}}));
  EXPECT_FALSE(world.put({.client_id = "acme", .revision = 4}, {{.secret = "same"}}));
  EXPECT_FALSE(world.put({.client_id = "acme", .revision = 3}, {{.secret = "old"}}));
  EXPECT_EQ(world.check("acme", "new").outcome, Outcome::current);
  EXPECT_EQ(world.table.revision_of("acme"), 4U);
}

TEST(Table, RevisionOfAnUnknownClientIsZero) {
  World world;
  EXPECT_EQ(world.table.revision_of("acme"), 0U);
}

TEST(Table, GrowsFarBeyondItsHintAndKeepsEveryone) {
  World world({.capacity_hint = 16});
  constexpr int clients = 20'000;  // more than one chunk of entries
  for (int n = 0; n < clients; ++n) ASSERT_TRUE(world.put(client(n), {{.secret = "secret of " + client(n)}}));
  EXPECT_EQ(world.table.size(), static_cast<std::size_t>(clients));
  for (int n = 0; n < clients; n += 7) {
    ASSERT_EQ(world.check(client(n), "secret of " + client(n)).outcome, Outcome::current) << n;
    ASSERT_EQ(world.check(client(n), "secret of " + client(n + 1)).outcome, Outcome::mismatch) << n;
  }
  EXPECT_EQ(world.check(client(clients), "anything").outcome, Outcome::unknown_client);
}

TEST(Table, ManyChangesOfOneClientReuseMemory) {
  World world;
  for (int n = 0; n < 100'000; ++n) {
    world.table.enter_turn(0);
    ASSERT_TRUE(world.put("acme", {{.secret = "right"}}));
    world.table.leave_turn(0);
    world.table.reclaim();
  }
  EXPECT_EQ(world.check("acme", "right").outcome, Outcome::current);
  EXPECT_EQ(world.table.size(), 1U);
}

TEST(Table, EntryFoundInATurnStaysUntilTheTurnEnds) {
  World world;
  world.put("acme", {{.secret = "right", .id = 5}});
  world.table.enter_turn(0);
  Batch batch(world.table, world.view);
  batch.add_pair(as_bytes("acme"), as_bytes("right"));
  batch.run(World::now);
  for (int n = 0; n < 100; ++n) {
    world.put("acme", {{.secret = "other", .id = 6}});
    world.table.reclaim();
  }
  EXPECT_EQ(batch.match(0).version_id, id(5));
  world.table.leave_turn(0);
  EXPECT_EQ(world.check("acme", "other").version_id, id(6));
}

TEST(ForeignKey, PresentedAloneFindsItsClient) {
  World world;
  const std::string key = "sk_live_51HxyzABCDEFGHIJ";
  const auto lookup = foreign_key_lookup(derive_lookup_key(world.pepper), as_bytes(key));
  world.put({.client_id = "acme", .foreign_key_lookup = lookup}, {{.secret = key, .id = 3}});
  EXPECT_EQ(world.check_key(key).outcome, Outcome::current);
  EXPECT_EQ(world.check_key(key).version_id, id(3));
  EXPECT_EQ(world.check("acme", key).outcome, Outcome::current);
  EXPECT_EQ(world.check_key(key + "x").outcome, Outcome::unknown_client);
}

class ForeignKeyChanges : public testing::Test {
 protected:
  using Lookup = std::array<Byte, 16>;
  Lookup lookup(std::string_view key) {
    return foreign_key_lookup(derive_lookup_key(world.pepper), as_bytes(key));
  }
  World world;
};

TEST_F(ForeignKeyChanges, FollowTheChangesOfTheCredential) {
  world.put({.client_id = "acme", .foreign_key_lookup = lookup("foreign-one")}, {{.secret = "foreign-one"}});
  world.put({.client_id = "acme", .foreign_key_lookup = lookup("foreign-one")},
            {{Outcome::current, "new", time_never, 2}, {Outcome::grace, "foreign-one", World::now + 10, 1}});
  EXPECT_EQ(world.check_key("foreign-one").outcome, Outcome::grace);
  EXPECT_EQ(world.check_key("foreign-one", World::now + 10).outcome, Outcome::retired);
}

TEST_F(ForeignKeyChanges, ForgottenWithTheCredentialsLookup) {
  world.put({.client_id = "acme", .foreign_key_lookup = lookup("foreign-one")}, {{.secret = "foreign-one"}});
  world.put("acme", {{.secret = "new"}});
  EXPECT_EQ(world.check_key("foreign-one").outcome, Outcome::unknown_client);
  EXPECT_EQ(world.check("acme", "new").outcome, Outcome::current);
}

TEST_F(ForeignKeyChanges, AnotherKeyTakesThePlaceOfTheFirst) {
  world.put({.client_id = "acme", .foreign_key_lookup = lookup("foreign-one")}, {{.secret = "foreign-one"}});
  world.put({.client_id = "acme", .foreign_key_lookup = lookup("foreign-two")}, {{.secret = "foreign-two"}});
  EXPECT_EQ(world.check_key("foreign-one").outcome, Outcome::unknown_client);
  EXPECT_EQ(world.check_key("foreign-two").outcome, Outcome::current);
}

TEST_F(ForeignKeyChanges, KeyTakenOverByAnotherClientStaysWithThatClient) {
  const std::string key = "foreign-one";
  world.put({.client_id = "acme", .foreign_key_lookup = lookup(key)}, {{.secret = key, .id = 1}});
  world.put({.client_id = "heir", .foreign_key_lookup = lookup(key)}, {{.secret = key, .id = 2}});
  world.put("acme", {{.secret = "new"}});
  EXPECT_EQ(world.check_key(key).version_id, id(2));
}

TEST_F(ForeignKeyChanges, ManyOfThemSurviveGrowthAndRemoval) {
  for (int round = 0; round < 3; ++round) {
    for (int n = 0; n < 500; ++n) {
      const std::string name = client(n);
      const std::string key = "foreign key " + std::to_string(round) + " of " + name;
      ASSERT_TRUE(world.put({.client_id = name, .foreign_key_lookup = lookup(key)}, {{.secret = key}}));
    }
  }
  for (int n = 0; n < 500; ++n) {
    ASSERT_EQ(world.check_key("foreign key 2 of " + client(n)).outcome, Outcome::current);
    ASSERT_EQ(world.check_key("foreign key 1 of " + client(n)).outcome, Outcome::unknown_client);
  }
}

TEST(Table, MoreWorkersThanPlacesIsRefusedAtStart) {
  EXPECT_THROW(World({.workers = workers_max + 1}), std::invalid_argument);
}

}  // namespace
}  // namespace shearline::engine
