// What only Redis can do to us: refuse for want of memory, hold keys of other types, be a replica or a
// cluster, ask for a password, swallow an answer, die.
#include "io/store/redis_store.hpp"

#include "io/loop/fiber_scheduler.hpp"
#include "redis_server.hpp"
#include "test_store.hpp"

#include <boost/fiber/operations.hpp>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

namespace shearline::store {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr unsigned here = 3;
const std::string tag = "shearline:{p03}:";

// A server, a store on it, and a way to ask the server directly.
struct RedisCase {
  explicit RedisCase(loop::Loop& on, std::vector<std::string> server_options = {}, bool cluster = false)
      : loop(on), server(std::move(server_options), cluster) {
    options.address = server.address();
    options.timeout_ms = patient_timeout_ms;
    store = make_redis_store(loop, options);
  }
  ~RedisCase() { store->stop(); }
  RedisReply ask(const RedisLink::Args& args) const { return redis(loop, server.address(), args); }

  RawPut first_put() const {
    RawPut put;
    put.partition = here;
    put.field = "credential:a";
    put.value = Bytes(value_prefix_bytes + 4);
    put.value[7] = 1;
    put.head = text("head");
    put.events = {text("event")};
    put.due_at = 5;
    put.fence = fence;
    return put;
  }
  // Nothing of first_put is there.
  void expect_nothing_written() const {
    for (const char* name : {"records", "head", "changes", "outbox", "due"}) {
      EXPECT_EQ(ask({"EXISTS", tag + name}).integer, 0) << name;
    }
  }

  loop::Loop& loop;
  RedisServer server;
  RedisOptions options;
  std::unique_ptr<RedisStore> store;
  std::uint64_t fence = 0;
};

struct SealedCase : RedisCase {
  explicit SealedCase(loop::Loop& on, std::vector<std::string> server_options = {})
      : RedisCase(on, std::move(server_options)), node(*store, clock) {
    node.hold();
  }
  SealedStore::Put put(std::uint64_t expected_revision, int number = 0) const {
    SealedStore::Put change;
    change.key.id = id_in(here, number);
    change.expected_revision = expected_revision;
    change.payload = text("revision " + std::to_string(expected_revision + 1));
    change.events = {text("event " + std::to_string(number) + "." + std::to_string(expected_revision + 1))};
    return change;
  }
  HeldClock clock;
  TestNode node;
};

// ---- scripts ----

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
    EXPECT_EQ(raw.scan(here, [](auto, auto) {}).error().code, Code::internal_error);
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

// ---- answers that are lost, servers that die ----

TEST(RedisLoss, PutWhoseAnswerWasLostIsUnknownAndTheSamePutAgainIsItsOwn) {
  in_fiber([](loop::Loop& loop) {
    SealedCase redis(loop);
    redis.options.timeout_ms = 1000;
    const auto impatient = make_redis_store(loop, redis.options);
    TestNode node(*impatient, redis.clock);
    node.sealed.set_fence(redis.node.sealed.fence());
    ASSERT_TRUE(node.sealed.compare_and_put(redis.put(0)));

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

// ---- connections ----

TEST(RedisConnection, IsToldWhenItComesAndGoes) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    std::vector<bool> told;
    redis.store->on_connection([&](bool up) { told.push_back(up); });
    EXPECT_TRUE(redis.store->store_time_ms());
    EXPECT_TRUE(redis.store->store_time_ms());
    EXPECT_THAT(told, ElementsAre(true));
    redis.server.kill();
    EXPECT_EQ(redis.store->store_time_ms().error().code, Code::unavailable);
    EXPECT_EQ(redis.store->store_time_ms().error().code, Code::unavailable);
    EXPECT_THAT(told, ElementsAre(true, false));
    redis.server.start();
    EXPECT_TRUE(redis.store->store_time_ms());
    EXPECT_THAT(told, ElementsAre(true, false, true));
  });
}

TEST(RedisConnection, ThatIsNotThereIsAClearErrorAndIsTriedWithPauses) {
  in_fiber([](loop::Loop& loop) {
    RedisOptions options;
    options.address.unix_path = "/nonexistent/redis.sock";
    const auto store = make_redis_store(loop, options);
    const std::int64_t began_ms = loop.monotonic_ms();
    for (int i = 0; i < 4; ++i) {
      const auto head = store->head(0);
      EXPECT_EQ(head.error().code, Code::unavailable);
      EXPECT_THAT(head.error().message, HasSubstr("/nonexistent/redis.sock"));
    }
    EXPECT_GE(loop.monotonic_ms() - began_ms, 37 + 75 + 150);  // the shortest the jitter allows
    store->stop();
  });
}

TEST(RedisConnection, StopEndsEveryWait) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    std::vector<boost::fibers::fiber> fibers;
    for (unsigned partition = 0; partition < partition_count; ++partition) {
      fibers.push_back(loop::spawn("follower", [&, partition] {
        EXPECT_EQ(redis.store->changes(partition, {}, 600'000).error().code, Code::unavailable);
      }));
    }
    fibers.push_back(loop::spawn("reader", [&] {
      EXPECT_EQ(redis.store->read_group("g1", "", 1, 600'000).error().code, Code::unavailable);
    }));
    while (to_string(redis.ask({"INFO", "clients"}).text).find("blocked_clients:18") == std::string::npos) {
    }
    redis.store->stop();
    for (auto& fiber : fibers) fiber.join();
    EXPECT_EQ(redis.store->head(0).error().code, Code::unavailable);
  });
}

TEST(RedisConnection, ManyRequestsAtOnceAllGetTheirOwnAnswer) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    for (int i = 0; i < 300; ++i) {
      redis.ask({"HSET", tag + "records", "f" + std::to_string(i), "v" + std::to_string(i)});
    }
    std::vector<boost::fibers::fiber> fibers;
    for (int i = 0; i < 300; ++i) {  // more than there are links
      fibers.push_back(loop::spawn("reader", [&, i] {
        EXPECT_EQ(redis.store->get(here, "f" + std::to_string(i)).value(), text("v" + std::to_string(i)));
      }));
    }
    for (auto& fiber : fibers) fiber.join();
  });
}

