// What a node says while it could not load one of its partitions: nothing about that one's clients, whether or not the
// table has them, and everything about the others.
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

namespace shearline::engine {
namespace {

constexpr std::uint8_t sound = 1;
constexpr std::uint8_t refused = 2;

// By the first letter, which is all that these tests need.
unsigned by_first_letter(std::string_view client_id) { return client_id.front() == 'r' ? refused : sound; }

struct WithheldPartition : ::testing::Test {
  WithheldPartition() {
    world.view.partition_of = by_first_letter;
    world.view.withheld = 1U << refused;
    world.put({.client_id = "sound", .partition = sound}, {{.secret = "right"}});
    world.put({.client_id = "refused", .partition = refused}, {{.secret = "right"}});
  }
  void import(std::string_view client_id, std::uint8_t partition, const std::string& key) {
    const auto lookup = foreign_key_lookup(derive_lookup_key(world.pepper), as_bytes(key));
    world.put({.client_id = client_id, .partition = partition, .foreign_key_lookup = lookup},
              {{.secret = key}});
  }
  World world;
};

TEST_F(WithheldPartition, IsNotDecidedAboutWhetherOrNotTheClientIsKnown) {
  EXPECT_EQ(world.check("refused", "right").outcome, Outcome::loading);
  EXPECT_EQ(world.check("refused", "wrong").outcome, Outcome::loading);
  EXPECT_EQ(world.check("refused-too", "right").outcome, Outcome::loading);
  EXPECT_EQ(world.check("r d", "right").outcome, Outcome::malformed);
}

TEST_F(WithheldPartition, LeavesTheOthersAsTheyAre) {
  EXPECT_EQ(world.check("sound", "right").outcome, Outcome::current);
  EXPECT_EQ(world.check("sound", "wrong").outcome, Outcome::mismatch);
  EXPECT_EQ(world.check("sound-too", "right").outcome, Outcome::unknown_client);
}

TEST_F(WithheldPartition, MayHoldTheForeignKeyThatNobodyKnows) {
  import("sound-import", sound, "sk_live_of_a_sound_one");
  import("refused-import", refused, "sk_live_of_a_refused_one");
  EXPECT_EQ(world.check_key("sk_live_of_a_sound_one").outcome, Outcome::current);
  EXPECT_EQ(world.check_key("sk_live_of_a_refused_one").outcome, Outcome::loading);
  EXPECT_EQ(world.check_key("sk_live_of_nobody_known").outcome, Outcome::loading);
  world.view.withheld = 0;
  EXPECT_EQ(world.check_key("sk_live_of_nobody_known").outcome, Outcome::unknown_client);
}

TEST_F(WithheldPartition, TellsNothingOfTheVersionThatWouldHaveMatched) {
  EXPECT_EQ(world.check("refused", "right").version_id, Ulid{});
}

TEST_F(WithheldPartition, CostsTheSameWork) {
  const auto jobs = [&](std::string_view client_id) {
    Batch batch(world.table, world.view);
    world.table.enter_turn(0);
    batch.add_pair(as_bytes(client_id), as_bytes("right"));
    batch.run(World::now);
    world.table.leave_turn(0);
    return batch.hashed_jobs();
  };
  EXPECT_EQ(jobs("refused"), jobs("sound"));
  EXPECT_EQ(jobs("refused-too"), jobs("sound"));
}

TEST_F(WithheldPartition, IsDecidedAboutOnceItIsLoaded) {
  world.view.withheld = 0;
  EXPECT_EQ(world.check("refused", "right").outcome, Outcome::current);
  EXPECT_EQ(world.check("refused-too", "right").outcome, Outcome::unknown_client);
}

}  // namespace
}  // namespace shearline::engine
