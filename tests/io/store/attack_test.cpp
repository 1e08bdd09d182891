// Someone who can write the store but has no key (design: security.md "Who might attack, and what holds"):
// whatever they do is refused with an alarm, and a running node keeps its last good records.
#include "test_store.hpp"

#include <gmock/gmock.h>

namespace shearline::store {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr unsigned here = 3;
constexpr unsigned elsewhere = 4;

// Two records in `here`, the first with two revisions; one in `elsewhere`; all seen by a running node.
struct Scene {
  explicit Scene(TestStore& tested)
      : store(tested), holder(tested.raw(), tested.clock), node(tested.other(), tested.clock) {
    holder.hold();
    put(victim, 0, "may enter");
    old_value = store.raw().get(here, victim.field()).value().value();
    old_head = store.raw().head(here).value().head;
    put(victim, 1, "revoked");
    put(neighbour, 0, "neighbour");
    put(stranger, 0, "stranger");
    for (const unsigned partition : {here, elsewhere}) {
      EXPECT_TRUE(node.sealed.load(partition, node.seen));
      EXPECT_TRUE(holder.sealed.load(partition, holder.seen));
    }
  }
  void put(const RecordKey& key, std::uint64_t revision, std::string_view words) {
    EXPECT_TRUE(holder.sealed.compare_and_put({key, revision, text(words), {}, std::nullopt}));
  }
  Bytes value(unsigned partition, const RecordKey& key) const {
    return store.raw().get(partition, key.field()).value().value();
  }
  // A node that starts now must not take this partition.
  void expect_refused_by_a_fresh_node() const {
    TestNode fresh(store.other(), store.clock);
    EXPECT_EQ(fresh.sealed.load(here, fresh.seen).error().code, Code::internal_error);
    EXPECT_THAT(fresh.seen.alarms, Contains("partition_refused"));
    EXPECT_THAT(fresh.seen.records, IsEmpty());
    EXPECT_EQ(fresh.seen.heard_of.count(here), 0U);
  }
  // The running node goes on with what it knows.
  void expect_node_unmoved() const {
    EXPECT_EQ(node.seen.records.at(victim).payload, text("revoked"));
    EXPECT_EQ(node.seen.records.at(neighbour).payload, text("neighbour"));
  }

