// A store that goes backwards, and one that tells two stories, over memory and Redis: it is noticed by whoever knew
// better, what is newer stays in force, and the holder puts back what it still has.
#include "test_store.hpp"

#include <gmock/gmock.h>

namespace shearline::store {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

struct Backward : StoreTest {};
INSTANTIATE_TEST_SUITE_P(All, Backward, testing::Values(Backend::memory, Backend::redis), backend_name);

constexpr unsigned here = 3;

// After a restart the old connections are found dead first.
void load_again(TestNode& node) {
  Status loaded = node.sealed.load(here, node.seen);
  while (!loaded && loaded.error().code == Code::unavailable) loaded = node.sealed.load(here, node.seen);
  ASSERT_TRUE(loaded) << loaded.error().message;
}

struct Backwards {
  explicit Backwards(TestStore& tested) : store(tested), holder(tested.raw(), tested.clock) {
    holder.hold();
    EXPECT_TRUE(holder.sealed.load(here, holder.seen));
    put(0, "kept", "event kept");
    holder.follow_to(here, 1);
    store.back_up();
    put(1, "lost", "event lost");
    put(2, "lost too", "event lost too");
    auto created = put_of(id_in(here, 1), 0, "created and lost");
    created.due_at = 77;
    EXPECT_TRUE(holder.sealed.compare_and_put(created));
    holder.follow_to(here, 4);
    store.restore();
    Status followed = holder.sealed.follow(here, holder.seen, 1);
    while (!followed && followed.error().code == Code::unavailable) {
      followed = holder.sealed.follow(here, holder.seen, 1);
    }
    EXPECT_EQ(followed.error().code, Code::not_found);
  }
  void put(std::uint64_t expected_revision, std::string_view words, std::string_view event) {
    auto change = put_of(id_in(here), expected_revision, words);
    change.events = {text(event)};
    const auto done = holder.sealed.compare_and_put(change);
    EXPECT_TRUE(done) << done.error().message;
  }

