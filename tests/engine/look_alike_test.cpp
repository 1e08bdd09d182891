// Slots that look alike: two hashes of one bucket that agree in all the bits that a slot holds. Once in a thousand million
// times that happens by chance; here such names are searched for, so that what a batch does about it is seen.
#include "engine/table_impl.hpp"
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace shearline::engine {
namespace {

// Of the smallest table: eight buckets, and thirty bits in a slot.
std::uint64_t seen_of(KeyedHash hash) { return hash.low / 8 % 8 << 30 | hash.high >> 34; }

// Two names, `stem` and a number, which `hash_of` cannot tell apart by what a slot holds.
template <class HashOf>
std::pair<std::string, std::string> look_alikes(const std::string& stem, HashOf hash_of) {
  constexpr std::uint32_t tried = 400'000;  // nine pairs are to be expected
  std::vector<std::pair<std::uint64_t, std::uint32_t>> all;
  const auto name = [&](std::uint32_t n) { return stem + std::to_string(n); };
  for (std::uint32_t n = 0; n < tried; ++n) all.emplace_back(seen_of(hash_of(name(n))), n);
  std::ranges::sort(all);
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  const auto at = std::ranges::adjacent_find(all, same);
  if (at == all.end()) throw std::logic_error("none of them look alike");
  return {name(at->second), name((at + 1)->second)};
}

struct LookAlike : ::testing::Test {
  using Lookup = std::array<Byte, foreign_key_lookup_bytes>;
  Lookup lookup_of(const std::string& key) const {
    Lookup lookup;
    std::ranges::copy(digest_of(lookup_midstates, as_bytes(key)).reveal().first<foreign_key_lookup_bytes>(),
                      lookup.begin());
    return lookup;
  }
  void import(std::string_view client_id, const std::string& key) {
    world.put({.client_id = client_id, .foreign_key_lookup = lookup_of(key)}, {{.secret = key}});
  }
  std::pair<std::string, std::string> clients() {
    return look_alikes(
        "client-", [&](const std::string& id) { return world.table.impl().hash_client_id(as_bytes(id)); });
  }
  std::pair<std::string, std::string> keys() {
    return look_alikes("sk_live_of_", [&](const std::string& key) {
      return world.table.impl().hash_foreign_lookup(lookup_of(key));
    });
  }
  World world{TableOptions{.capacity_hint = 1}};
  const Midstates lookup_midstates = hmac_midstates(derive_lookup_key(world.pepper).reveal());
};

TEST_F(LookAlike, UnknownClientIsNotTakenForTheOneThatIsThere) {
  const auto [there, unknown] = clients();
  world.put(there, {{.secret = "right"}});
  EXPECT_EQ(world.check(unknown, "right").outcome, Outcome::unknown_client);
}

TEST_F(LookAlike, BothClientsAreFound) {
  const auto [one, other] = clients();
  world.put(one, {{.secret = "one"}});
  world.put(other, {{.secret = "other"}});
  EXPECT_EQ(world.check(one, "one").outcome, Outcome::current);
  EXPECT_EQ(world.check(other, "other").outcome, Outcome::current);
  EXPECT_EQ(world.check(other, "one").outcome, Outcome::mismatch);
}

TEST_F(LookAlike, UnknownForeignKeyIsNotTakenForTheOneThatIsThere) {
  const auto [there, unknown] = keys();
  import("acme", there);
  EXPECT_EQ(world.check_key(unknown).outcome, Outcome::unknown_client);
}

TEST_F(LookAlike, BothForeignKeysFindTheirClients) {
  const auto [one, other] = keys();
  import("acme", one);
  import("beta", other);
  for (const auto& [key, client_id] : {std::pair(one, "acme"), std::pair(other, "beta")}) {
    world.table.enter_turn(0);
    Batch batch(world.table, world.view);
    batch.add_key(as_bytes(key));
    batch.run(World::now);
    EXPECT_EQ(batch.outcome(0), Outcome::current) << key;
    EXPECT_EQ(as_text(batch.client_id(0)), client_id);
    world.table.leave_turn(0);
  }
}

TEST_F(LookAlike, KeyOfAClientWhoHasNothingOfItAnyMoreIsAMismatch) {
  const auto [there, unknown] = keys();
  world.put({.client_id = "acme", .foreign_key_lookup = lookup_of(there)}, {{.secret = "another"}});
  EXPECT_EQ(world.check_key(there).outcome, Outcome::mismatch);
  EXPECT_EQ(world.check_key(unknown).outcome, Outcome::unknown_client);
}

}  // namespace
}  // namespace shearline::engine