  TestStore& store;
  TestNode holder;
  mutable TestNode node;
  RecordKey victim{Kind::credential, id_in(here, 0)};
  RecordKey neighbour{Kind::credential, id_in(here, 1)};
  RecordKey stranger{Kind::credential, id_in(elsewhere, 0)};
  Bytes old_value;
  Bytes old_head;
};

struct Attack : StoreTest {
  void on(const std::function<void(Scene&)>& body) const {
    run([&](TestStore& store, loop::Loop&) {
      Scene scene(store);
      body(scene);
    });
  }
};
INSTANTIATE_TEST_SUITE_P(All, Attack, testing::Values(Backend::memory, Backend::redis), backend_name);

TEST_P(Attack, UntouchedPartitionLoads) {
  on([](Scene& scene) {
    TestNode fresh(scene.store.other(), scene.store.clock);
    ASSERT_TRUE(fresh.sealed.load(here, fresh.seen));
    EXPECT_THAT(fresh.seen.records, SizeIs(2));
  });
}

TEST_P(Attack, ChangedBytesAreRefused) {
  on([](Scene& scene) {
    Bytes bad = scene.value(here, scene.victim);
    bad.back() ^= 1;
    scene.store.set_record(here, scene.victim.field(), bad);
    scene.expect_refused_by_a_fresh_node();
    EXPECT_EQ(scene.holder.sealed.get(scene.victim, 2).error().code, Code::internal_error);
    EXPECT_THAT(scene.holder.alarms, Contains("record_refused"));
    scene.expect_node_unmoved();
  });
}

TEST_P(Attack, RecordOfEveryTruncatedLengthIsRefused) {
  on([](Scene& scene) {
    const Bytes good = scene.value(here, scene.victim);
    for (std::size_t size = 0; size < good.size(); ++size) {
      scene.store.set_record(here, scene.victim.field(), ByteView(good).first(size));
      EXPECT_EQ(scene.holder.sealed.get(scene.victim, 0).error().code, Code::internal_error) << size;
      TestNode fresh(scene.store.raw(), scene.store.clock);
      EXPECT_EQ(fresh.sealed.load(here, fresh.seen).error().code, Code::internal_error) << size;
    }
  });
}

TEST_P(Attack, HeadOfEveryTruncatedLengthIsRefused) {
  on([](Scene& scene) {
    const Bytes good = scene.store.raw().head(here).value().head;
    for (std::size_t size = 0; size < good.size(); ++size) {
      scene.store.set_head(here, ByteView(good).first(size));
      TestNode fresh(scene.store.raw(), scene.store.clock);
      EXPECT_EQ(fresh.sealed.load(here, fresh.seen).error().code, Code::internal_error) << size;
    }
  });
}

TEST_P(Attack, RecordTransplantedToAnotherIdIsRefused) {
  on([](Scene& scene) {
    scene.store.set_record(here, scene.victim.field(), scene.value(here, scene.neighbour));
    scene.expect_refused_by_a_fresh_node();
    EXPECT_EQ(scene.holder.sealed.get(scene.victim, 0).error().code, Code::internal_error);
  });
}

TEST_P(Attack, RecordTransplantedToAnotherPartitionIsRefused) {
  on([](Scene& scene) {
    scene.store.set_record(here, scene.stranger.field(), scene.value(elsewhere, scene.stranger));
    scene.expect_refused_by_a_fresh_node();
  });
}

TEST_P(Attack, FieldThatNamesNoRecordIsRefused) {
  on([](Scene& scene) {
    scene.store.set_record(here, "rubbish", text("rubbish"));
    scene.expect_refused_by_a_fresh_node();
  });
}

TEST_P(Attack, OldRecordPutBackIsRefused) {
  on([](Scene& scene) {
    scene.store.set_record(here, scene.victim.field(), scene.old_value);
    scene.expect_refused_by_a_fresh_node();
    EXPECT_EQ(scene.holder.sealed.get(scene.victim, 2).error().code, Code::unavailable);
    EXPECT_THAT(scene.holder.alarms, Contains("record_old"));
  });
}

TEST_P(Attack, OldRecordAnnouncedAsAChangeIsNotApplied) {
  on([](Scene& scene) {
    const std::uint64_t next = scene.node.sealed.counter(here) + 1;
    scene.store.set_record(here, scene.victim.field(), scene.old_value);
    scene.store.add_change(here, next, scene.victim.field(), scene.old_value);
    scene.node.follow_to(here, next);
    EXPECT_THAT(scene.node.seen.alarms, Contains("record_old"));
    scene.expect_node_unmoved();
    scene.expect_refused_by_a_fresh_node();
  });
}

TEST_P(Attack, ForgedChangeIsNotAppliedAndTheNextGenuineOneIs) {
  on([](Scene& scene) {
    const std::uint64_t next = scene.node.sealed.counter(here) + 1;
    scene.store.add_change(here, next, scene.victim.field(), text("a value that nobody sealed, long enough"));
    scene.node.follow_to(here, next);
    EXPECT_THAT(scene.node.seen.alarms, Contains("record_refused"));
    scene.expect_node_unmoved();
  });
}

TEST_P(Attack, ChangeOfAnotherPartitionIsNotApplied) {
  on([](Scene& scene) {
    scene.put(scene.stranger, 1, "stranger, newer");
    const std::uint64_t next = scene.node.sealed.counter(here) + 1;
    scene.store.add_change(here, next, scene.stranger.field(), scene.value(elsewhere, scene.stranger));
    scene.node.follow_to(here, next);
    EXPECT_THAT(scene.node.seen.alarms, Contains("record_refused"));
    EXPECT_EQ(scene.node.seen.revision_of(scene.stranger), 1U);
  });
}

TEST_P(Attack, OldHeadPutBackIsRefused) {
  on([](Scene& scene) {
    scene.store.set_head(here, scene.old_head);
    scene.expect_refused_by_a_fresh_node();
    // The holder notices when it writes, and writes nothing.
    const auto put = scene.holder.sealed.compare_and_put({scene.victim, 2, text("x"), {}, std::nullopt});
    EXPECT_EQ(put.error().code, Code::internal_error);
    EXPECT_THAT(scene.holder.alarms, Contains("store_broken"));
    EXPECT_EQ(scene.store.raw().head(here).value().head, scene.old_head);
    EXPECT_EQ(scene.store.raw().head(here).value().counter, 3U);
    // One that knows no better from its own puts as well.
    TestNode successor(scene.store.other(), scene.store.clock);
    successor.sealed.set_fence(scene.holder.sealed.fence());
    EXPECT_EQ(successor.sealed.compare_and_put({scene.victim, 2, text("x"), {}, std::nullopt}).error().code,
              Code::internal_error);
    EXPECT_THAT(successor.alarms, Contains("head_refused"));
  });
}

TEST_P(Attack, HeadOfAnotherPartitionIsRefused) {
  on([](Scene& scene) {
    scene.store.set_head(here, scene.store.raw().head(elsewhere).value().head);
    scene.expect_refused_by_a_fresh_node();
  });
}

TEST_P(Attack, OldRecordWithItsOldHeadIsRefusedByTheChangeCounter) {
  on([](Scene& scene) {
    scene.store.set_record(here, scene.victim.field(), scene.old_value);
    scene.store.remove_record(here, scene.neighbour.field());
    scene.store.set_head(here, scene.old_head);
    scene.expect_refused_by_a_fresh_node();
  });
}

TEST_P(Attack, RecordTakenAwayIsMissed) {
  on([](Scene& scene) {
    scene.store.remove_record(here, scene.victim.field());
    scene.expect_refused_by_a_fresh_node();
    EXPECT_EQ(scene.holder.sealed.get(scene.victim, 2).error().code, Code::unavailable);
    EXPECT_THAT(scene.holder.alarms, Contains("record_lost"));
  });
}

TEST_P(Attack, WholePartitionsExchangedAreRefused) {
  on([](Scene& scene) {
    scene.store.swap_partitions(here, elsewhere);
    scene.expect_refused_by_a_fresh_node();
    EXPECT_FALSE(scene.node.sealed.follow(here, scene.node.seen, 1));
    EXPECT_FALSE(scene.node.sealed.load(here, scene.node.seen));
    EXPECT_THAT(scene.node.seen.alarms, Contains("partition_refused"));
    scene.expect_node_unmoved();
  });
}

TEST_P(Attack, WholePartitionTakenAwayIsNoticedByWhoKnewIt) {
  on([](Scene& scene) {
    scene.store.remove_partition(here);
    EXPECT_EQ(scene.node.sealed.follow(here, scene.node.seen, 1).error().code, Code::not_found);
    EXPECT_THAT(scene.node.seen.alarms, Contains("store_went_backwards"));
    scene.expect_node_unmoved();
  });
}

TEST_P(Attack, PutOverATamperedRecordIsRefused) {
  on([](Scene& scene) {
    Bytes bad = scene.value(here, scene.victim);
    bad.back() ^= 1;  // the revision still fits
    scene.store.set_record(here, scene.victim.field(), bad);
    TestNode successor(scene.store.other(), scene.store.clock);
    successor.sealed.set_fence(scene.holder.sealed.fence());
    const auto put = successor.sealed.compare_and_put({scene.victim, 2, text("x"), {}, std::nullopt});
    EXPECT_EQ(put.error().code, Code::internal_error);
    EXPECT_THAT(successor.alarms, Contains("record_refused"));
    EXPECT_EQ(scene.value(here, scene.victim), bad);
  });
}

TEST_P(Attack, EventTransplantedOrChangedIsLeftOut) {
  on([](Scene& scene) {
    ASSERT_TRUE(scene.holder.sealed.compare_and_put({scene.victim, 2, text("x"), {text("event")}, {}}));
    const auto genuine = scene.store.raw().outbox(here, 10).value().at(0);
    Bytes changed = genuine.event;
    changed.back() ^= 1;
    scene.store.add_outbox(here, genuine.counter, 1, genuine.event);
    scene.store.add_outbox(here, genuine.counter, 2, changed);
    for (std::uint32_t size = 0; size < genuine.event.size(); ++size) {
      scene.store.add_outbox(here, genuine.counter, 3 + size, ByteView(genuine.event).first(size));
    }
    const auto events = scene.holder.sealed.outbox(here, 1000).value();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].event, text("event"));
    EXPECT_THAT(scene.holder.alarms, Contains("event_refused"));
  });
}

