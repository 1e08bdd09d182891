// What every RawStore promises (design: architecture.md "State"), one suite for all of them.
#include "io/loop/fiber_scheduler.hpp"
#include "test_store.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace shearline::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Conformance : StoreTest {};
INSTANTIATE_TEST_SUITE_P(All, Conformance, testing::Values(Backend::memory, Backend::redis), backend_name);

Bytes value_of(std::uint64_t revision, std::string_view words = "value") {
  Bytes value(value_prefix_bytes + words.size());
  store_be64(revision, value.data());
  std::ranges::copy(words, value.begin() + value_prefix_bytes);
  return value;
}

// A put that fits onto what stands in partition 3 of an otherwise empty store.
RawPut first_put(std::uint64_t fence) {
  RawPut put;
  put.partition = 3;
  put.field = "credential:a";
  put.value = value_of(1);
  put.head = text("head 1");
  put.fence = fence;
  return put;
}

RawPut next_put(const RawPut& before) {
  RawPut put = before;
  put.expected_counter = before.expected_counter + 1;
  put.expected_head = before.head;
  put.expected_revision = load_be64(before.value.data());
  put.value = value_of(put.expected_revision + 1);
  put.head = text("head " + std::to_string(put.expected_counter + 1));
  return put;
}

std::map<std::string, Bytes> all_records(RawStore& store, unsigned partition) {
  std::map<std::string, Bytes> records;
  EXPECT_TRUE(store.scan(partition, [&](std::span<const RawRecord> page) {
    for (const auto& [field, value] : page) records[std::string(field)] = to_bytes(value);
  }));
  return records;
}

// Everything a put may touch.
struct Snapshot {
  std::map<std::string, Bytes> records;
  std::uint64_t counter;
  Bytes head;
  std::size_t changes, outbox, due;
  bool operator==(const Snapshot&) const = default;
};
Snapshot snapshot(RawStore& store, unsigned partition) {
  const auto head = store.head(partition).value();
  return {all_records(store, partition),
          head.counter,
          head.head,
          store.changes(partition, {}, 0).value().size(),
          store.outbox(partition, 1000).value().size(),
          store.due(partition, time_never / 2, 1000).value().size()};
}

TEST_P(Conformance, BeginsEmpty) {
  run([](TestStore& store, loop::Loop&) {
    for (unsigned partition = 0; partition < partition_count; ++partition) {
      EXPECT_EQ(snapshot(store.raw(), partition), (Snapshot{{}, 0, {}, 0, 0, 0}));
    }
    EXPECT_EQ(store.raw().get(0, "credential:a").value(), std::nullopt);
    EXPECT_EQ(store.raw().next_due(0).value(), std::nullopt);
  });
}

TEST_P(Conformance, PutWritesRecordHeadChangeEventsAndDeadlineTogether) {
  run([](TestStore& store, loop::Loop&) {
    RawPut put = first_put(store.raw().raise_fences().value());
    put.events = {text("one"), text("two")};
    put.due_at = 5000;
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);

    RawStore& raw = store.other();
    EXPECT_EQ(raw.get(3, "credential:a").value(), put.value);
    EXPECT_EQ(raw.head(3).value().counter, 1U);
    EXPECT_EQ(raw.head(3).value().head, put.head);
    const auto changes = raw.changes(3, {}, 0).value();
    ASSERT_THAT(changes, SizeIs(1));
    EXPECT_EQ(changes[0].counter, 1U);
    EXPECT_EQ(changes[0].field, put.field);
    EXPECT_EQ(changes[0].value, put.value);
    const auto outbox = raw.outbox(3, 10).value();
    ASSERT_THAT(outbox, SizeIs(2));
    EXPECT_EQ(outbox[0].event, text("one"));
    EXPECT_EQ(std::pair(outbox[1].counter, outbox[1].index), std::pair(std::uint64_t{1}, 1U));
    EXPECT_EQ(raw.next_due(3).value(), 5000);
  });
}

