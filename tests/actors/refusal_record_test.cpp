// Refusals are counted once, whatever becomes of the store's answers.
#include "actors/refusal_record.hpp"

#include "tests/actors/control_plane.hpp"

#include <gtest/gtest.h>

namespace shearline::actors::test {
namespace {

using Loss = LossyWay::Loss;

class RefusalsOnRecord : public ::testing::Test {
 protected:
  struct Node {
    Node(World& world, const std::string& name)
        : sealed(world.way, world.keyring.state_key, world.random, world.clock),
          codec(world.keyring.state_key, world.random),
          context{*world.loop,   world.clock, world.random, sealed, codec,
                  world.keyring, world.rules, name,         "none"},
          audit(*world.loop),
          refusals(context, audit) {
      take_over();
    }
    void take_over() { sealed.set_fence(sealed.raw().raise_fences().value()); }

    store::SealedStore sealed;
    wire::RecordCodec codec;
    ActorContext context;
    AuditMailbox audit;
    RefusalRecord refusals;
  };

  void lose_next(Loss loss) {
    world.way.of_put = [this, loss](const store::RawPut&) {
      world.way.of_put = [](const store::RawPut&) { return Loss::nothing; };
      return loss;
    };
  }
  // How often alice's refusals were counted, over all events that differ.
  int counted() {
    std::map<std::string, int> counts;
    const auto told = node.sealed.outbox(store::system_partition, 100).value();
    for (const auto& event : told) {
      const policy::AuditEvent decoded = wire::decode_event(event.event).value();
      for (const auto& [name, count] : decoded.detail) {
        if (name == "alice/invalid") counts[ledger::event_id(event.event)] = std::stoi(count);
      }
    }
    int sum = 0;
    for (const auto& [id, count] : counts) sum += count;
    return sum;
  }
  std::size_t events() { return node.sealed.outbox(store::system_partition, 100).value().size(); }

  World world;
  Node node{world, "node-1"};
};

TEST_F(RefusalsOnRecord, AreOneEventForAllThatWereCounted) {
  for (int i = 0; i < 3; ++i) node.refusals.count("alice", Code::invalid);
  ASSERT_TRUE(node.refusals.write());
  ASSERT_TRUE(node.refusals.write());
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(counted(), 3);
}

TEST_F(RefusalsOnRecord, AreNotWrittenAgainWhenOnlyTheAnswerWasLost) {
  lose_next(Loss::answer);
  node.refusals.count("alice", Code::invalid);
  EXPECT_FALSE(node.refusals.write());
  EXPECT_FALSE(node.refusals.empty());
  EXPECT_TRUE(node.refusals.write());
  EXPECT_TRUE(node.refusals.empty());
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(counted(), 1);
}

TEST_F(RefusalsOnRecord, AreWrittenAgainWhenTheStoreNeverHeardOfThem) {
  lose_next(Loss::command);
  node.refusals.count("alice", Code::invalid);
  EXPECT_FALSE(node.refusals.write());
  EXPECT_TRUE(node.refusals.write());
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(counted(), 1);
}

TEST_F(RefusalsOnRecord, ThatCameWhileOneWasInDoubtAreAnEventOfTheirOwn) {
  lose_next(Loss::answer);
  node.refusals.count("alice", Code::invalid);
  EXPECT_FALSE(node.refusals.write());
  node.refusals.count("alice", Code::invalid);
  node.refusals.count("alice", Code::invalid);
  EXPECT_TRUE(node.refusals.write());
  EXPECT_EQ(events(), 2U);
  EXPECT_EQ(counted(), 3);
}

TEST_F(RefusalsOnRecord, AreTheSameEventWhereAnotherHolderHasWrittenItsOwnMeanwhile) {
  lose_next(Loss::answer);
  node.refusals.count("alice", Code::invalid);
  EXPECT_FALSE(node.refusals.write());
  Node other(world, "node-2");
  other.refusals.count("alice", Code::invalid);
  other.refusals.count("alice", Code::invalid);
  ASSERT_TRUE(other.refusals.write());
  node.take_over();
  EXPECT_TRUE(node.refusals.write());
  EXPECT_EQ(events(), 3U) << "put once more, for nobody could know";
  EXPECT_EQ(counted(), 3) << "and known by its identity";
}

TEST_F(RefusalsOnRecord, WaitForTheLease) {
  node.sealed.set_fence(0);
  node.refusals.count("alice", Code::invalid);
  EXPECT_FALSE(node.refusals.write());
  node.take_over();
  EXPECT_TRUE(node.refusals.write());
  EXPECT_EQ(counted(), 1);
}

}  // namespace
}  // namespace shearline::actors::test