  TestStore& store;
  TestNode holder;
};

TEST_P(Backward, StoreThatWentBackwardsIsToldOnceAndTheNewerRecordsStay) {
  run([](TestStore& store, loop::Loop&) {
    Backwards lost(store);
    EXPECT_EQ(lost.holder.sealed.follow(here, lost.holder.seen, 1).error().code, Code::not_found);
    ASSERT_TRUE(lost.holder.sealed.load(here, lost.holder.seen));
    EXPECT_EQ(std::ranges::count(lost.holder.seen.alarms, "store_went_backwards"), 1);
    EXPECT_EQ(lost.holder.seen.revision_of({Kind::credential, id_in(here)}), 3U);
    EXPECT_EQ(lost.holder.sealed.lost_records(here), 2U);
  });
}

TEST_P(Backward, HolderPutsBackRecordsEventsAndDeadlinesThatWereLost) {
  run([](TestStore& store, loop::Loop&) {
    Backwards lost(store);
    ASSERT_TRUE(lost.holder.sealed.load(here, lost.holder.seen));
    const auto mended = lost.holder.sealed.mend(here, lost.holder.seen);
    ASSERT_TRUE(mended) << mended.error().message;
    EXPECT_EQ(lost.holder.sealed.lost_records(here), 0U);

    TestNode fresh(store.other(), store.clock);
    ASSERT_TRUE(fresh.sealed.load(here, fresh.seen));
    EXPECT_EQ(fresh.seen.records[(RecordKey{Kind::credential, id_in(here)})].payload, text("lost too"));
    EXPECT_EQ(fresh.seen.revision_of({Kind::credential, id_in(here, 1)}), 1U);
    EXPECT_EQ(store.raw().next_due(here).value(), 77);
    std::vector<std::string> events;
    const auto outbox = fresh.sealed.outbox(here, 10).value();
    for (const auto& event : outbox) events.push_back(to_string(event.event));
    EXPECT_THAT(events, testing::UnorderedElementsAre("event kept", "event lost", "event lost too"));

    const int applied = lost.holder.seen.applied;
    lost.holder.follow_to(here, store.raw().head(here).value().counter);
    EXPECT_EQ(lost.holder.seen.applied, applied);
    EXPECT_TRUE(lost.holder.sealed.compare_and_put(put_of(id_in(here), 3, "life goes on")));
  });
}

TEST_P(Backward, EventsThatWereAcknowledgedAreNotPutBack) {
  run([](TestStore& store, loop::Loop&) {
    TestNode holder(store.raw(), store.clock);
    holder.hold();
    ASSERT_TRUE(holder.sealed.load(here, holder.seen));
    store.back_up();
    auto put = put_of(id_in(here), 0, "x");
    put.events = {text("on disk already")};
    ASSERT_TRUE(holder.sealed.compare_and_put(put));
    holder.follow_to(here, 1);
    ASSERT_TRUE(holder.sealed.acknowledge_outbox(here, 1, 0));
    store.restore();
    load_again(holder);
    ASSERT_TRUE(holder.sealed.mend(here, holder.seen));
    EXPECT_EQ(holder.sealed.get({Kind::credential, id_in(here)}, 1).value().payload, text("x"));
    EXPECT_THAT(holder.sealed.outbox(here, 10).value(), IsEmpty());
  });
}

TEST_P(Backward, PutOntoAStoreThatWentBackwardsIsRefusedUntilItIsLoaded) {
  run([](TestStore& store, loop::Loop&) {
    Backwards lost(store);
    EXPECT_EQ(lost.holder.sealed.compare_and_put(put_of(id_in(here, 5), 0, "x")).error().code,
              Code::unavailable);
    ASSERT_TRUE(lost.holder.sealed.load(here, lost.holder.seen));
    EXPECT_TRUE(lost.holder.sealed.compare_and_put(put_of(id_in(here, 5), 0, "x")));
  });
}

TEST_P(Backward, OnlyTheHolderMends) {
  run([](TestStore& store, loop::Loop&) {
    Backwards lost(store);
    ASSERT_TRUE(lost.holder.sealed.load(here, lost.holder.seen));
    lost.holder.sealed.set_fence(0);
    EXPECT_EQ(lost.holder.sealed.mend(here, lost.holder.seen).error().code, Code::unavailable);
    EXPECT_EQ(store.raw().head(here).value().counter, 1U);
  });
}

TEST_P(Backward, WhatIsOlderThanTenMinutesIsNotKept) {
  run([](TestStore& store, loop::Loop&) {
    TestNode holder(store.raw(), store.clock);
    holder.hold();
    ASSERT_TRUE(holder.sealed.load(here, holder.seen));
    store.back_up();
    ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here), 0, "x")));
    store.clock.now += kept_ms;
    ASSERT_TRUE(holder.sealed.compare_and_put(put_of(id_in(here, 1), 0, "y")));
    store.restore();
    load_again(holder);
    EXPECT_EQ(holder.sealed.lost_records(here), 1U);
  });
}

// ---- what nobody has raw any more ----

// A record that was changed and one that was created after the copy, both longer ago than anything is kept.
struct LongAgo {
  explicit LongAgo(TestStore& tested) : store(tested), holder(tested.raw(), tested.clock) {
    holder.hold();
    EXPECT_TRUE(holder.sealed.load(here, holder.seen));
    put(0, 0, "old");
    put(1, 0, "as it is");
    store.back_up();
  }
  void put(int number, std::uint64_t revision, std::string_view words) {
    const auto done = holder.sealed.compare_and_put(put_of(id_in(here, number), revision, words));
    EXPECT_TRUE(done) << done.error().message;
    holder.follow_to(here, store.raw().head(here).value().counter);
  }
  void put_back_in_time() {
    store.clock.now += kept_ms;
    put(1, 1, "newest");  // what came before is not kept any longer
    store.restore();
    load_again(holder);
  }

  TestStore& store;
  TestNode holder;
};

