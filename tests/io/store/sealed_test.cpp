// The store as actors see it, over memory and Redis: puts, loading with proof, following, the outbox, and
// what happens when the store loses writes.
#include "io/loop/fiber_scheduler.hpp"
#include "io/store/layout.hpp"
#include "test_store.hpp"

#include <boost/fiber/operations.hpp>
#include <gmock/gmock.h>

namespace shearline::store {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::SizeIs;

struct Sealed : StoreTest {};
INSTANTIATE_TEST_SUITE_P(All, Sealed, testing::Values(Backend::memory, Backend::redis), backend_name);

constexpr unsigned here = 3;

TEST_P(Sealed, RecordComesBackAsItWasPut) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    EXPECT_EQ(node.sealed.compare_and_put(put_of(id_in(here), 0, "first")).value(), 1U);
    EXPECT_EQ(node.sealed.compare_and_put(put_of(id_in(here), 1, "second")).value(), 2U);
    const auto record = node.sealed.get({Kind::credential, id_in(here)}, 2);
    ASSERT_TRUE(record) << record.error().message;
    EXPECT_EQ(record->revision, 2U);
    EXPECT_EQ(record->payload, text("second"));
    EXPECT_THAT(node.alarms, IsEmpty());
  });
}

TEST_P(Sealed, UnknownRecordIsNotFound) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    EXPECT_EQ(node.sealed.get({Kind::admin, "nobody"}, 0).error().code, Code::not_found);
    EXPECT_EQ(node.sealed.get({Kind::admin, ""}, 0).error().code, Code::not_found);
  });
}

TEST_P(Sealed, NothingIsPutWithoutTheLease) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    EXPECT_EQ(node.sealed.compare_and_put(put_of("a", 0, "x")).error().code, Code::unavailable);
    node.hold();
    TestNode successor(store.other(), store.clock);
    successor.hold();
    const auto refused = node.sealed.compare_and_put(put_of("a", 0, "x"));
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("lost the lease"));
    EXPECT_TRUE(successor.sealed.compare_and_put(put_of("a", 0, "x")));
  });
}

TEST_P(Sealed, SlowerPutOfTheSameRecordIsAConflict) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    ASSERT_TRUE(node.sealed.compare_and_put(put_of("a", 0, "x")));
    EXPECT_EQ(node.sealed.compare_and_put(put_of("a", 0, "y")).error().code, Code::conflict);
    EXPECT_EQ(node.sealed.compare_and_put(put_of("a", 5, "y")).error().code, Code::conflict);
    EXPECT_EQ(node.sealed.compare_and_put(put_of("a", 1, "y")).value(), 2U);
    EXPECT_EQ(node.sealed.compare_and_put(put_of("a", 1, "y")).error().code, Code::conflict);
  });
}

TEST_P(Sealed, ChangeOfANeighbourByAnotherHandIsNoConflict) {
  run([](TestStore& store, loop::Loop&) {
    TestNode one(store.raw(), store.clock);
    one.hold();
    TestNode other(store.other(), store.clock);
    other.sealed.set_fence(one.sealed.fence());
    ASSERT_TRUE(one.sealed.compare_and_put(put_of(id_in(here, 0), 0, "x")));
    ASSERT_TRUE(other.sealed.compare_and_put(put_of(id_in(here, 1), 0, "x")));
    ASSERT_TRUE(one.sealed.compare_and_put(put_of(id_in(here, 0), 1, "y")));
    ASSERT_TRUE(other.sealed.compare_and_put(put_of(id_in(here, 1), 1, "y")));
    ASSERT_TRUE(other.sealed.load(here, other.seen));
    EXPECT_THAT(other.seen.records, SizeIs(2));
  });
}

TEST_P(Sealed, PutsOfManyFibersIntoOnePartitionAllArrive) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    std::vector<boost::fibers::fiber> fibers;
    for (int i = 0; i < 20; ++i) {
      fibers.push_back(loop::spawn("putter", [&, i] {
        for (std::uint64_t revision = 0; revision < 5; ++revision) {
          EXPECT_TRUE(node.sealed.compare_and_put(put_of(id_in(here, i), revision, "x")));
        }
      }));
    }
    for (auto& fiber : fibers) fiber.join();
    EXPECT_EQ(store.raw().head(here).value().counter, 100U);
    ASSERT_TRUE(node.sealed.load(here, node.seen));
    EXPECT_THAT(node.seen.records, SizeIs(20));
  });
}

