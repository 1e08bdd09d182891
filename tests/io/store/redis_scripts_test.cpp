// The scripts where Redis refuses for want of memory, is a replica or a cluster, holds keys of other types.
#include "io/loop/fiber_scheduler.hpp"
#include "redis_case.hpp"

#include <gmock/gmock.h>

namespace shearline::store {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(RedisScripts, RunOnAClusterBecauseAllTheirKeysShareAHashTag) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop, {}, true);
    redis.ask({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
    while (to_string(redis.ask({"CLUSTER", "INFO"}).text).find("cluster_state:ok") == std::string::npos) {
      loop::sleep_for_ms(loop, 10);
    }
    redis.fence = redis.store->raise_fences().value();
    EXPECT_EQ(redis.store->compare_and_put(redis.first_put()).value(), PutOutcome::ok);
    EXPECT_EQ(redis.store->head(here).value().counter, 1U);
    EXPECT_EQ(redis.store->acknowledge_outbox(here, 1, 0, redis.fence).value(), PutOutcome::ok);
    EXPECT_EQ(redis.store->append("g1", text("envelope"), redis.fence).value(), PutOutcome::ok);
    EXPECT_TRUE(redis.store->raise_group_fence("g1", redis.fence));
    EXPECT_TRUE(redis.store->lease("node", 1000).value().ours);
    EXPECT_TRUE(redis.store->release_lease("node"));
  });
}

TEST(RedisScripts, OutOfMemoryNothingIsWritten) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.fence = redis.store->raise_fences().value();
    redis.ask({"CONFIG", "SET", "maxmemory", "1"});
    const auto put = redis.store->compare_and_put(redis.first_put());
    EXPECT_EQ(put.error().code, Code::unavailable);
    EXPECT_THAT(put.error().message, HasSubstr("OOM"));
    EXPECT_EQ(redis.store->append("g1", text("envelope"), redis.fence).error().code, Code::unavailable);
    EXPECT_EQ(redis.store->lease("node", 1000).error().code, Code::unavailable);
    redis.expect_nothing_written();
    EXPECT_EQ(redis.ask({"EXISTS", "shearline:{g:g1}:fence"}).integer, 0);
    redis.ask({"CONFIG", "SET", "maxmemory", "0"});
    EXPECT_EQ(redis.store->compare_and_put(redis.first_put()).value(), PutOutcome::ok);
  });
}

TEST(RedisScripts, OutOfMemoryTheHolderKeepsItsLease) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    ASSERT_TRUE(redis.store->lease("node", 1000).value().ours);
    redis.ask({"CONFIG", "SET", "maxmemory", "1"});
    EXPECT_TRUE(redis.store->lease("node", 600'000).value().ours);
    EXPECT_GT(redis.ask({"PTTL", "shearline:{sys}:lease"}).integer, 1000);
  });
}

TEST(RedisScripts, OnAReadOnlyReplicaNothingIsWritten) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.fence = redis.store->raise_fences().value();
    redis.ask({"REPLICAOF", "127.0.0.1", "1"});
    EXPECT_EQ(redis.store->compare_and_put(redis.first_put()).error().code, Code::unavailable);
    redis.ask({"REPLICAOF", "NO", "ONE"});
    redis.expect_nothing_written();
    EXPECT_EQ(redis.store->compare_and_put(redis.first_put()).value(), PutOutcome::ok);
  });
}

TEST(RedisScripts, KeyOfAnotherTypeIsBrokenAndNothingIsWritten) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.fence = redis.store->raise_fences().value();
    const std::string fence_text = std::to_string(redis.fence);
    for (const std::string name : {"records", "head", "changes", "outbox", "due", "fence"}) {
      const std::string key = tag + name;
      redis.ask({"DEL", key});
      redis.ask({"SADD", key, "not ours"});
      EXPECT_EQ(redis.store->compare_and_put(redis.first_put()).value(), PutOutcome::broken) << name;
      redis.ask({"DEL", key});
      redis.ask({"SET", tag + "fence", fence_text});
      redis.expect_nothing_written();
    }
    EXPECT_EQ(redis.store->compare_and_put(redis.first_put()).value(), PutOutcome::ok);
  });
}