TEST_P(Attack, WhatIsRefusedIsToldOnceUntilItIsAnotherMatter) {
  on([](Scene& scene) {
    TestNode fresh(scene.store.other(), scene.store.clock);
    scene.store.set_record(here, scene.victim.field(), text("rubbish"));
    EXPECT_FALSE(fresh.sealed.load(here, fresh.seen));
    EXPECT_FALSE(fresh.sealed.load(here, fresh.seen));
    EXPECT_THAT(fresh.seen.alarms, testing::ElementsAre("record_refused", "partition_refused"));
    scene.store.set_record(here, scene.neighbour.field(), text("rubbish"));
    EXPECT_FALSE(fresh.sealed.load(here, fresh.seen));
    EXPECT_THAT(fresh.seen.alarms,
                testing::ElementsAre("record_refused", "partition_refused", "partition_refused"));
  });
}

TEST_P(Attack, NothingIsReadFromOrPutIntoAPartitionThatIsWithheld) {
  on([](Scene& scene) {
    scene.holder.sealed.withhold(here, "its records are not proven");
    const auto record = scene.holder.sealed.get(scene.victim, 0);
    EXPECT_EQ(record.error().code, Code::unavailable);
    EXPECT_THAT(record.error().message, testing::HasSubstr("its records are not proven"));
    const auto put = scene.holder.sealed.compare_and_put({scene.victim, 2, text("x"), {}, std::nullopt});
    EXPECT_EQ(put.error().code, Code::unavailable);
    EXPECT_EQ(scene.store.raw().head(here).value().counter, 3U);
    EXPECT_TRUE(scene.holder.sealed.get(scene.stranger, 1));
    scene.holder.sealed.open(here);
    EXPECT_TRUE(scene.holder.sealed.get(scene.victim, 2));
  });
}

TEST_P(Attack, AnotherDeploymentsStoreIsRefused) {
  on([](Scene& scene) {
    SeededRandom other_random(99);
    SealedStore foreign(scene.store.raw(), random_key(other_random), other_random, scene.store.clock);
    Recorder seen;
    EXPECT_EQ(foreign.load(here, seen).error().code, Code::internal_error);
    EXPECT_THAT(seen.records, IsEmpty());
  });
}

}  // namespace
}  // namespace shearline::store