TEST_P(Conformance, PutsOfOneSeriesAreNumberedWithoutHoles) {
  run([](TestStore& store, loop::Loop&) {
    RawPut put = first_put(store.raw().raise_fences().value());
    for (std::uint64_t n = 1; n <= 20; ++n, put = next_put(put)) {
      ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok) << n;
    }
    const auto changes = store.raw().changes(3, {}, 0).value();
    ASSERT_THAT(changes, SizeIs(20));
    for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_EQ(changes[i].counter, i + 1);
  });
}

struct Refusal {
  std::string name;
  std::function<void(RawPut&)> spoil;
  PutOutcome outcome;
};

TEST_P(Conformance, RefusedPutChangesNothing) {
  const std::vector<Refusal> refusals{
      {"lower fence", [](RawPut& put) { put.fence -= 1; }, PutOutcome::fenced},
      {"fence nobody raised", [](RawPut& put) { put.fence += 1; }, PutOutcome::fenced},
      {"no fence", [](RawPut& put) { put.fence = 0; }, PutOutcome::fenced},
      {"older revision", [](RawPut& put) { put.expected_revision -= 1; }, PutOutcome::conflict},
      {"newer revision", [](RawPut& put) { put.expected_revision += 1; }, PutOutcome::conflict},
      {"exists already", [](RawPut& put) { put.expected_revision = 0; }, PutOutcome::conflict},
      {"does not exist", [](RawPut& put) { put.field = "credential:b"; }, PutOutcome::conflict},
      {"older counter", [](RawPut& put) { put.expected_counter -= 1; }, PutOutcome::conflict},
      {"newer counter", [](RawPut& put) { put.expected_counter += 1; }, PutOutcome::conflict},
      {"other head", [](RawPut& put) { put.expected_head = text("x"); }, PutOutcome::broken},
      {"no head", [](RawPut& put) { put.expected_head.clear(); }, PutOutcome::broken},
  };
  run([&](TestStore& store, loop::Loop&) {
    store.raw().raise_fences().value();
    RawPut put = first_put(store.raw().raise_fences().value());
    put.events = {text("event")};
    put.due_at = 1;
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    put = next_put(put);
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    const Snapshot before = snapshot(store.raw(), 3);
    for (const Refusal& refusal : refusals) {
      RawPut bad = next_put(put);
      refusal.spoil(bad);
      EXPECT_EQ(store.raw().compare_and_put(bad).value(), refusal.outcome) << refusal.name;
      EXPECT_EQ(snapshot(store.raw(), 3), before) << refusal.name;
    }
    EXPECT_EQ(store.raw().compare_and_put(next_put(put)).value(), PutOutcome::ok);
  });
}

TEST_P(Conformance, RecordShorterThanItsPrefixIsBroken) {
  run([](TestStore& store, loop::Loop&) {
    const RawPut put = first_put(store.raw().raise_fences().value());
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    for (std::size_t size = 0; size < value_prefix_bytes; ++size) {
      store.set_record(3, put.field, ByteView(put.value).first(size));
      EXPECT_EQ(store.raw().compare_and_put(next_put(put)).value(), PutOutcome::broken) << size;
    }
  });
}

TEST_P(Conformance, FieldsAndValuesMayHoldAnyBytes) {
  run([](TestStore& store, loop::Loop&) {
    RawPut put = first_put(store.raw().raise_fences().value());
    put.field = std::string("credential:\xFF\r\n\0$5", 16);
    put.value = value_of(UINT64_MAX);
    for (int i = 0; i < 256; ++i) put.value.push_back(static_cast<Byte>(i));
    put.head = Bytes{0, '\r', '\n', 0xFF};
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    EXPECT_EQ(store.raw().get(3, put.field).value(), put.value);
    EXPECT_EQ(store.raw().head(3).value().head, put.head);
    EXPECT_EQ(store.raw().changes(3, {}, 0).value().at(0).field, put.field);
  });
}

TEST_P(Conformance, PartitionsDoNotTouchEachOther) {
  run([](TestStore& store, loop::Loop&) {
    RawPut put = first_put(store.raw().raise_fences().value());
    for (unsigned partition = 0; partition < partition_count; ++partition) {
      put.partition = partition;
      ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok) << partition;
    }
    put = next_put(put);
    put.partition = 5;
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    EXPECT_EQ(store.raw().head(5).value().counter, 2U);
    EXPECT_EQ(store.raw().head(6).value().counter, 1U);
  });
}