TEST(RedisScripts, KeysOfOtherTypesAreErrorsToReaders) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    for (const std::string name : {"records", "head", "changes", "outbox", "due", "fence"}) {
      redis.ask({"SADD", tag + name, "not ours"});
    }
    for (const std::string key : {"shearline:{g:g1}:stream", "shearline:{sys}:lease"}) {
      redis.ask({"SADD", key, "not ours"});
    }
    RawStore& raw = *redis.store;
    EXPECT_EQ(raw.get(here, "credential:a").error().code, Code::internal_error);
    EXPECT_EQ(raw.scan(here, [](auto) {}).error().code, Code::internal_error);
    EXPECT_EQ(raw.head(here).error().code, Code::internal_error);
    EXPECT_EQ(raw.changes(here, {}, 0).error().code, Code::internal_error);
    EXPECT_EQ(raw.change_at(here, 1).error().code, Code::internal_error);
    EXPECT_EQ(raw.outbox(here, 1).error().code, Code::internal_error);
    EXPECT_EQ(raw.due(here, 1, 1).error().code, Code::internal_error);
    EXPECT_EQ(raw.next_due(here).error().code, Code::internal_error);
    EXPECT_EQ(raw.raise_fences().error().code, Code::internal_error);
    EXPECT_EQ(raw.lease("node", 1).error().code, Code::internal_error);
    EXPECT_EQ(raw.acknowledge_outbox(here, 1, 0, 1).value(), PutOutcome::broken);
    EXPECT_EQ(raw.append("g1", text("x"), 1).value(), PutOutcome::broken);
    EXPECT_EQ(raw.read_group("g1", "", 1, 0).error().code, Code::internal_error);
  });
}

TEST(RedisScripts, OutboxAheadOfTheChangesIsBroken) {
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop);
    redis.ask({"XADD", tag + "outbox", "18446744073709551615-1", "event", "forged"});
    EXPECT_EQ(redis.node.sealed.compare_and_put(redis.put(0)).error().code, Code::internal_error);
    EXPECT_THAT(redis.node.alarms, Contains("store_broken"));
    EXPECT_EQ(redis.ask({"EXISTS", tag + "changes"}).integer, 0);
  });
}

TEST(RedisScripts, ChangeStreamThatNoPutWroteIsRefusedByEverybody) {
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop);
    ASSERT_TRUE(redis.node.sealed.compare_and_put(redis.put(0)));
    ASSERT_TRUE(redis.node.sealed.load(here, redis.node.seen));
    redis.ask({"XADD", tag + "changes", "1-1", "field", "x", "value", "y"});
    EXPECT_EQ(redis.node.sealed.follow(here, redis.node.seen, 1).error().code, Code::internal_error);
    EXPECT_EQ(redis.node.sealed.follow(here, redis.node.seen, 1).error().code, Code::internal_error);
    EXPECT_EQ(redis.node.sealed.load(here, redis.node.seen).error().code, Code::internal_error);
    EXPECT_EQ(redis.node.sealed.compare_and_put(redis.put(1)).error().code, Code::internal_error);
    EXPECT_THAT(redis.node.seen.alarms, ElementsAre("store_broken"));  // told once
    EXPECT_THAT(redis.node.alarms, Contains("store_broken"));
  });
}

TEST(RedisScripts, ChangesAreTrimmedToAboutTheNumberKept) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.fence = redis.store->raise_fences().value();
    redis.ask({"EVAL",
               "for i = 1, 70000 do redis.call('XADD', KEYS[1], i .. '-0', 'field', 'f', 'value', 'v') end",
               "1", tag + "changes"});
    auto put = redis.first_put();
    put.expected_counter = 70'000;
    ASSERT_EQ(redis.store->compare_and_put(put).value(), PutOutcome::ok);
    const auto length = redis.ask({"XLEN", tag + "changes"}).integer;
    EXPECT_GE(length, 65'536);
    EXPECT_LT(length, 65'536 + 200);
  });
}

TEST(RedisScripts, FenceGrowsEvenWhereTheSystemPartitionLostIts) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.store->raise_fences().value();
    const std::uint64_t before = redis.store->raise_fences().value();
    redis.ask({"DEL", "shearline:{sys}:fence"});
    EXPECT_GT(redis.store->raise_fences().value(), before);
  });
}

TEST(RedisScripts, AreSentAgainWholeWhenRedisForgotThem) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.fence = redis.store->raise_fences().value();
    redis.ask({"SCRIPT", "FLUSH"});
    EXPECT_EQ(redis.store->compare_and_put(redis.first_put()).value(), PutOutcome::ok);
  });
}

TEST(RedisStore, DeploymentsWithTheirOwnPrefixDoNotMeet) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.fence = redis.store->raise_fences().value();
    ASSERT_EQ(redis.store->compare_and_put(redis.first_put()).value(), PutOutcome::ok);
    redis.options.prefix = "other:";
    const auto other = make_redis_store(loop, redis.options);
    EXPECT_EQ(other->head(here).value().counter, 0U);
    other->stop();
  });
}

TEST(RedisStore, DeadlineThatNobodyWroteIsDueAtOnce) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.ask({"ZADD", tag + "due", "-inf", "credential:a", "1e300", "credential:b"});
    const auto due = redis.store->due(here, 1, 10).value();
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_EQ(due[0].at_ms, 0);
  });
}

}  // namespace
}  // namespace shearline::store
