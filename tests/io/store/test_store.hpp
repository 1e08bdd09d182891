// Both stores behind one face, with the hands of someone who writes them behind our back. Each test body runs
// in a fiber on a loop and a thread of its own.
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "io/store/redis_link.hpp"
#include "io/store/sealed.hpp"
#include "io/store/store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace shearline::store {

struct HeldClock final : Clock {
  TimeMs now = 1'800'000'000'000;
  TimeMs now_ms() override { return now; }
};

// A busy machine must not decide a test: nothing here waits as long, and what must time out says so itself.
inline constexpr std::int64_t patient_timeout_ms = 60'000;

void in_fiber(const std::function<void(loop::Loop&)>& body);

class TestStore {
 public:
  virtual ~TestStore() = default;
  virtual RawStore& raw() = 0;
  virtual RawStore& other() = 0;  // another node's way to the same store

  virtual void set_record(unsigned partition, const std::string& field, ByteView value) = 0;
  virtual void remove_record(unsigned partition, const std::string& field) = 0;
  virtual void set_head(unsigned partition, ByteView head) = 0;
  virtual void add_change(unsigned partition, std::uint64_t counter, const std::string& field,
                          ByteView value) = 0;
  virtual void trim_changes(unsigned partition, std::size_t keep) = 0;
  virtual void add_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index, ByteView event) = 0;
  virtual void swap_partitions(unsigned a, unsigned b) = 0;
  virtual void remove_partition(unsigned partition) = 0;
  virtual void back_up() = 0;
  virtual void restore() = 0;

  HeldClock clock;
};

enum class Backend { memory, redis };
std::unique_ptr<TestStore> make_test_store(Backend backend, loop::Loop& loop);

// TEST_P(Conformance, Says) { run([](TestStore& store) { ... }); }
class StoreTest : public testing::TestWithParam<Backend> {
 protected:
  void run(const std::function<void(TestStore& store, loop::Loop& loop)>& body) const;
};
std::string backend_name(const testing::TestParamInfo<Backend>& info);

// One raw command on a link of the test's own.
RedisReply redis(loop::Loop& loop, const loop::Address& address, const RedisLink::Args& args);

// Remembers all it was told.
struct Recorder final : Follower {
  std::uint64_t revision_of(const RecordName& name) const override {
    const auto found = records.find({name.kind, std::string(name.id)});
    return found == records.end() ? 0 : found->second.revision;
  }
  void foresee(const RecordName&) const override {}
  Applied apply(unsigned partition, std::span<const RecordView> given) override {
    Applied all;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const RecordView& record = given[i];
      EXPECT_EQ(record.name.partition(), partition);
      EXPECT_GT(record.revision, revision_of(record.name)) << record.name.field();
      const RecordKey key{record.name.kind, std::string(record.name.id)};
      records[key] = {key, record.revision, to_bytes(record.payload)};
      ++applied;
      all.set(i);
    }
    return all;
  }
  std::size_t known(unsigned partition) const override {
    return static_cast<std::size_t>(std::ranges::count_if(
        records, [&](const auto& entry) { return entry.first.partition() == partition; }));
  }
  void alarm(std::string_view what, unsigned, std::string_view detail) override {
    alarms.emplace_back(what);
    details.emplace_back(detail);
  }
  void heard(unsigned partition) override { ++heard_of[partition]; }

  std::map<RecordKey, Record> records;
  std::vector<std::string> alarms;
  std::vector<std::string> details;  // of the alarms
  std::map<unsigned, int> heard_of;
  int applied = 0;
};

// One node: its sealed store and what it was told. All nodes of a test share the state key.
struct TestNode {
  explicit TestNode(RawStore& raw, Clock& clock);
  void hold() { sealed.set_fence(sealed.raw().raise_fences().value()); }

  // Follows until the partition stands at `counter`.
  void follow_to(unsigned partition, std::uint64_t counter);

  SeededRandom random{7};
  Key state_key = random_key(random);
  SealedStore sealed;
  Recorder seen;
  std::vector<std::string> alarms;  // of the store itself
};

// A credential's id in the given partition.
std::string id_in(unsigned partition, int number = 0);
Bytes text(std::string_view words);

// A change without events and deadline; the kind is a credential unless it is named.
SealedStore::Put put_of(Kind kind, std::string id, std::uint64_t expected_revision, std::string_view words);
SealedStore::Put put_of(std::string id, std::uint64_t expected_revision, std::string_view words);

}  // namespace shearline::store