TEST_P(Sealed, BeyondItsLimitsAPutIsInvalid) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    auto put = put_of("a", 0, "");
    put.payload.resize(record_bytes_max + 1);
    EXPECT_EQ(node.sealed.compare_and_put(put).error().code, Code::invalid);
    put.payload.resize(record_bytes_max);
    EXPECT_TRUE(node.sealed.compare_and_put(put));
    EXPECT_EQ(node.sealed.compare_and_put(put_of(std::string("a\0b", 3), 0, "")).error().code, Code::invalid);
    put = put_of("b", 0, "");
    put.events.resize(events_per_put_max + 1);
    EXPECT_EQ(node.sealed.compare_and_put(put).error().code, Code::invalid);
    EXPECT_EQ(store.raw().get(partition_of("b"), "credential:b").value(), std::nullopt);
  });
}

TEST_P(Sealed, DeadlineNeverMeansNoDeadline) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    auto put = put_of(id_in(here), 0, "x");
    put.due_at = 5;
    ASSERT_TRUE(node.sealed.compare_and_put(put));
    EXPECT_EQ(store.raw().next_due(here).value(), 5);
    put.expected_revision = 1;
    put.due_at = time_never;
    ASSERT_TRUE(node.sealed.compare_and_put(put));
    EXPECT_EQ(store.raw().next_due(here).value(), std::nullopt);
  });
}

// ---- loading and following ----

TEST_P(Sealed, LoadTellsEveryRecordOnceAndFollowWhatComesAfter) {
  run([](TestStore& store, loop::Loop&) {
    TestNode holder(store.raw(), store.clock);
    holder.hold();
    for (int i = 0; i < 30; ++i) {
      ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here, i), 0, "old")));
      ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here, i), 1, "new")));
    }
    TestNode node(store.other(), store.clock);
    ASSERT_TRUE(node.sealed.load(here, node.seen));
    EXPECT_THAT(node.seen.records, SizeIs(30));
    EXPECT_EQ(node.seen.applied, 30);
    EXPECT_EQ(node.seen.heard_of[here], 1);
    for (const auto& [key, record] : node.seen.records) EXPECT_EQ(record.payload, text("new"));

    ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here, 4), 2, "newest")));
    node.follow_to(here, 61);
    EXPECT_EQ(node.seen.records[(RecordKey{Kind::credential, id_in(here, 4)})].payload, text("newest"));
    EXPECT_EQ(node.seen.applied, 31);
    EXPECT_THAT(node.seen.alarms, IsEmpty());
  });
}

TEST_P(Sealed, EmptyPartitionLoadsAndIsFollowed) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    for (unsigned partition = 0; partition < partition_count; ++partition) {
      ASSERT_TRUE(node.sealed.load(partition, node.seen)) << partition;
    }
    node.hold();
    ASSERT_TRUE(node.sealed.compare_and_put(put_of(Kind::group, "g", 0, "x")));
    node.follow_to(system_partition, 1);
    EXPECT_EQ(node.seen.revision_of({Kind::group, "g"}), 1U);
  });
}

TEST_P(Sealed, QuietPartitionIsHeardOfAllTheSame) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    ASSERT_TRUE(node.sealed.load(here, node.seen));
    ASSERT_TRUE(node.sealed.follow(here, node.seen, 1));
    EXPECT_EQ(node.seen.heard_of[here], 2);
    EXPECT_EQ(node.seen.applied, 0);
  });
}

TEST_P(Sealed, LoadingWhileOthersWriteProvesTheSameSum) {
  run([](TestStore& store, loop::Loop&) {
    TestNode holder(store.raw(), store.clock);
    holder.hold();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here, i), 0, "x")));
    }
    bool done = false;
    auto writer = loop::spawn("writer", [&] {
      for (std::uint64_t revision = 1; !done; ++revision) {
        for (int i = 0; i < 200 && !done; i += 7) {
          ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here, i), revision, "y")));
          boost::this_fiber::yield();
        }
      }
    });
    for (int i = 0; i < 10; ++i) {
      TestNode node(store.other(), store.clock);
      const auto loaded = node.sealed.load(here, node.seen);
      EXPECT_TRUE(loaded) << loaded.error().message;
      EXPECT_THAT(node.seen.records, SizeIs(200));
    }
    done = true;
    writer.join();
  });
}