TEST_P(Backward, RecordCreatedSinceThatIsAbsentIsToldAndCounted) {
  run([](TestStore& store, loop::Loop&) {
    LongAgo before(store);
    before.put(2, 0, "created since");
    before.put_back_in_time();
    EXPECT_THAT(before.holder.seen.alarms, Contains("record_lost"));
    EXPECT_EQ(before.holder.seen.revision_of({Kind::credential, id_in(here, 2)}), 1U);
    EXPECT_EQ(before.holder.sealed.lost_records(here), 1U);  // the newest is kept raw
    EXPECT_EQ(before.holder.sealed.behind(here), 2U);        // it and the one that was created
  });
}

TEST_P(Backward, WhatIsNotKeptStaysMissingAfterMendingAndIsNotToldAgain) {
  run([](TestStore& store, loop::Loop&) {
    LongAgo before(store);
    before.put(2, 0, "created since");
    before.put(0, 1, "changed since");
    before.put_back_in_time();
    ASSERT_TRUE(before.holder.sealed.mend(here, before.holder.seen));
    load_again(before.holder);
    EXPECT_EQ(before.holder.sealed.lost_records(here), 0U);
    EXPECT_EQ(before.holder.sealed.behind(here), 2U);
    const auto told = before.holder.seen.alarms;
    load_again(before.holder);
    EXPECT_EQ(before.holder.seen.alarms, told);
  });
}

TEST_P(Backward, NothingIsWrittenOverARecordThatIsMissing) {
  run([](TestStore& store, loop::Loop&) {
    LongAgo before(store);
    before.put(2, 0, "created since");
    before.put_back_in_time();
    const RecordKey gone{Kind::credential, id_in(here, 2)};
    EXPECT_EQ(before.holder.sealed.get(gone, 1).error().code, Code::unavailable);
    EXPECT_EQ(before.holder.sealed.compare_and_put(put_of(gone.id, 1, "x")).error().code, Code::conflict);
  });
}

TEST_P(Backward, NothingIsMissingOnceEverythingWasPutBack) {
  run([](TestStore& store, loop::Loop&) {
    LongAgo before(store);
    before.put_back_in_time();
    EXPECT_EQ(before.holder.sealed.behind(here), 1U);
    ASSERT_TRUE(before.holder.sealed.mend(here, before.holder.seen));
    load_again(before.holder);
    EXPECT_EQ(before.holder.sealed.behind(here), 0U);
    EXPECT_THAT(before.holder.seen.alarms, Not(Contains("record_lost")));
  });
}

TEST_P(Backward, LosingARecordOfOnePartitionIsNoMatterOfAnother) {
  run([](TestStore& store, loop::Loop&) {
    LongAgo before(store);
    ASSERT_TRUE(before.holder.sealed.load(here + 1, before.holder.seen));
    ASSERT_TRUE(before.holder.sealed.compare_and_put(put_of(id_in(here + 1), 0, "elsewhere")));
    before.holder.follow_to(here + 1, 1);
    load_again(before.holder);
    EXPECT_EQ(before.holder.sealed.behind(here), 0U);
    EXPECT_THAT(before.holder.seen.alarms, IsEmpty());
  });
}

// ---- two stories under one revision ----

// What A put at revision 2 was lost, and B, the next holder, put something else there.
struct Forked {
  explicit Forked(TestStore& tested)
      : store(tested), a(tested.raw(), tested.clock), b(tested.other(), tested.clock) {
    a.hold();
    EXPECT_TRUE(a.sealed.load(here, a.seen));
    EXPECT_TRUE(a.sealed.compare_and_put(put_of(id_in(here), 0, "common")));
    a.follow_to(here, 1);
    store.back_up();
    EXPECT_TRUE(a.sealed.compare_and_put(put_of(id_in(here), 1, "A's story")));
  }
  void other_story() {
    store.restore();
    load_again(b);
    b.sealed.set_fence(a.sealed.fence());
    EXPECT_TRUE(b.sealed.compare_and_put(put_of(id_in(here), 1, "B's story")));
  }
  void expect_a_puts_twice_and_all_is_proven() {
    for (const std::uint64_t revision : {2U, 3U}) {
      const auto put = a.sealed.compare_and_put(put_of(id_in(here), revision, "A again"));
      EXPECT_TRUE(put) << put.error().message;
    }
    EXPECT_THAT(a.alarms, IsEmpty());
    TestNode fresh(store.other(), store.clock);
    const auto loaded = fresh.sealed.load(here, fresh.seen);
    EXPECT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(fresh.seen.revision_of({Kind::credential, id_in(here)}), 4U);
  }

