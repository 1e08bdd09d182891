// Connections to Redis: how they come, go, wait, authenticate and fail; what the server promises.
#include "io/loop/fiber_scheduler.hpp"
#include "io/store/redis_replies.hpp"
#include "redis_case.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace shearline::store {
namespace {

using testing::HasSubstr;

TEST(RedisConnection, ComesBackByItselfWhenRedisDoes) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    EXPECT_TRUE(redis.store->store_time_ms());
    redis.server.kill();
    EXPECT_EQ(redis.store->store_time_ms().error().code, Code::unavailable);
    EXPECT_EQ(redis.store->store_time_ms().error().code, Code::unavailable);
    redis.server.start();
    EXPECT_TRUE(redis.store->store_time_ms());
  });
}

TEST(RedisConnection, ThatLeadsToOneNodeOfAClusterSaysThatClustersAreNotFollowed) {
  for (const std::string_view answer : {"MOVED 3999 127.0.0.1:6381", "ASK 3999 127.0.0.1:6381"}) {
    const Error error = error_of({RedisReply::Type::error, 0, text(answer), {}});
    EXPECT_EQ(error.code, Code::unavailable);
    EXPECT_THAT(error.message, HasSubstr("127.0.0.1:6381"));
    EXPECT_THAT(error.message, HasSubstr("Redis Cluster of several nodes is not supported yet"));
  }
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

// Connects to something that sends this and closes.
void expect_unavailable_where_the_answer_is(std::string_view answer) {
  in_fiber([&](loop::Loop& loop) {
    loop::Address address;
    address.unix_path = (std::filesystem::temp_directory_path() / "shearline-not-redis.sock").string();
    const int listener = loop::listen_on(address, 1).value();
    std::thread server([&] {
      const int peer = ::accept(listener, nullptr, nullptr);
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

TEST(RedisLink, ToSomethingThatIsNotRedisFailsWithAMessage) {
  expect_unavailable_where_the_answer_is("HTTP/1.1 400 Bad Request\r\n\r\n");
}

TEST(RedisLink, TakesMemoryForTheItemsOfAnArrayAsTheyComeAndNotForTheirCount) {
  const auto peak_bytes = [] {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss * 1024;
  };
  const auto before = peak_bytes();
  expect_unavailable_where_the_answer_is("*2000000000\r\n$1\r\nx\r\n*3\r\n:1\r\n");
  EXPECT_LT(peak_bytes() - before, 256 << 20);
}

TEST(RedisLink, ReadsArraysInArraysHoweverManyItemsTheyHave) {
  in_fiber([](loop::Loop& loop) {
    RedisCase redis(loop);
    for (int i = 0; i < 3; ++i) {
      redis.ask(
          {"EVAL",
           "for i = 1, 3000 do redis.call('XADD', 's', i + " + std::to_string(3000 * i) + ", 'field', i) end",
           "0"});
    }
    const RedisReply reply = redis.ask({"XRANGE", "s", "-", "+"});
    ASSERT_EQ(reply.items.size(), 9000U);
    for (std::size_t i = 0; i < reply.items.size(); ++i) {
      ASSERT_EQ(reply.items[i].items.at(0).view(), std::to_string(i + 1) + "-0");
      ASSERT_EQ(reply.items[i].items.at(1).items.at(1).view(), std::to_string(i % 3000 + 1));
    }
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