TEST(RedisConnection, PasswordComesFromItsFileAtEachConnect) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop, {"--requirepass", "correct horse"});
    EXPECT_EQ(redis.store->head(0).error().code, Code::unauthorized);

    const auto with = [&](std::string_view password) {
      const std::string path = redis.server.folder() + "/password";
      std::ofstream(path) << password;
      redis.options.password_file = path;
      return RedisLink::connect(loop, redis.options);
    };
    EXPECT_TRUE(with("correct horse\n"));
    EXPECT_EQ(with("wrong").error().code, Code::unauthorized);
    EXPECT_EQ(with("").error().code, Code::invalid);
    EXPECT_EQ(with(std::string(600, 'x')).error().code, Code::invalid);
    redis.options.username = "nobody";
    EXPECT_EQ(with("correct horse").error().code, Code::unauthorized);
    redis.options.username = "default";
    EXPECT_TRUE(with("correct horse"));
    redis.options.password_file = "/nonexistent/password";
    EXPECT_EQ(RedisLink::connect(loop, redis.options).error().code, Code::invalid);
  });
}

TEST(RedisConnection, SelectsItsDatabase) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.options.database = 5;
    const auto link = RedisLink::connect(loop, redis.options).value();
    EXPECT_TRUE(link->command({"SET", "a", "1"}));
    EXPECT_TRUE(redis.ask({"GET", "a"}).is_nil());
    redis.options.database = 99;
    EXPECT_FALSE(RedisLink::connect(loop, redis.options));
  });
}

// ---- links ----

