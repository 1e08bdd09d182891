// Answers that are lost and servers that die: nothing acknowledged is lost, nothing happens twice.
#include "io/loop/fiber_scheduler.hpp"
#include "redis_case.hpp"

#include <boost/fiber/operations.hpp>
#include <gmock/gmock.h>

#include <array>
#include <set>
#include <span>
#include <string>

namespace shearline::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(RedisLoss, PutWhoseAnswerWasLostIsUnknownAndTheSamePutAgainIsItsOwn) {
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop);
    redis.options.timeout_ms = 1000;
    const auto impatient = make_redis_store(loop, redis.options);
    TestNode node(*impatient, redis.clock);
    node.sealed.set_fence(redis.node.sealed.fence());
    Result<std::uint64_t> first = node.sealed.compare_and_put(redis.put(0));
    while (!first) first = node.sealed.compare_and_put(redis.put(0));  // on a busy machine

    redis.server.freeze();
    const auto lost = node.sealed.compare_and_put(redis.put(1));
    EXPECT_EQ(lost.error().code, Code::unavailable);
    EXPECT_THAT(lost.error().message, HasSubstr("outcome unknown"));
    redis.server.thaw();
    const RecordKey key = redis.put(0).key;
    while (redis.node.sealed.get(key, 1).value().revision == 1) loop::sleep_for_ms(loop, 1);

    const auto again = node.sealed.compare_and_put(redis.put(1));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, 2U);
    EXPECT_THAT(redis.node.sealed.outbox(here, 10).value(), SizeIs(2));
    // It stays its own only until it was answered.
    EXPECT_EQ(node.sealed.compare_and_put(redis.put(1)).error().code, Code::conflict);
    EXPECT_EQ(node.sealed.compare_and_put(redis.put(2)).value(), 3U);
    impatient->stop();
  });
}

void write_fields(const RedisCase& redis, std::size_t count) {
  std::vector<std::string> fields;
  for (std::size_t i = 0; i < count; ++i) fields.push_back("f" + std::to_string(i));
  const std::string records = tag + "records";
  RedisLink::Args args{"HSET", records};
  for (const std::string& field : fields) args.insert(args.end(), {field, "v"});
  ASSERT_EQ(redis.ask(args).integer, static_cast<std::int64_t>(count));
}

// The next page is always on its way when a page is taken.
TEST(RedisLoss, ScanGoesOnWhereItStoodWhenItsConnectionsAreCut) {
  in_fiber([](loop::Loop& loop) {
    constexpr std::size_t count = 3 * scan_page_records;
    SealedCase redis(loop);
    write_fields(redis, count);
    std::set<std::string> fields;
    int pages = 0;
    const Status scanned = redis.store->scan(here, [&](std::span<const RawRecord> page) {
      for (const RawRecord& record : page) fields.emplace(record.field);
      ++pages;
      redis.ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    });
    EXPECT_TRUE(scanned) << scanned.error().message;
    EXPECT_EQ(fields.size(), count);
    EXPECT_GT(pages, 2);
  });
}

TEST(RedisLoss, ScanEndsWithAnErrorWhenRedisDies) {
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop);
    write_fields(redis, 3 * scan_page_records);
    const Status scanned = redis.store->scan(here, [&](std::span<const RawRecord>) { redis.server.kill(); });
    EXPECT_EQ(scanned.error().code, Code::unavailable);
  });
}

TEST(RedisLoss, PutOfAnotherIsAConflictEvenAfterALostAnswer) {
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop);
    ASSERT_TRUE(redis.node.sealed.compare_and_put(redis.put(0)));
    redis.server.kill();
    EXPECT_EQ(redis.node.sealed.compare_and_put(redis.put(1)).error().code, Code::unavailable);
    redis.server.start();
    TestNode other(*redis.store, redis.clock);
    other.sealed.set_fence(redis.node.sealed.fence());
    auto change = redis.put(1);
    change.payload = text("another decision");
    ASSERT_TRUE(other.sealed.compare_and_put(change));
    EXPECT_EQ(redis.node.sealed.compare_and_put(redis.put(1)).error().code, Code::conflict);
  });
}