  TestStore& store;
  TestNode a;
  TestNode b;
};

TEST_P(Backward, ForkedRecordIsToldAndWhoLoadsItPutsOnTopOfWhatIsThere) {
  run([](TestStore& store, loop::Loop&) {
    Forked forked(store);
    forked.other_story();
    load_again(forked.a);
    EXPECT_THAT(forked.a.seen.alarms, Contains("record_forked"));
    forked.expect_a_puts_twice_and_all_is_proven();
  });
}

TEST_P(Backward, ForkedRecordThatComesAsAChangeIsPutOnTopOfAsWell) {
  run([](TestStore& store, loop::Loop&) {
    Forked forked(store);
    forked.other_story();
    Status followed = forked.a.sealed.follow(here, forked.a.seen, 5000);
    while (!followed && followed.error().code == Code::unavailable) {
      followed = forked.a.sealed.follow(here, forked.a.seen, 5000);
    }
    ASSERT_TRUE(followed) << followed.error().message;
    EXPECT_THAT(forked.a.seen.alarms, Contains("record_forked"));
    forked.expect_a_puts_twice_and_all_is_proven();
  });
}

TEST_P(Backward, ForkThatAFollowerHasSeenIsAStoreThatWentBackwards) {
  run([](TestStore& store, loop::Loop&) {
    Forked forked(store);
    forked.a.follow_to(here, 2);
    forked.other_story();
    Status followed = forked.a.sealed.follow(here, forked.a.seen, 1);
    while (!followed && followed.error().code == Code::unavailable) {
      followed = forked.a.sealed.follow(here, forked.a.seen, 1);
    }
    EXPECT_EQ(followed.error().code, Code::not_found);
    EXPECT_THAT(forked.a.seen.alarms, Contains("store_went_backwards"));
    load_again(forked.a);
    EXPECT_THAT(forked.a.seen.alarms, Contains("record_forked"));
    forked.expect_a_puts_twice_and_all_is_proven();
  });
}

// ---- changes of one's own that the follower comes to later ----

// Whoever puts a group knows it at once and does not wait for the change to come round (actors/admin.cpp).
struct KnowsItsOwn : TestNode {
  using TestNode::TestNode;
  void put_and_know(std::string_view id, std::uint64_t expected_revision) {
    const auto put = put_of(Kind::group, std::string(id), expected_revision, "members");
    const auto revision = sealed.compare_and_put(put);
    ASSERT_TRUE(revision) << revision.error().message;
    seen.records[put.key] = {put.key, *revision, put.payload};
  }
};

TEST_P(Backward, TwoQuickChangesOfOneGroupAreNoOldRecord) {
  run([](TestStore& store, loop::Loop&) {
    KnowsItsOwn node(store.raw(), store.clock);
    node.hold();
    ASSERT_TRUE(node.sealed.load(system_partition, node.seen));
    node.put_and_know("ops", 0);
    node.put_and_know("ops", 1);
    node.put_and_know("ops", 2);
    node.follow_to(system_partition, 3);
    EXPECT_THAT(node.seen.alarms, IsEmpty());
    EXPECT_EQ(node.sealed.behind(system_partition), 0U);
  });
}