TEST_P(Sealed, FollowerBehindTheTrimmedStreamLoadsAgain) {
  run([](TestStore& store, loop::Loop&) {
    TestNode holder(store.raw(), store.clock);
    holder.hold();
    TestNode node(store.other(), store.clock);
    ASSERT_TRUE(node.sealed.load(here, node.seen));
    for (std::uint64_t i = 0; i < 5; ++i) {
      ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here), i, "x")));
    }
    store.trim_changes(here, 2);
    EXPECT_EQ(node.sealed.follow(here, node.seen, 1).error().code, Code::not_found);
    ASSERT_TRUE(node.sealed.load(here, node.seen));
    EXPECT_EQ(node.seen.revision_of({Kind::credential, id_in(here)}), 5U);
    EXPECT_THAT(node.seen.alarms, IsEmpty());
    ASSERT_TRUE(node.sealed.follow(here, node.seen, 1));
  });
}

TEST_P(Sealed, StreamTrimmedToNothingStillLoadsAndFollows) {
  run([](TestStore& store, loop::Loop&) {
    TestNode holder(store.raw(), store.clock);
    holder.hold();
    ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here), 0, "x")));
    store.trim_changes(here, 0);
    TestNode node(store.other(), store.clock);
    ASSERT_TRUE(node.sealed.load(here, node.seen));
    ASSERT_TRUE(node.sealed.follow(here, node.seen, 1));
    ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here), 1, "y")));
    node.follow_to(here, 2);
    EXPECT_EQ(node.seen.revision_of({Kind::credential, id_in(here)}), 2U);
  });
}

// ---- outbox ----

TEST_P(Sealed, EventsComeOutOnceInOrderWithTheHashOfTheirRecord) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    auto put = put_of(id_in(here), 0, "x");
    put.events = {text("created"), text("prepared")};
    ASSERT_TRUE(node.sealed.compare_and_put(put));
    put.expected_revision = 1;
    put.events = {text("promoted")};
    ASSERT_TRUE(node.sealed.compare_and_put(put));

    const auto events = node.sealed.outbox(here, 10).value();
    ASSERT_THAT(events, SizeIs(3));
    EXPECT_EQ(events[0].event, text("created"));
    EXPECT_EQ(events[1].index, 1U);
    EXPECT_EQ(events[2].counter, 2U);
    const std::vector<RawChange> changes = store.raw().changes(here, {}, 0).value();
    EXPECT_EQ(events[0].record_hash, sha256(changes.at(0).value));
    EXPECT_EQ(events[2].record_hash, sha256(changes.at(1).value));

    ASSERT_TRUE(node.sealed.acknowledge_outbox(here, events[1].counter, events[1].index));
    const auto left = node.sealed.outbox(here, 10).value();
    ASSERT_THAT(left, SizeIs(1));
    EXPECT_EQ(left[0].event, text("promoted"));
  });
}

TEST_P(Sealed, ForgedEventsAreLeftOutAndHideNothing) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    for (std::uint32_t i = 0; i < 9; ++i) store.add_outbox(here, 0, i + 1, text("forged"));
    auto put = put_of(id_in(here), 0, "x");
    put.events = {text("genuine")};
    ASSERT_TRUE(node.sealed.compare_and_put(put));
    for (int i = 0; i < 2; ++i) {
      const auto events = node.sealed.outbox(here, 2).value();
      ASSERT_THAT(events, SizeIs(1));
      EXPECT_EQ(events[0].event, text("genuine"));
    }
    EXPECT_THAT(node.alarms, SizeIs(9));  // each told once
  });
}

// ---- layout ----

TEST_P(Sealed, LayoutIsWrittenByTheHolderAndCheckedByAll) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    EXPECT_EQ(check_layout(node.sealed).error().code, Code::not_found);
    node.hold();
    ASSERT_TRUE(check_layout(node.sealed));
    ASSERT_TRUE(check_layout(node.sealed));
    TestNode other(store.other(), store.clock);
    ASSERT_TRUE(check_layout(other.sealed));
  });
}

TEST_P(Sealed, OtherLayoutIsRefused) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    ASSERT_TRUE(node.sealed.compare_and_put(put_of(Kind::fact, "layout", 0, "64 partitions")));
    EXPECT_EQ(check_layout(node.sealed).error().code, Code::policy_violation);
  });
}

TEST_P(Sealed, LayoutIsNotWrittenOverRecordsThatAreThere) {
  run([](TestStore& store, loop::Loop&) {
    TestNode node(store.raw(), store.clock);
    node.hold();
    ASSERT_TRUE(check_layout(node.sealed));
    ASSERT_TRUE(node.sealed.compare_and_put(put_of(id_in(here), 0, "x")));
    store.remove_partition(system_partition);
    EXPECT_EQ(check_layout(node.sealed).error().code, Code::policy_violation);
  });
}

}  // namespace
}  // namespace shearline::store
