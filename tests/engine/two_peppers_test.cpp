// While a pepper is being replaced, credentials under the old one and under the new one are checked side by side, and
// every check is hashed under both.
#include "engine/digest.hpp"
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

namespace shearline::engine {
namespace {

class TwoPeppers : public ::testing::Test {
 protected:
  TwoPeppers() {
    view.loaded = true;
    for (auto& heard : view.heard_at_ms) heard = World::now;
  }

  static std::vector<Key> both() {
    std::vector<Key> peppers;
    peppers.push_back(pepper_of_zeros());
    peppers.push_back(pepper_of_counting());
    return peppers;
  }

  struct Kept {
    std::uint8_t pepper;
    std::string secret;
  };
  Digest digest(std::string_view client_id, const Kept& kept) {
    return digest_of(peppers[kept.pepper], client_id, as_bytes(kept.secret));
  }
  void put(std::string_view client_id, const Kept& current) {
    const Digest accepted = digest(client_id, current);
    const AcceptedVersion version{
        .role = Outcome::current, .digest = &accepted, .version_id = id(1), .pepper = current.pepper};
    table.put({.client_id = client_id, .revision = ++revision, .accepted = {&version, 1}});
  }

  template <class Add>
  Match alone(Add add) {
    table.enter_turn(0);
    Batch batch(table, view);
    const std::size_t index = add(batch);
    batch.run(World::now);
    const Match match = batch.match(index);
    hashed = batch.hashed_jobs();
    table.leave_turn(0);
    return match;
  }
  Outcome check(std::string_view client_id, std::string_view secret) {
    return alone([&](Batch& batch) { return batch.add_pair(as_bytes(client_id), as_bytes(secret)); }).outcome;
  }

  SeededRandom random{5};
  std::vector<Key> peppers = both();
  Table table{{}, peppers, random};
  View view;
  std::uint64_t revision = 0;
  std::uint64_t hashed = 0;
};

TEST_F(TwoPeppers, CredentialsUnderEitherAreAccepted) {
  put("older", {0, "right"});
  put("newer", {1, "right"});
  EXPECT_EQ(check("older", "right"), Outcome::current);
  EXPECT_EQ(check("newer", "right"), Outcome::current);
  EXPECT_EQ(check("older", "wrong"), Outcome::mismatch);
  EXPECT_EQ(check("newer", "wrong"), Outcome::mismatch);
  EXPECT_EQ(check("nobody", "right"), Outcome::unknown_client);
}

TEST_F(TwoPeppers, OneCredentialMayHaveVersionsUnderBoth) {
  const Digest before = digest("acme", {0, "old"});
  const Digest after = digest("acme", {1, "new"});
  const std::array versions = {
      AcceptedVersion{.role = Outcome::current, .digest = &after, .version_id = id(2), .pepper = 1},
      AcceptedVersion{
          .role = Outcome::grace, .digest = &before, .not_after_ms = World::now + 1, .version_id = id(1)}};
  table.put({.client_id = "acme", .revision = ++revision, .accepted = versions});
  EXPECT_EQ(check("acme", "new"), Outcome::current);
  EXPECT_EQ(check("acme", "old"), Outcome::grace);
}

TEST_F(TwoPeppers, ARevokedDigestIsRecognisedUnderItsOwn) {
  const Digest gone = digest("acme", {1, "gone"});
  const DeadDigest dead{.digest = &gone, .revoked = true, .pepper = 1};
  table.put({.client_id = "acme", .revision = ++revision, .dead = {&dead, 1}});
  EXPECT_EQ(check("acme", "gone"), Outcome::revoked);
}

TEST_F(TwoPeppers, AChangeKeepsWhatWasDerivedForTheClient) {
  put("acme", {0, "first"});
  put("acme", {1, "second"});
  put("acme", {0, "third"});
  EXPECT_EQ(check("acme", "third"), Outcome::current);
  EXPECT_EQ(check("acme", "second"), Outcome::mismatch);
}

TEST_F(TwoPeppers, AForeignKeyIsFoundUnderEither) {
  for (const std::uint8_t pepper : {std::uint8_t{0}, std::uint8_t{1}}) {
    const std::string client_id = "client-" + std::to_string(pepper);
    const std::string key = "whole-foreign-key-" + std::to_string(pepper);
    const Digest accepted = digest(client_id, {pepper, key});
    const AcceptedVersion version{
        .role = Outcome::current, .digest = &accepted, .version_id = id(1), .pepper = pepper};
    table.put({.client_id = client_id,
               .revision = ++revision,
               .accepted = {&version, 1},
               .foreign_key_lookup = foreign_key_lookup(derive_lookup_key(peppers[pepper]), as_bytes(key))});
    EXPECT_EQ(alone([&](Batch& batch) { return batch.add_key(as_bytes(key)); }).outcome, Outcome::current)
        << key;
  }
  EXPECT_EQ(alone([&](Batch& batch) { return batch.add_key(as_bytes("whole-foreign-key-2")); }).outcome,
            Outcome::unknown_client);
}

TEST_F(TwoPeppers, ClientsPutTogetherHaveTheirMidstatesUnderEither) {
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) names.push_back("client-" + std::to_string(i));
  std::vector<Digest> digests;
  std::vector<AcceptedVersion> versions;
  for (const bool again : {false, true}) {  // new, then known
    digests.clear();
    versions.clear();
    std::vector<CredentialFacts> facts;
    digests.reserve(names.size());
    versions.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Kept kept{static_cast<std::uint8_t>((i + (again ? 1 : 0)) % 2), "right"};
      digests.push_back(digest(names[i], kept));
      versions.push_back(
          {.role = Outcome::current, .digest = &digests.back(), .version_id = id(1), .pepper = kept.pepper});
      facts.push_back(
          {.client_id = names[i], .revision = again ? 2U : 1U, .accepted = {&versions.back(), 1}});
    }
    EXPECT_EQ(table.put(facts).count(), names.size());
    for (const std::string& name : names) {
      EXPECT_EQ(check(name, "right"), Outcome::current) << name;
      EXPECT_EQ(check(name, "wrong"), Outcome::mismatch) << name;
    }
  }
}

TEST_F(TwoPeppers, EveryCheckIsHashedUnderBothWhateverItsAnswer) {
  put("older", {0, "right"});
  put("newer", {1, "right"});
  for (const auto& [client_id, secret] :
       {std::pair{"older", "right"}, {"newer", "right"}, {"older", "wrong"}, {"nobody", "right"}}) {
    check(client_id, secret);
    EXPECT_EQ(hashed, 2) << client_id << " " << secret;
  }
}

TEST_F(TwoPeppers, ATableHasOneOrTwo) {
  std::vector<Key> three = both();
  three.push_back(pepper_of_zeros());
  EXPECT_THROW(Table({}, three, random), std::invalid_argument);
  EXPECT_THROW(Table({}, std::span<const Key>{}, random), std::invalid_argument);
}

}  // namespace
}  // namespace shearline::engine
