// A private Redis, a store on it, and a way to ask the server directly: for tests of what only Redis can do.
#pragma once

#include "io/store/redis_store.hpp"
#include "redis_server.hpp"
#include "test_store.hpp"

namespace shearline::store {

inline constexpr unsigned here = 3;
inline const std::string tag = "shearline:{p03}:";

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

}  // namespace shearline::store
