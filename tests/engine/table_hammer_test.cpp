// One writer that never rests and readers that check all the time: a reader must find each credential whole,
// as one of the states the writer wrote, and never miss one that is always there. Run under ThreadSanitizer,
// which also sees memory that comes back into use too early.
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace shearline::engine {
namespace {

constexpr std::size_t readers = 3;
constexpr std::size_t states = 8;
constexpr std::size_t changing_clients = 4;

// State s of a changing client: every part of the entry says s, so half of one state and half of another
// would show: the role, the window and the version's id belong to the secret and to nothing else.
std::string secret_of(std::size_t state, std::size_t slot) {
  return "secret " + std::to_string(state) + "/" + std::to_string(slot);
}
TimeMs window_of(std::size_t state, std::size_t slot) {
  return World::now + 1 + static_cast<TimeMs>(state * 10 + slot);
}
Byte id_of(std::size_t state, std::size_t slot) { return static_cast<Byte>(100 + state * 10 + slot); }
Outcome role_of(std::size_t state, std::size_t slot) {
  constexpr Outcome roles[] = {Outcome::current, Outcome::grace, Outcome::next};
  return roles[(state + slot) % 3];
}
std::string changing_client(std::size_t n) { return "changing-" + std::to_string(n); }

class Hammer {
 public:
  Hammer() : world_({.capacity_hint = 16, .workers = readers}) {
    for (std::size_t n = 0; n < changing_clients; ++n) write(n, 0);
    world_.put("steady", {{.secret = "right"}});
  }

  void write(std::size_t n, std::size_t state) {
    const std::string name = changing_client(n);
    std::vector<Version> versions;
    for (std::size_t slot = 0; slot < accepting_versions_max; ++slot) {
      versions.push_back(
          {role_of(state, slot), secret_of(state, slot), window_of(state, slot), id_of(state, slot)});
    }
    CredentialFacts facts{.client_id = name, .partition = static_cast<std::uint8_t>(state)};
    facts.foreign_key_lookup = foreign_key_lookup(lookup_key_, as_bytes("foreign " + name));
    ASSERT_TRUE(world_.put(facts, versions));
  }

  // Writes until every reader has read often enough, and at least as often as asked itself.
  void write_all(std::size_t rounds_min) {
    for (std::size_t round = 0; round < rounds_min || slowest_reader() < reader_rounds_min; ++round) {
      write(round % changing_clients, round / changing_clients % states);
      // The index grows a little with every write, so that readers come while it does.
      if (round < 8000) world_.put("new-" + std::to_string(round), {{.secret = "x"}});
      if (round % 3 == 0) world_.table.reclaim();
    }
    stop_ = true;
  }

  void read_all(std::size_t worker) {
    Batch batch(world_.table, world_.view);
    while (!stop_) {
      world_.table.enter_turn(worker);
      read_turn(batch);
      batch.clear();
      // Some turns follow one another, before others the worker sleeps.
      if (rounds_[worker].fetch_add(1) % 4 == 0) world_.table.leave_turn(worker);
    }
    world_.table.leave_turn(worker);
  }

  std::size_t torn() const { return torn_; }
  std::size_t missed() const { return missed_; }
  std::size_t matched() const { return matched_; }

 private:
  static constexpr std::size_t reader_rounds_min = 200;

  std::size_t slowest_reader() const {
    std::size_t slowest = rounds_[0];
    for (const auto& rounds : rounds_) slowest = std::min<std::size_t>(slowest, rounds);
    return slowest;
  }

  void read_turn(Batch& batch) {
    batch.add_pair(as_bytes("steady"), as_bytes("right"));
    for (std::size_t i = 0; i < changing_clients * states * accepting_versions_max; ++i) {
      batch.add_pair(as_bytes(names_[i % changing_clients]), as_bytes(secrets_[i / changing_clients]));
    }
    const std::size_t foreign = batch.add_key(as_bytes(foreign_key_));
    batch.run(World::now);
    if (batch.outcome(0) != Outcome::current) ++missed_;
    // Its secret is never right, but the client is always known.
    if (as_text(batch.client_id(foreign)) != names_[0]) ++missed_;
    for (std::size_t i = 0; i < changing_clients * states * accepting_versions_max; ++i) {
      judge_match(batch.match(i + 1), i / changing_clients);
    }
  }

  void judge_match(const Match& match, std::size_t secret) {
    if (match.outcome == Outcome::mismatch) return;
    const std::size_t state = secret / accepting_versions_max;
    const std::size_t slot = secret % accepting_versions_max;
    const bool whole = match.outcome == role_of(state, slot) &&
                       match.retires_at_ms == window_of(state, slot) &&
                       match.version_id == id(id_of(state, slot)) && match.partition == state;
    ++(whole ? matched_ : torn_);
  }

  World world_;
  Key lookup_key_ = derive_lookup_key(world_.pepper);
  std::vector<std::string> names_ = [] {
    std::vector<std::string> names;
    for (std::size_t n = 0; n < changing_clients; ++n) names.push_back(changing_client(n));
    return names;
  }();
  std::string foreign_key_ = "foreign " + names_[0];
  std::vector<std::string> secrets_ = [] {
    std::vector<std::string> secrets;
    for (std::size_t i = 0; i < states * accepting_versions_max; ++i) {
      secrets.push_back(secret_of(i / accepting_versions_max, i % accepting_versions_max));
    }
    return secrets;
  }();
  std::atomic<bool> stop_{false};
  std::array<std::atomic<std::size_t>, readers> rounds_{};
  std::atomic<std::size_t> torn_{0};
  std::atomic<std::size_t> missed_{0};
  std::atomic<std::size_t> matched_{0};
};

TEST(TableUnderFire, ReadersFindEveryCredentialWholeAndNeverMissOne) {
  Hammer hammer;
  std::vector<std::thread> threads;
  for (std::size_t worker = 0; worker < readers; ++worker) {
    threads.emplace_back([&hammer, worker] { hammer.read_all(worker); });
  }
  hammer.write_all(8000);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(hammer.torn(), 0U);
  EXPECT_EQ(hammer.missed(), 0U);
  // Each turn of a reader matches some state of every changing client, three secrets of it.
  EXPECT_GT(hammer.matched(), 0U);
}

// Entries by megabytes and an index of more than a huge page, so that memory for both is found ahead by another thread
// while readers look.
TEST(TableUnderFire, ReadersMissNobodyWhileMemoryIsFoundAhead) {
  // However long the kernel takes: an index of 262,144 slots is outgrown at thirteen sixteenths and a 64th.
  constexpr std::size_t many = 220'000;
  World world({.capacity_hint = 16, .workers = 1});
  world.put("first", {{.secret = "right"}});
  std::atomic<std::size_t> newest{0};
  std::atomic<bool> stop{false};
  std::size_t missed = 0;
  std::size_t turns = 0;
  const auto name_of = [](std::size_t n) { return "new-" + std::to_string(n); };
  std::thread reader([&] {
    Batch batch(world.table, world.view);
    while (!stop) {
      const std::size_t number = newest.load(std::memory_order_acquire);
      const std::string name = name_of(number);
      world.table.enter_turn(0);
      batch.add_pair(as_bytes("first"), as_bytes("right"));
      if (number > 0) batch.add_pair(as_bytes(name), as_bytes("x"));
      batch.run(World::now);
      for (const Outcome outcome : batch.outcomes()) missed += outcome == Outcome::current ? 0U : 1U;
      batch.clear();
      world.table.leave_turn(0);
      ++turns;
    }
  });
  for (std::size_t n = 1; n <= many; ++n) {
    world.put(name_of(n), {{.secret = "x"}});
    newest.store(n, std::memory_order_release);
    if (n % 64 == 0) world.table.reclaim();
  }
  stop = true;
  reader.join();
  EXPECT_EQ(missed, 0U);
  EXPECT_GT(turns, 0U);
  EXPECT_EQ(world.table.index_slots(), 524'288U);  // of 8 bytes
  EXPECT_EQ(world.table.size(), many + 1);
}

}  // namespace
}  // namespace shearline::engine