// Six times in the middle of puts by eight fibers, each into its own record of one partition.
TEST(RedisLoss, NoAcknowledgedPutIsLostWhenRedisIsKilled) {
  constexpr int fibers_count = 8;
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop, {"--appendfsync", "always"});
    std::array<std::uint64_t, fibers_count> acknowledged{};
    for (int round = 0; round < 6; ++round) {
      int puts = 0;
      bool killed = false;
      std::vector<boost::fibers::fiber> fibers;
      for (int i = 0; i < fibers_count; ++i) {
        fibers.push_back(loop::spawn("putter", [&, i] {
          while (!killed) {
            const auto put = redis.node.sealed.compare_and_put(redis.put(acknowledged[i], i));
            if (!put) {
              EXPECT_EQ(put.error().code, Code::unavailable) << put.error().message;
              continue;
            }
            acknowledged[i] = *put;
            ++puts;
          }
        }));
      }
      while (puts < 20 + 7 * round) boost::this_fiber::yield();
      redis.server.kill();
      redis.server.start();
      killed = true;
      for (auto& fiber : fibers) fiber.join();

      TestNode fresh(*redis.store, redis.clock);
      Status loaded = fresh.sealed.load(here, fresh.seen);
      while (!loaded && loaded.error().code == Code::unavailable) {
        loaded = fresh.sealed.load(here, fresh.seen);
      }
      ASSERT_TRUE(loaded) << loaded.error().message;
      std::size_t changes = 0;
      for (int i = 0; i < fibers_count; ++i) {
        const std::uint64_t stored = fresh.seen.revision_of(redis.put(0, i).key);
        EXPECT_GE(stored, acknowledged[i]);
        EXPECT_LE(stored, acknowledged[i] + 1);
        // The put that was in flight, again: whatever became of it, it is not a conflict.
        const auto again = redis.node.sealed.compare_and_put(redis.put(acknowledged[i], i));
        ASSERT_TRUE(again) << again.error().message;
        acknowledged[i] = *again;
        changes += *again;
      }
      EXPECT_THAT(redis.node.sealed.outbox(here, 10'000).value(), SizeIs(changes));
      EXPECT_EQ(redis.store->head(here).value().counter, changes);
    }
    EXPECT_THAT(redis.node.alarms, IsEmpty());
  });
}

TEST(RedisLoss, PutsWaitingForEachOtherHearAtOnceThatTheStoreIsAway) {
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop);
    redis.server.kill();
    int sent = 0;
    int not_sent = 0;
    std::vector<boost::fibers::fiber> fibers;
    for (int i = 0; i < 50; ++i) {
      fibers.push_back(loop::spawn("putter", [&, i] {
        const auto put = redis.node.sealed.compare_and_put(redis.put(0, i));
        EXPECT_EQ(put.error().code, Code::unavailable);
        ++(put.error().message.starts_with("not sent") ? not_sent : sent);
      }));
    }
    for (auto& fiber : fibers) fiber.join();
    EXPECT_EQ(sent, 1);
    EXPECT_EQ(not_sent, 49);
  });
}

TEST(RedisLoss, FollowerOfAKilledRedisSaysSoAndGoesOnWhereItWas) {
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop, {"--appendfsync", "always"});
    ASSERT_TRUE(redis.node.sealed.load(here, redis.node.seen));
    ASSERT_TRUE(redis.node.sealed.compare_and_put(redis.put(0)));
    redis.node.follow_to(here, 1);
    Status followed;
    auto follower =
        loop::spawn("follower", [&] { followed = redis.node.sealed.follow(here, redis.node.seen, 600'000); });
    boost::this_fiber::yield();
    redis.server.kill();
    follower.join();
    EXPECT_EQ(followed.error().code, Code::unavailable);
    redis.server.start();
    Result<std::uint64_t> put = redis.node.sealed.compare_and_put(redis.put(1));
    while (!put) put = redis.node.sealed.compare_and_put(redis.put(1));
    while (redis.node.sealed.counter(here) < 2) {
      followed = redis.node.sealed.follow(here, redis.node.seen, 1000);
      if (!followed) {
        EXPECT_EQ(followed.error().code, Code::unavailable);
      }
    }
    EXPECT_EQ(redis.node.seen.revision_of(redis.put(0).key), 2U);
    EXPECT_THAT(redis.node.seen.alarms, IsEmpty());
  });
}

}  // namespace
}  // namespace shearline::store