TEST(RedisLink, GivesEveryTypeOfReplyByValue) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    const auto link = RedisLink::connect(loop, redis.options).value();
    const auto replies = link->pipeline({{"SET", "a", std::string_view("x\0y", 3)},
                                         {"GET", "a"},
                                         {"GET", "b"},
                                         {"INCR", "n"},
                                         {"LPUSH", "a", "1"},
                                         {"MGET", "a", "b"}});
    ASSERT_TRUE(replies);
    using enum RedisReply::Type;
    const std::vector<RedisReply::Type> types{status, bulk, nil, integer, error, array};
    for (std::size_t i = 0; i < types.size(); ++i) EXPECT_EQ((*replies)[i].type, types[i]) << i;
    EXPECT_EQ((*replies)[1].view(), std::string_view("x\0y", 3));
    EXPECT_EQ((*replies)[3].integer, 1);
    EXPECT_THAT((*replies)[4].view(), testing::StartsWith("WRONGTYPE"));
    EXPECT_TRUE((*replies)[5].items.at(1).is_nil());
  });
}

TEST(RedisLink, WaitsForPushesAndStaysWellWhenNoneComes) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    const auto link = RedisLink::connect(loop, redis.options).value();
    ASSERT_TRUE(link->send({"SUBSCRIBE", "channel"}));
    EXPECT_EQ(link->next(60'000).value().items.at(0).view(), "subscribe");
    EXPECT_TRUE(link->next(1).value().is_nil());
    EXPECT_TRUE(link->is_well());
    redis.ask({"PUBLISH", "channel", "words"});
    EXPECT_EQ(link->next(60'000).value().items.at(2).view(), "words");
    redis.server.kill();
    EXPECT_EQ(link->next(60'000).error().code, Code::unavailable);
    EXPECT_FALSE(link->is_well());
    EXPECT_EQ(link->next(60'000).error().code, Code::unavailable);
  });
}

TEST(RedisLink, IsDeadAfterItsDeadline) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    const auto link = RedisLink::connect(loop, redis.options).value();
    redis.server.freeze();
    EXPECT_EQ(link->command({"PING"}, 20).error().code, Code::unavailable);
    redis.server.thaw();
    // The late answer must not be taken for that of the next command.
    EXPECT_EQ(link->command({"GET", "a"}).error().code, Code::unavailable);
  });
}

TEST(RedisLink, ToSomethingThatIsNotRedisFailsWithAMessage) {
  in_fiber([](loop::Loop& loop) {
    loop::Address address;
    address.unix_path = (std::filesystem::temp_directory_path() / "shearline-not-redis.sock").string();
    const int listener = loop::listen_on(address, 1).value();
    std::thread server([&] {
      const int peer = ::accept(listener, nullptr, nullptr);
      constexpr std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
      EXPECT_EQ(::write(peer, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
      ::close(peer);
    });
    RedisOptions options;
    options.address = address;
    const auto link = RedisLink::connect(loop, options);
    EXPECT_EQ(link.error().code, Code::unavailable);
    server.join();
    ::close(listener);
    std::filesystem::remove(address.unix_path);
  });
}

// ---- what the server promises ----

TEST(RedisDurability, IsReadFromTheServer) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop, {"--appendfsync", "always"});
    EXPECT_EQ(redis.store->check().value().text(), "aof-always");
    redis.ask({"CONFIG", "SET", "appendfsync", "everysec"});
    EXPECT_EQ(redis.store->check().value().text(), "aof-everysec");
    redis.ask({"CONFIG", "SET", "appendonly", "no"});
    EXPECT_EQ(redis.store->check().value().text(), "none");
  });
}

TEST(RedisDurability, StoreThatThrowsRecordsAwayIsRefused) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop, {"--maxmemory-policy", "allkeys-lru"});
    const auto checked = redis.store->check();
    EXPECT_EQ(checked.error().code, Code::policy_violation);
    EXPECT_THAT(checked.error().message, HasSubstr("allkeys-lru"));
  });
}

TEST(RedisDurability, IsUnknownWhereWeMayNotAsk) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    redis.ask({"ACL", "SETUSER", "default", "-config"});
    EXPECT_EQ(redis.store->check().value().text(), "unknown");
    EXPECT_EQ(redis.store->check().value().eviction, "noeviction");
    redis.ask({"ACL", "SETUSER", "default", "-info"});
    EXPECT_EQ(redis.store->check().value().text(), "unknown");
    EXPECT_EQ(redis.store->check().value().eviction, "unknown");
  });
}

}  // namespace
}  // namespace shearline::store