TEST_P(Backward, AnOldRecordThatComesAfterTheOwnPutIsStillToldOf) {
  run([](TestStore& store, loop::Loop&) {
    KnowsItsOwn node(store.raw(), store.clock);
    node.hold();
    ASSERT_TRUE(node.sealed.load(system_partition, node.seen));
    node.put_and_know("ops", 0);
    const Bytes old = store.raw().get(system_partition, "group:ops").value().value();
    node.put_and_know("ops", 1);
    store.add_change(system_partition, 3, "group:ops", old);
    node.follow_to(system_partition, 3);
    EXPECT_THAT(node.seen.alarms, testing::ElementsAre("record_old"));
  });
}

// A store that lets somebody act just when a load has read all of it.
struct Interrupted : RawStore {
  explicit Interrupted(RawStore& given) : inner(given) {}
  Status scan(unsigned partition, const TakePage& take) override { return inner.scan(partition, take); }
  Result<RawHead> head(unsigned partition) override {
    auto head = inner.head(partition);
    if (++heads == 2 && after_the_last_look) std::exchange(after_the_last_look, {})();
    return head;
  }
  Result<std::optional<Bytes>> get(unsigned p, std::string_view field) override {
    return inner.get(p, field);
  }
  Result<std::vector<RawChange>> changes(unsigned p, const Position& from, std::int64_t wait_ms) override {
    return inner.changes(p, from, wait_ms);
  }
  Result<std::optional<RawChange>> change_at(unsigned p, std::uint64_t counter) override {
    return inner.change_at(p, counter);
  }
  Result<PutOutcome> compare_and_put(const RawPut& put) override { return inner.compare_and_put(put); }
  Result<std::vector<OutboxEntry>> outbox(unsigned p, std::size_t at_most) override {
    return inner.outbox(p, at_most);
  }
  Result<PutOutcome> acknowledge_outbox(unsigned p, std::uint64_t counter, std::uint32_t index,
                                        std::uint64_t fence) override {
    return inner.acknowledge_outbox(p, counter, index, fence);
  }
  Result<std::vector<DueEntry>> due(unsigned p, TimeMs until, std::size_t at_most) override {
    return inner.due(p, until, at_most);
  }
  Result<std::optional<TimeMs>> next_due(unsigned p) override { return inner.next_due(p); }
  Result<PutOutcome> append(std::string_view group, ByteView envelope, std::uint64_t fence) override {
    return inner.append(group, envelope, fence);
  }
  Result<std::vector<StreamEntry>> read_group(std::string_view group, std::string_view after,
                                              std::size_t at_most, std::int64_t wait_ms) override {
    return inner.read_group(group, after, at_most, wait_ms);
  }
  Result<Lease> lease(std::string_view node, std::int64_t ttl_ms) override {
    return inner.lease(node, ttl_ms);
  }
  Status release_lease(std::string_view node) override { return inner.release_lease(node); }
  Result<std::uint64_t> raise_fences() override { return inner.raise_fences(); }
  Status raise_group_fence(std::string_view group, std::uint64_t fence) override {
    return inner.raise_group_fence(group, fence);
  }
  Result<TimeMs> store_time_ms() override { return inner.store_time_ms(); }

  RawStore& inner;
  int heads = 0;
  std::function<void()> after_the_last_look;
};

TEST_P(Backward, ChangesMadeWhileItIsLoadedAreNeitherOldNorLost) {
  run([](TestStore& store, loop::Loop&) {
    Interrupted raw(store.raw());
    KnowsItsOwn node(raw, store.clock);
    node.hold();
    node.put_and_know("ops", 0);
    raw.heads = 0;
    raw.after_the_last_look = [&] {
      node.put_and_know("ops", 1);
      node.put_and_know("created meanwhile", 0);
    };
    ASSERT_TRUE(node.sealed.load(system_partition, node.seen));
    EXPECT_THAT(node.seen.alarms, IsEmpty());
    EXPECT_EQ(node.sealed.behind(system_partition), 0U);
    node.follow_to(system_partition, 3);
    EXPECT_THAT(node.seen.alarms, IsEmpty());
  });
}

}  // namespace
}  // namespace shearline::store