// ---- changes ----

TEST_P(Conformance, FollowerIsWokenByAPut) {
  run([](TestStore& store, loop::Loop&) {
    const RawPut put = first_put(store.raw().raise_fences().value());
    std::vector<RawChange> news;
    auto follower = loop::spawn("follower", [&] { news = store.other().changes(3, {}, 60'000).value(); });
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    follower.join();
    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].value, put.value);
  });
}

TEST_P(Conformance, FollowerHearsOnlyWhatIsNew) {
  run([](TestStore& store, loop::Loop&) {
    const RawPut put = first_put(store.raw().raise_fences().value());
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    const auto first = store.raw().changes(3, {}, 0).value();
    const Position here{1, hash_of(first.at(0))};
    EXPECT_THAT(store.raw().changes(3, here, 0).value(), IsEmpty());
    EXPECT_THAT(store.raw().changes(3, here, 1).value(), IsEmpty());
    ASSERT_EQ(store.raw().compare_and_put(next_put(put)).value(), PutOutcome::ok);
    const auto second = store.raw().changes(3, here, 0).value();
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_EQ(second[0].counter, 2U);
  });
}

TEST_P(Conformance, FollowerMustReloadWhenItsPlaceIsTrimmed) {
  run([](TestStore& store, loop::Loop&) {
    RawPut put = first_put(store.raw().raise_fences().value());
    for (int i = 0; i < 5; ++i, put = next_put(put)) {
      ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    }
    const auto all = store.raw().changes(3, {}, 0).value();
    store.trim_changes(3, 2);
    EXPECT_EQ(store.raw().changes(3, {2, hash_of(all[1])}, 0).error().code, Code::not_found);
    EXPECT_EQ(store.raw().changes(3, {2, std::nullopt}, 0).error().code, Code::not_found);
    EXPECT_EQ(store.raw().changes(3, {}, 0).error().code, Code::not_found);
    EXPECT_THAT(store.raw().changes(3, {4, hash_of(all[3])}, 0).value(), SizeIs(1));
    EXPECT_EQ(store.raw().change_at(3, 2).value(), std::nullopt);
    EXPECT_EQ(store.raw().change_at(3, 4).value()->counter, 4U);
  });
}

TEST_P(Conformance, FollowerMustReloadWhenItIsAheadOfTheStore) {
  run([](TestStore& store, loop::Loop&) {
    const RawPut put = first_put(store.raw().raise_fences().value());
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    EXPECT_EQ(store.raw().changes(3, {7, Hash{}}, 1).error().code, Code::not_found);
    EXPECT_EQ(store.raw().changes(3, {7, std::nullopt}, 1).error().code, Code::not_found);
  });
}

TEST_P(Conformance, FollowerMustReloadWhenOtherBytesStandAtItsPlace) {
  run([](TestStore& store, loop::Loop&) {
    const RawPut put = first_put(store.raw().raise_fences().value());
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    const RawChange other{1, put.field, value_of(1, "another history")};
    EXPECT_EQ(store.raw().changes(3, {1, hash_of(other)}, 1).error().code, Code::not_found);
  });
}

// ---- outbox and deadlines ----

TEST_P(Conformance, OutboxGoesUpToTheAcknowledgedEventAndNoFurther) {
  run([](TestStore& store, loop::Loop&) {
    const std::uint64_t fence = store.raw().raise_fences().value();
    RawPut put = first_put(fence);
    put.events = {text("1.0"), text("1.1"), text("1.2")};
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    put = next_put(put);
    put.events = {text("2.0")};
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    EXPECT_THAT(store.raw().outbox(3, 2).value(), SizeIs(2));

    ASSERT_EQ(store.raw().acknowledge_outbox(3, 1, 1, fence).value(), PutOutcome::ok);
    auto left = store.raw().outbox(3, 10).value();
    ASSERT_THAT(left, SizeIs(2));
    EXPECT_EQ(left[0].event, text("1.2"));
    ASSERT_EQ(store.raw().acknowledge_outbox(3, 1, 1, fence).value(), PutOutcome::ok);  // again: no harm
    EXPECT_THAT(store.raw().outbox(3, 10).value(), SizeIs(2));
    ASSERT_EQ(store.raw().acknowledge_outbox(3, 2, 0, fence).value(), PutOutcome::ok);
    EXPECT_THAT(store.raw().outbox(3, 10).value(), IsEmpty());
    put = next_put(put);
    EXPECT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
  });
}

TEST_P(Conformance, OutboxIsNotTakenAwayUnderAnOldFence) {
  run([](TestStore& store, loop::Loop&) {
    const std::uint64_t fence = store.raw().raise_fences().value();
    RawPut put = first_put(fence);
    put.events = {text("event")};
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    ASSERT_GT(store.other().raise_fences().value(), fence);
    EXPECT_EQ(store.raw().acknowledge_outbox(3, 1, 0, fence).value(), PutOutcome::fenced);
    EXPECT_EQ(store.raw().acknowledge_outbox(3, 1, 0, 0).value(), PutOutcome::fenced);
    EXPECT_THAT(store.raw().outbox(3, 10).value(), SizeIs(1));
  });
}

TEST_P(Conformance, DeadlinesComeInOrderAndEndWithThePutThatClearsThem) {
  run([](TestStore& store, loop::Loop&) {
    RawPut put = first_put(store.raw().raise_fences().value());
    Bytes head;
    std::uint64_t counter = 0;
    for (const auto& [field, at_ms] : std::map<std::string, TimeMs>{
             {"credential:a", 3000}, {"credential:b", 1000}, {"credential:c", 1'800'000'000'001}}) {
      put.field = field;
      put.due_at = at_ms;
      put.expected_head = head;
      put.expected_counter = counter++;
      ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
      head = put.head;
    }
    auto due = store.raw().due(3, 1'800'000'000'000, 10).value();
    ASSERT_THAT(due, SizeIs(2));
    EXPECT_EQ(due[0].field, "credential:b");
    EXPECT_EQ(due[1].at_ms, 3000);
    EXPECT_THAT(store.raw().due(3, 1'800'000'000'001, 10).value(), SizeIs(3));
    EXPECT_THAT(store.raw().due(3, 1'800'000'000'001, 1).value(), SizeIs(1));
    EXPECT_EQ(store.raw().next_due(3).value(), 1000);

    put.field = "credential:b";
    put.due_at.reset();
    put.expected_head = head;
    put.expected_counter = counter;
    put.expected_revision = 1;
    put.value = value_of(2);
    ASSERT_EQ(store.raw().compare_and_put(put).value(), PutOutcome::ok);
    EXPECT_EQ(store.raw().next_due(3).value(), 3000);
  });
}

// ---- groups ----

TEST_P(Conformance, GroupStreamKeepsOrderAndIsReadOnFromAnId) {
  run([](TestStore& store, loop::Loop&) {
    for (const char* envelope : {"one", "two", "three"}) {
      ASSERT_EQ(store.raw().append("g1", text(envelope), 1).value(), PutOutcome::ok);
    }
    const auto all = store.other().read_group("g1", "", 10, 0).value();
    ASSERT_THAT(all, SizeIs(3));
    EXPECT_EQ(all[2].envelope, text("three"));
    const auto rest = store.other().read_group("g1", all[0].id, 1, 0).value();
    ASSERT_THAT(rest, SizeIs(1));
    EXPECT_EQ(rest[0].envelope, text("two"));
    EXPECT_THAT(store.other().read_group("g1", all[2].id, 10, 1).value(), IsEmpty());
    EXPECT_THAT(store.other().read_group("g2", "", 10, 0).value(), IsEmpty());
  });
}

TEST_P(Conformance, GroupReaderIsWokenByAnAppend) {
  run([](TestStore& store, loop::Loop&) {
    std::vector<StreamEntry> read;
    auto reader =
        loop::spawn("reader", [&] { read = store.other().read_group("g1", "", 10, 60'000).value(); });
    ASSERT_EQ(store.raw().append("g1", text("one"), 1).value(), PutOutcome::ok);
    reader.join();
    EXPECT_THAT(read, SizeIs(1));
  });
}

TEST_P(Conformance, GroupIsFencedByTheHighestFenceThatTouchedIt) {
  run([](TestStore& store, loop::Loop&) {
    EXPECT_EQ(store.raw().append("g1", text("no fence"), 0).value(), PutOutcome::fenced);
    ASSERT_EQ(store.raw().append("g1", text("old holder"), 3).value(), PutOutcome::ok);
    ASSERT_TRUE(store.raw().raise_group_fence("g1", 5));
    EXPECT_EQ(store.raw().append("g1", text("woken holder"), 3).value(), PutOutcome::fenced);
    ASSERT_TRUE(store.raw().raise_group_fence("g1", 4));  // never lowers
    EXPECT_EQ(store.raw().append("g1", text("between"), 4).value(), PutOutcome::fenced);
    EXPECT_EQ(store.raw().append("g1", text("new holder"), 6).value(), PutOutcome::ok);
    EXPECT_EQ(store.raw().append("g1", text("woken holder"), 5).value(), PutOutcome::fenced);
    EXPECT_THAT(store.raw().read_group("g1", "", 10, 0).value(), SizeIs(2));
  });
}

TEST_P(Conformance, GroupIdsAndEntryIdsAreChecked) {
  run([](TestStore& store, loop::Loop&) {
    EXPECT_EQ(store.raw().append("a}b", text("x"), 1).error().code, Code::invalid);
    EXPECT_EQ(store.raw().read_group("", "", 1, 0).error().code, Code::invalid);
    EXPECT_EQ(store.raw().raise_group_fence("a b", 1).error().code, Code::invalid);
    for (const char* id : {"x", "1", "1-", "-1", "1-0 ", "$"}) {
      EXPECT_EQ(store.raw().read_group("g1", id, 1, 0).error().code, Code::invalid) << id;
    }
  });
}

// ---- lease and fences ----

TEST_P(Conformance, LeaseHasOneHolderWhoMayKeepIt) {
  run([](TestStore& store, loop::Loop&) {
    EXPECT_TRUE(store.raw().lease("node-a", 60'000).value().ours);
    const auto refused = store.other().lease("node-b", 60'000).value();
    EXPECT_FALSE(refused.ours);
    EXPECT_EQ(refused.held_by, "node-a");
    EXPECT_TRUE(store.raw().lease("node-a", 60'000).value().ours);
    ASSERT_TRUE(store.other().release_lease("node-b"));  // not its own: nothing happens
    EXPECT_FALSE(store.other().lease("node-b", 60'000).value().ours);
    ASSERT_TRUE(store.raw().release_lease("node-a"));
    EXPECT_TRUE(store.other().lease("node-b", 60'000).value().ours);
  });
}

TEST_P(Conformance, LeaseEndsByItself) {
  run([](TestStore& store, loop::Loop& loop) {
    ASSERT_TRUE(store.raw().lease("node-a", 20).value().ours);
    store.clock.now += 20;
    // Redis counts its own time: asked until it says so.
    while (!store.other().lease("node-b", 60'000).value().ours) loop::sleep_for_ms(loop, 1);
    EXPECT_FALSE(store.raw().lease("node-a", 60'000).value().ours);
  });
}

TEST_P(Conformance, FencesOnlyRiseAndShutOutTheOneBefore) {
  run([](TestStore& store, loop::Loop&) {
    const std::uint64_t first = store.raw().raise_fences().value();
    const RawPut put = first_put(first);
    const std::uint64_t second = store.other().raise_fences().value();
    EXPECT_GT(second, first);
    for (unsigned partition = 0; partition < partition_count; ++partition) {
      RawPut late = put;
      late.partition = partition;
      EXPECT_EQ(store.raw().compare_and_put(late).value(), PutOutcome::fenced) << partition;
      late.fence = second;
      EXPECT_EQ(store.raw().compare_and_put(late).value(), PutOutcome::ok) << partition;
    }
  });
}

TEST_P(Conformance, TimeOfTheStoreMovesForward) {
  run([](TestStore& store, loop::Loop&) {
    const TimeMs first = store.raw().store_time_ms().value();
    EXPECT_GT(first, 1'600'000'000'000);
    EXPECT_GE(store.raw().store_time_ms().value(), first);
  });
}

}  // namespace
}  // namespace shearline::store
