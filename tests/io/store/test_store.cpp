#include "test_store.hpp"

#include "io/loop/fiber_scheduler.hpp"
#include "io/store/memory_store.hpp"
#include "io/store/redis_store.hpp"
#include "redis_server.hpp"

#include <thread>

namespace shearline::store {
namespace {

class MemoryTestStore final : public TestStore {
 public:
  explicit MemoryTestStore(loop::Loop& loop) : store_(make_memory_store(&loop, clock)) {}
  RawStore& raw() override { return *store_; }
  RawStore& other() override { return *store_; }

  void set_record(unsigned partition, const std::string& field, ByteView value) override {
    at(partition).records[field] = to_bytes(value);
  }
  void remove_record(unsigned partition, const std::string& field) override {
    at(partition).records.erase(field);
  }
  void set_head(unsigned partition, ByteView head) override { at(partition).head = to_bytes(head); }
  void add_change(unsigned partition, std::uint64_t counter, const std::string& field,
                  ByteView value) override {
    at(partition).changes.push_back({counter, field, to_bytes(value)});
    at(partition).counter = counter;
  }
  void trim_changes(unsigned partition, std::size_t keep) override {
    while (at(partition).changes.size() > keep) at(partition).changes.pop_front();
  }
  void add_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index, ByteView event) override {
    at(partition).outbox.push_back({counter, index, to_bytes(event)});
  }
  void swap_partitions(unsigned a, unsigned b) override { std::swap(at(a), at(b)); }
  void remove_partition(unsigned partition) override {
    const std::uint64_t fence = at(partition).fence;
    at(partition) = {};
    at(partition).fence = fence;
  }
  void back_up() override { backup_ = store_->contents(); }
  void restore() override { store_->contents() = backup_; }

 private:
  MemoryContents::Partition& at(unsigned partition) { return store_->contents().partitions.at(partition); }

  std::unique_ptr<MemoryStore> store_;
  MemoryContents backup_;
};

class RedisTestStore final : public TestStore {
 public:
  explicit RedisTestStore(loop::Loop& loop) : loop_(loop), server_({"--appendfsync", "always"}) {
    RedisOptions options;
    options.address = server_.address();
    options.timeout_ms = patient_timeout_ms;
    store_ = make_redis_store(loop, options);
    other_ = make_redis_store(loop, options);
  }
  ~RedisTestStore() override {
    store_->stop();
    other_->stop();
  }
  RawStore& raw() override { return *store_; }
  RawStore& other() override { return *other_; }

  void set_record(unsigned partition, const std::string& field, ByteView value) override {
    ask({"HSET", key(partition, "records"), field, as_text(value)});
  }
  void remove_record(unsigned partition, const std::string& field) override {
    ask({"HDEL", key(partition, "records"), field});
  }
  void set_head(unsigned partition, ByteView head) override {
    ask({"SET", key(partition, "head"), as_text(head)});
  }
  void add_change(unsigned partition, std::uint64_t counter, const std::string& field,
                  ByteView value) override {
    ask({"XADD", key(partition, "changes"), std::to_string(counter) + "-0", "field", field, "value",
         as_text(value)});
  }
  void trim_changes(unsigned partition, std::size_t keep) override {
    ask({"XTRIM", key(partition, "changes"), "MAXLEN", std::to_string(keep)});
  }
  void add_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index, ByteView event) override {
    ask({"XADD", key(partition, "outbox"), std::to_string(counter) + "-" + std::to_string(index), "event",
         as_text(event)});
  }
  void swap_partitions(unsigned a, unsigned b) override {
    for (const std::string_view name : {"records", "head", "changes"}) {
      ask({"RENAME", key(a, name), "aside"});
      ask({"RENAME", key(b, name), key(a, name)});
      ask({"RENAME", "aside", key(b, name)});
    }
  }
  void remove_partition(unsigned partition) override {
    for (const std::string_view name : {"records", "head", "changes", "outbox", "due"}) {
      ask({"DEL", key(partition, name)});
    }
  }
  void back_up() override { server_.back_up(); }
  void restore() override {
    server_.stop();
    server_.restore();
    server_.start();
  }

 private:
  static std::string key(unsigned partition, std::string_view name) {
    return "shearline:" + partition_tag(partition) + ":" + std::string(name);
  }
  RedisReply ask(const RedisLink::Args& args) const { return redis(loop_, server_.address(), args); }

  loop::Loop& loop_;
  RedisServer server_;
  std::unique_ptr<RedisStore> store_;
  std::unique_ptr<RedisStore> other_;
};

}  // namespace

void in_fiber(const std::function<void(loop::Loop&)>& body) {
  std::thread([&] {
    const auto loop = loop::make_uring_loop({});
    ASSERT_TRUE(loop) << loop.error().message;
    const loop::FiberScheduler scheduler(**loop);
    loop::spawn("test", [&] { body(**loop); }).join();
  }).join();
}

std::unique_ptr<TestStore> make_test_store(Backend backend, loop::Loop& loop) {
  if (backend == Backend::memory) return std::make_unique<MemoryTestStore>(loop);
  return std::make_unique<RedisTestStore>(loop);
}

void StoreTest::run(const std::function<void(TestStore&, loop::Loop&)>& body) const {
  in_fiber([&](loop::Loop& loop) {
    const auto store = make_test_store(GetParam(), loop);
    body(*store, loop);
  });
}

std::string backend_name(const testing::TestParamInfo<Backend>& info) {
  return info.param == Backend::memory ? "Memory" : "Redis";
}

RedisReply redis(loop::Loop& loop, const loop::Address& address, const RedisLink::Args& args) {
  RedisOptions options;
  options.address = address;
  options.timeout_ms = patient_timeout_ms;
  const auto link = RedisLink::connect(loop, options);
  if (!link) throw std::runtime_error(link.error().message);
  auto reply = (*link)->command(args);
  if (!reply) throw std::runtime_error(reply.error().message);
  if (reply->is_error()) throw std::runtime_error(to_string(reply->text));
  return std::move(*reply);
}

TestNode::TestNode(RawStore& raw, Clock& clock) : sealed(raw, state_key, random, clock) {
  sealed.on_alarm([this](std::string_view what, unsigned, std::string_view) { alarms.emplace_back(what); });
}

void TestNode::follow_to(unsigned partition, std::uint64_t counter) {
  while (sealed.counter(partition) < counter) {
    const auto followed = sealed.follow(partition, seen, 5000);
    ASSERT_TRUE(followed) << followed.error().message;
  }
}

std::string id_in(unsigned partition, int number) {
  for (int i = 0, found = 0;; ++i) {
    std::string id = "client-" + std::to_string(i);
    if (partition_of(id) == partition && found++ == number) return id;
  }
}

Bytes text(std::string_view words) { return to_bytes(as_bytes(words)); }

SealedStore::Put put_of(Kind kind, std::string id, std::uint64_t expected_revision, std::string_view words) {
  SealedStore::Put put;
  put.key.kind = kind;
  put.key.id = std::move(id);
  put.expected_revision = expected_revision;
  put.payload = text(words);
  return put;
}

SealedStore::Put put_of(std::string id, std::uint64_t expected_revision, std::string_view words) {
  return put_of(Kind::credential, std::move(id), expected_revision, words);
}

}  // namespace shearline::store
