// Credentials put together: as if each had been put by itself, one after the other.
#include "engine/digest.hpp"
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace shearline::engine {
namespace {

class PutTogether : public ::testing::Test {
 protected:
  // The secret is right for the client; the facts stay until the test ends.
  void add(const std::string& client_id, std::uint64_t revision, std::string_view secret,
           std::optional<std::array<Byte, foreign_key_lookup_bytes>> lookup = std::nullopt) {
    const std::string& name = names.emplace_back(client_id);
    digests.push_back(digest_of(world.pepper, name, as_bytes(secret)));
    versions.push_back({.role = Outcome::current, .digest = &digests.back(), .version_id = id(1)});
    facts.push_back({.client_id = name,
                     .revision = revision,
                     .accepted = {&versions.back(), 1},
                     .foreign_key_lookup = lookup});
  }
  std::string put() {
    const auto taken = world.table.put(facts);
    std::string told;
    for (std::size_t i = 0; i < facts.size(); ++i) told += taken[i] ? '1' : '0';
    for (std::size_t i = facts.size(); i < taken.size(); ++i) EXPECT_FALSE(taken[i]);
    facts.clear();
    return told;
  }

  World world;
  std::deque<std::string> names;
  std::deque<Digest> digests;
  std::deque<AcceptedVersion> versions;
  std::vector<CredentialFacts> facts;
};

TEST_F(PutTogether, NothingIsNothing) {
  EXPECT_EQ(put(), "");
  EXPECT_EQ(world.table.size(), 0U);
}

TEST_F(PutTogether, AnyNumberOfNewClientsIsFoundWithTheirOwnSecrets) {
  int client = 0;
  for (std::size_t count = 1; count <= Table::put_together_max; ++count) {
    const int first = client;
    for (std::size_t i = 0; i < count; ++i, ++client) {
      add("client-" + std::to_string(client), 1, "secret-" + std::to_string(client));
    }
    EXPECT_EQ(put(), std::string(count, '1'));
    for (int each = first; each < client; ++each) {
      const std::string name = "client-" + std::to_string(each);
      ASSERT_EQ(world.check(name, "secret-" + std::to_string(each)).outcome, Outcome::current) << name;
      ASSERT_EQ(world.check(name, "secret-" + std::to_string(each + 1)).outcome, Outcome::mismatch) << name;
    }
  }
  EXPECT_EQ(world.table.size(), static_cast<std::size_t>(client));
}

TEST_F(PutTogether, NewKnownAndOutdatedOnesEachGetTheirOwnAnswer) {
  add("known", 5, "old");
  add("newer-here", 5, "kept");
  EXPECT_EQ(put(), "11");
  add("fresh", 1, "fresh");
  add("known", 6, "new");
  add("newer-here", 5, "dropped");
  add("newer-here", 4, "dropped");
  add("never", 0, "dropped");
  EXPECT_EQ(put(), "11000");
  EXPECT_EQ(world.check("fresh", "fresh").outcome, Outcome::current);
  EXPECT_EQ(world.check("known", "new").outcome, Outcome::current);
  EXPECT_EQ(world.check("known", "old").outcome, Outcome::mismatch);
  EXPECT_EQ(world.check("newer-here", "kept").outcome, Outcome::current);
  EXPECT_EQ(world.check("never", "dropped").outcome, Outcome::unknown_client);
  EXPECT_EQ(world.table.size(), 3U);
}

TEST_F(PutTogether, TheSameClientTwiceEndsAtItsNewestRevision) {
  add("rising", 1, "first");
  add("rising", 2, "second");
  add("falling", 2, "second");
  add("falling", 1, "first");
  add("same", 1, "first");
  add("same", 1, "again");
  EXPECT_EQ(put(), "111010");
  for (const std::string name : {"rising", "falling"}) {
    EXPECT_EQ(world.check(name, "second").outcome, Outcome::current) << name;
    EXPECT_EQ(world.check(name, "first").outcome, Outcome::mismatch) << name;
    EXPECT_EQ(world.table.revision_of(name), 2U) << name;
  }
  EXPECT_EQ(world.check("same", "first").outcome, Outcome::current);
  EXPECT_EQ(world.table.size(), 3U);
}

// What was written for nothing comes back, or memory would grow with every record that comes twice.
TEST_F(PutTogether, WhatIsNotTakenAfterAllLeavesNoEntryBehind) {
  for (int round = 1; round <= 50'000; ++round) {
    const auto revision = static_cast<std::uint64_t>(round);
    add("acme", revision, "right");
    add("acme", revision, "wrong");
    add("new-" + std::to_string(round % 2), revision, "x");
    ASSERT_EQ(put(), "101");
    world.table.reclaim();
    names.clear();
    digests.clear();
    versions.clear();
  }
  EXPECT_EQ(world.check("acme", "right").outcome, Outcome::current);
  EXPECT_EQ(world.table.size(), 3U);
}

TEST_F(PutTogether, AForeignKeyBelongsToWhoCameLast) {
  const Key lookup_key = derive_lookup_key(world.pepper);
  const auto lookup = foreign_key_lookup(lookup_key, as_bytes("foreign-key-of-old"));
  add("acme", 1, "foreign-key-of-old", lookup);
  add("heir", 1, "foreign-key-of-old", lookup);
  EXPECT_EQ(put(), "11");
  EXPECT_EQ(world.check_key("foreign-key-of-old").outcome, Outcome::current);
  add("heir", 2, "new");
  EXPECT_EQ(put(), "1");
  EXPECT_EQ(world.check_key("foreign-key-of-old").outcome, Outcome::unknown_client);
}

}  // namespace
}  // namespace shearline::engine
