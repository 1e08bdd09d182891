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

  static void refuse(Node& by) { static_cast<void>(by.refusals.count("alice", Code::invalid)); }
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
  for (int i = 0; i < 3; ++i) refuse(node);
  ASSERT_TRUE(node.refusals.write());
  ASSERT_TRUE(node.refusals.write());
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(counted(), 3);
}

TEST_F(RefusalsOnRecord, AreNotWrittenAgainWhenOnlyTheAnswerWasLost) {
  lose_next(Loss::answer);
  refuse(node);
  EXPECT_FALSE(node.refusals.write());
  EXPECT_FALSE(node.refusals.empty());
  EXPECT_TRUE(node.refusals.write());
  EXPECT_TRUE(node.refusals.empty());
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(counted(), 1);
}

TEST_F(RefusalsOnRecord, AreWrittenAgainWhenTheStoreNeverHeardOfThem) {
  lose_next(Loss::command);
  refuse(node);
  EXPECT_FALSE(node.refusals.write());
  EXPECT_TRUE(node.refusals.write());
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(counted(), 1);
}

TEST_F(RefusalsOnRecord, ThatCameWhileOneWasInDoubtAreAnEventOfTheirOwn) {
  lose_next(Loss::answer);
  refuse(node);
  EXPECT_FALSE(node.refusals.write());
  refuse(node);
  refuse(node);
  EXPECT_TRUE(node.refusals.write());
  EXPECT_EQ(events(), 2U);
  EXPECT_EQ(counted(), 3);
}

TEST_F(RefusalsOnRecord, AreTheSameEventWhereAnotherHolderHasWrittenItsOwnMeanwhile) {
  lose_next(Loss::answer);
  refuse(node);
  EXPECT_FALSE(node.refusals.write());
  Node other(world, "node-2");
  refuse(other);
  refuse(other);
  ASSERT_TRUE(other.refusals.write());
  node.take_over();
  EXPECT_TRUE(node.refusals.write());
  EXPECT_EQ(events(), 3U) << "put once more, for nobody could know";
  EXPECT_EQ(counted(), 3) << "and known by its identity";
}

TEST_F(RefusalsOnRecord, AreNewsOncePerKindAndRound) {
  EXPECT_TRUE(node.refusals.count("alice", Code::invalid));
  EXPECT_TRUE(node.refusals.count("alice", Code::not_found));
  EXPECT_TRUE(node.refusals.count("bob", Code::invalid));
  EXPECT_TRUE(node.refusals.count("", Code::invalid));
  EXPECT_FALSE(node.refusals.count("alice", Code::invalid));
  ASSERT_TRUE(node.refusals.write());
  EXPECT_FALSE(node.refusals.count("alice", Code::invalid)) << "written, but the round is not over";
  ASSERT_TRUE(node.refusals.end_round());
  EXPECT_TRUE(node.refusals.count("alice", Code::invalid));
  ASSERT_TRUE(node.refusals.write());
  EXPECT_EQ(counted(), 4);
}

TEST_F(RefusalsOnRecord, AreBoundedInNewsHoweverManyKindsThereAre) {
  std::size_t news = 0;
  for (int i = 0; i < 1000; ++i)
    news += node.refusals.count("admin-" + std::to_string(i), Code::invalid) ? 1 : 0;
  EXPECT_EQ(news, refusals_told_apart_max + 1);
  // Even where each of them was written at once, so that a new event tells kinds apart again.
  ASSERT_TRUE(node.refusals.write());
  EXPECT_FALSE(node.refusals.count("another", Code::invalid));
}

TEST_F(RefusalsOnRecord, AreOneEventForTwoThatWriteAtOnce) {
  refuse(node);
  refuse(node);
  int written = 0;
  std::vector<boost::fibers::fiber> writers;
  for (int i = 0; i < 2; ++i) {
    writers.push_back(loop::spawn("writer", [&] { written += node.refusals.write() ? 1 : 0; }));
  }
  for (boost::fibers::fiber& writer : writers) writer.join();
  EXPECT_EQ(written, 2);
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(counted(), 2);
}

TEST_F(RefusalsOnRecord, WaitForTheLease) {
  node.sealed.set_fence(0);
  refuse(node);
  EXPECT_FALSE(node.refusals.write());
  node.take_over();
  EXPECT_TRUE(node.refusals.write());
  EXPECT_EQ(counted(), 1);
}

}  // namespace
}  // namespace shearline::actors::test
