#include "io/store/redis_store.hpp"

#include "io/store/redis_replies.hpp"
#include "io/store/redis_requests.hpp"
#include "io/store/redis_scripts.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace shearline::store {
namespace {

constexpr std::string_view changes_per_read = "1024";
constexpr std::string_view group_kept_ms = "7776000000";  // 90 days (design: protocols.md section 4)
constexpr TimeMs due_max_ms = TimeMs{1} << 53;            // what a score holds exactly

using Args = RedisLink::Args;
using Keys = RedisRequests::Keys;

std::unexpected<Error> not_a_group_id() {
  return fail(Code::invalid, "a group id with forbidden characters");
}

class RedisStoreImpl final : public RedisStore {
 public:
  RedisStoreImpl(loop::Loop& loop, const RedisOptions& options)
      : requests_(loop, options), prefix_(options.prefix) {}

  Status scan(unsigned partition, const TakePage& take) override;
  Result<std::optional<Bytes>> get(unsigned partition, std::string_view field) override;
  Result<RawHead> head(unsigned partition) override;
  Result<std::vector<RawChange>> changes(unsigned partition, const Position& from,
                                         std::int64_t wait_ms) override;
  Result<std::optional<RawChange>> change_at(unsigned partition, std::uint64_t counter) override;
  Result<PutOutcome> compare_and_put(const RawPut& put) override;
  Result<std::vector<OutboxEntry>> outbox(unsigned partition, std::size_t at_most) override;
  Result<PutOutcome> acknowledge_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index,
                                        std::uint64_t fence) override;
  Result<std::vector<DueEntry>> due(unsigned partition, TimeMs until, std::size_t at_most) override;
  Result<std::optional<TimeMs>> next_due(unsigned partition) override;
  Result<PutOutcome> append(std::string_view group_id, ByteView envelope, std::uint64_t fence) override;
  Result<std::vector<StreamEntry>> read_group(std::string_view group_id, std::string_view after,
                                              std::size_t at_most, std::int64_t wait_ms) override;
  Result<Lease> lease(std::string_view node_id, std::int64_t ttl_ms) override;
  Status release_lease(std::string_view node_id) override;
  Result<std::uint64_t> raise_fences() override;
  Status raise_group_fence(std::string_view group_id, std::uint64_t fence) override;
  Result<TimeMs> store_time_ms() override;

  Result<RedisDurability> check() override;
  void stop() override { requests_.stop(); }

 private:
  std::string key(unsigned partition, std::string_view name) const {
    return prefix_ + partition_tag(partition) + ":" + std::string(name);
  }
  std::string group_key(std::string_view group_id, std::string_view name) const {
    return prefix_ + "{g:" + std::string(group_id) + "}:" + std::string(name);
  }

  // The same with a number as the answer.
  Result<std::uint64_t> run_for_number(const RedisScript& script, const Keys& keys, const Args& args);
  Status still_at(const RedisReply& entry, const Position& from) const;

  RedisRequests requests_;
  const std::string prefix_;
};

Result<std::uint64_t> RedisStoreImpl::run_for_number(const RedisScript& script, const Keys& keys,
                                                     const Args& args) {
  const auto reply = requests_.run(script, keys, args);
  if (!reply) return std::unexpected(reply.error());
  const auto number = reply->is_text() ? parse_number(reply->view()) : std::nullopt;
  if (!number) return std::unexpected(error_of(*reply));
  return *number;
}

// ---- records and changes ----

// Redis scans the next page while this one is taken.
Status RedisStoreImpl::scan(unsigned partition, const TakePage& take) {
  const std::string records = key(partition, "records");
  const auto ask_from = [&](std::string cursor) {
    return std::make_unique<RedisRequests::Ahead>(
        requests_, std::vector<std::string>{"HSCAN", records, std::move(cursor), "COUNT",
                                            std::to_string(scan_page_records)});
  };
  std::vector<RawRecord> page;
  for (auto asked = ask_from("0"); asked != nullptr;) {
    const auto reply = asked->answer();
    if (!reply) return std::unexpected(reply.error());
    if (reply->items.size() != 2) return std::unexpected(error_of(*reply));
    const std::string cursor(reply->items[0].view());
    asked = cursor == "0" ? nullptr : ask_from(cursor);
    const auto& pairs = reply->items[1].items;
    page.clear();
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2)
      page.push_back({pairs[i].view(), pairs[i + 1].text});
    take(page);
  }
  return {};
}

Result<std::optional<Bytes>> RedisStoreImpl::get(unsigned partition, std::string_view field) {
  auto reply = requests_.ask({"HGET", key(partition, "records"), field});
  if (!reply) return std::unexpected(reply.error());
  if (reply->is_nil()) return std::nullopt;
  if (!reply->is_text()) return std::unexpected(error_of(*reply));
  return std::move(reply->text);
}

Result<RawHead> RedisStoreImpl::head(unsigned partition) {
  const auto reply =
      requests_.run(redis_scripts().head, {key(partition, "head"), key(partition, "changes")}, {});
  if (!reply) return std::unexpected(reply.error());
  if (reply->items.size() != 2) return std::unexpected(error_of(*reply));
  const auto id = parse_stream_id(reply->items[0].view());
  if (!id || id->second != 0) {
    return fail(Code::internal_error,
                "the change stream of " + partition_tag(partition) + " ends with an entry no put writes");
  }
  return RawHead{id->first, reply->items[1].text};
}

// Whether what was seen at `from` stands there still; entry: the answer to XRANGE from from.
Status RedisStoreImpl::still_at(const RedisReply& entry, const Position& from) const {
  const auto entries = entries_of(entry);
  if (!entries) return std::unexpected(entries.error());
  const auto change = entries->size() == 1 ? change_of(entries->front()) : Result<RawChange>(RawChange{});
  if (change && hash_of(*change) == *from.seen) return {};
  return fail(Code::not_found, "the change seen last is no longer in the stream");
}

// The place is checked in the same breath as the waiting begins, on the same connection: XREAD alone goes on
// behind a hole without a word, and waits for ever ahead of the stream.
Result<std::vector<RawChange>> RedisStoreImpl::changes(unsigned partition, const Position& from,
                                                       std::int64_t wait_ms) {
  const std::string stream = key(partition, "changes");
  const std::string place = std::to_string(from.counter) + "-0";
  const std::string block = std::to_string(wait_ms);
  std::vector<Args> commands;
  if (from.seen) commands.push_back({"XRANGE", stream, place, place});
  Args read{"XREAD", "COUNT", changes_per_read};
  if (wait_ms > 0) read.insert(read.end(), {"BLOCK", block});
  read.insert(read.end(), {"STREAMS", stream, place});
  commands.push_back(read);

  const auto replies = requests_.ask_as_follower(partition, commands, wait_ms);
  if (!replies) return std::unexpected(replies.error());
  if (from.seen) {
    if (auto there = still_at(replies->front(), from); !there) return std::unexpected(there.error());
  }
  const auto entries = read_entries_of(replies->back());
  if (!entries) return std::unexpected(entries.error());
  std::vector<RawChange> news;
  for (const RedisEntry& entry : *entries) {
    auto change = change_of(entry);
    if (!change) return std::unexpected(change.error());
    if (change->counter != from.counter + news.size() + 1) {
      return fail(Code::not_found, "the next change is no longer in the stream");
    }
    news.push_back(std::move(*change));
  }
  if (news.empty() && !from.seen) {
    const auto newest = head(partition);
    if (!newest) return std::unexpected(newest.error());
    if (newest->counter < from.counter) return fail(Code::not_found, "the stream went backwards");
  }
  return news;
}

Result<std::optional<RawChange>> RedisStoreImpl::change_at(unsigned partition, std::uint64_t counter) {
  const std::string place = std::to_string(counter) + "-0";
  const auto reply = requests_.ask({"XRANGE", key(partition, "changes"), place, place});
  if (!reply) return std::unexpected(reply.error());
  const auto entries = entries_of(*reply);
  if (!entries) return std::unexpected(entries.error());
  if (entries->empty()) return std::nullopt;
  auto change = change_of(entries->front());
  if (!change) return std::unexpected(change.error());
  return std::move(*change);
}

Result<PutOutcome> RedisStoreImpl::compare_and_put(const RawPut& put) {
  if (put.fence == 0) return PutOutcome::fenced;
  const auto revision = be64(put.expected_revision);
  const std::string expected_counter = std::to_string(put.expected_counter);
  const std::string counter = std::to_string(put.expected_counter + 1);
  const std::string fence = std::to_string(put.fence);
  const std::string due = put.due_at ? std::to_string(std::clamp<TimeMs>(*put.due_at, 0, due_max_ms)) : "";
  const std::string kept = std::to_string(changes_kept);
  Args args{put.field,
            put.expected_revision == 0 ? std::string_view() : as_text(revision),
            as_text(put.value),
            expected_counter,
            counter,
            as_text(put.expected_head),
            as_text(put.head),
            fence,
            due,
            kept};
  for (const Bytes& event : put.events) args.push_back(as_text(event));
  const unsigned p = put.partition;
  const auto reply = requests_.run_once(redis_scripts().compare_and_put,
                                        {key(p, "records"), key(p, "head"), key(p, "changes"),
                                         key(p, "outbox"), key(p, "due"), key(p, "fence")},
                                        args);
  if (!reply) return std::unexpected(reply.error());
  return outcome_of(*reply);
}

// ---- outbox and deadlines ----

Result<std::vector<OutboxEntry>> RedisStoreImpl::outbox(unsigned partition, std::size_t at_most) {
  const std::string count = std::to_string(at_most);
  const auto reply = requests_.ask({"XRANGE", key(partition, "outbox"), "-", "+", "COUNT", count});
  if (!reply) return std::unexpected(reply.error());
  const auto entries = entries_of(*reply);
  if (!entries) return std::unexpected(entries.error());
  std::vector<OutboxEntry> outbox;
  for (const RedisEntry& entry : *entries) {
    auto event = outbox_entry_of(entry);
    if (!event) return std::unexpected(event.error());
    outbox.push_back(std::move(*event));
  }
  return outbox;
}

Result<PutOutcome> RedisStoreImpl::acknowledge_outbox(unsigned partition, std::uint64_t counter,
                                                      std::uint32_t index, std::uint64_t fence) {
  if (fence == 0) return PutOutcome::fenced;
  const std::string first_to_stay = std::to_string(counter) + "-" + std::to_string(std::uint64_t{index} + 1);
  const std::string fence_text = std::to_string(fence);
  const auto reply =
      requests_.run(redis_scripts().acknowledge_outbox, {key(partition, "outbox"), key(partition, "fence")},
                    {fence_text, first_to_stay});
  if (!reply) return std::unexpected(reply.error());
  return outcome_of(*reply);
}

Result<std::vector<DueEntry>> RedisStoreImpl::due(unsigned partition, TimeMs until, std::size_t at_most) {
  const std::string last = std::to_string(until);
  const std::string count = std::to_string(at_most);
  const auto reply = requests_.ask(
      {"ZRANGEBYSCORE", key(partition, "due"), "-inf", last, "WITHSCORES", "LIMIT", "0", count});
  if (!reply) return std::unexpected(reply.error());
  return due_entries_of(*reply);
}

Result<std::optional<TimeMs>> RedisStoreImpl::next_due(unsigned partition) {
  const auto reply = requests_.ask({"ZRANGE", key(partition, "due"), "0", "0", "WITHSCORES"});
  if (!reply) return std::unexpected(reply.error());
  const auto entries = due_entries_of(*reply);
  if (!entries) return std::unexpected(entries.error());
  if (entries->empty()) return std::nullopt;
  return entries->front().at_ms;
}

// ---- groups ----

Result<PutOutcome> RedisStoreImpl::append(std::string_view group_id, ByteView envelope, std::uint64_t fence) {
  if (!is_group_id(group_id)) return not_a_group_id();
  if (fence == 0) return PutOutcome::fenced;
  const std::string fence_text = std::to_string(fence);
  const auto reply = requests_.run_once(redis_scripts().append,
                                        {group_key(group_id, "stream"), group_key(group_id, "fence")},
                                        {fence_text, as_text(envelope), group_kept_ms});
  if (!reply) return std::unexpected(reply.error());
  return outcome_of(*reply);
}

Result<std::vector<StreamEntry>> RedisStoreImpl::read_group(std::string_view group_id, std::string_view after,
                                                            std::size_t at_most, std::int64_t wait_ms) {
  if (!is_group_id(group_id)) return not_a_group_id();
  if (!after.empty() && !parse_stream_id(after)) {
    return fail(Code::invalid, "not the id of a stream entry: " + std::string(after));
  }
  const std::string stream = group_key(group_id, "stream");
  const std::string count = std::to_string(at_most);
  const std::string block = std::to_string(wait_ms);
  Args read{"XREAD", "COUNT", count};
  if (wait_ms > 0) read.insert(read.end(), {"BLOCK", block});
  read.insert(read.end(), {"STREAMS", stream, after.empty() ? "0-0" : after});
  const auto reply = requests_.ask(read, wait_ms);
  if (!reply) return std::unexpected(reply.error());
  const auto entries = read_entries_of(*reply);
  if (!entries) return std::unexpected(entries.error());
  std::vector<StreamEntry> envelopes;
  for (const RedisEntry& entry : *entries) {
    const Bytes* envelope = entry.field("envelope");
    // An entry of someone else's is passed on empty: the reader checks signatures and goes on behind it.
    envelopes.push_back({std::string(entry.id), envelope == nullptr ? Bytes{} : *envelope});
  }
  return envelopes;
}

// ---- lease and fences ----

Result<RawStore::Lease> RedisStoreImpl::lease(std::string_view node_id, std::int64_t ttl_ms) {
  const std::string ttl = std::to_string(ttl_ms);
  const auto reply = requests_.run(redis_scripts().lease, {key(system_partition, "lease")}, {node_id, ttl});
  if (!reply) return std::unexpected(reply.error());
  if (!reply->is_text()) return std::unexpected(error_of(*reply));
  return Lease{reply->view() == node_id, std::string(reply->view())};
}

Status RedisStoreImpl::release_lease(std::string_view node_id) {
  const auto reply =
      requests_.run(redis_scripts().release_lease, {key(system_partition, "lease")}, {node_id});
  if (!reply) return std::unexpected(reply.error());
  if (!reply->is_text()) return std::unexpected(error_of(*reply));
  return {};
}

Result<std::uint64_t> RedisStoreImpl::raise_fences() {
  std::uint64_t highest = 0;
  for (unsigned partition = 0; partition < partition_count; ++partition) {
    const auto reply = requests_.ask({"GET", key(partition, "fence")});
    if (!reply) return std::unexpected(reply.error());
    if (reply->is_nil()) continue;
    const auto fence = reply->is_text() ? parse_number(reply->view()) : std::nullopt;
    if (!fence) return std::unexpected(error_of(*reply));
    highest = std::max(highest, *fence);
  }
  const auto fence =
      run_for_number(redis_scripts().next_fence, {key(system_partition, "fence")}, {std::to_string(highest)});
  if (!fence) return fence;
  for (unsigned partition = 0; partition < credential_partitions; ++partition) {
    const auto stands =
        run_for_number(redis_scripts().raise_fence, {key(partition, "fence")}, {std::to_string(*fence)});
    if (!stands) return stands;
    if (*stands > *fence) return fail(Code::unavailable, "another node raised the fences meanwhile");
  }
  return fence;
}

Status RedisStoreImpl::raise_group_fence(std::string_view group_id, std::uint64_t fence) {
  if (!is_group_id(group_id)) return not_a_group_id();
  const auto stands =
      run_for_number(redis_scripts().raise_fence, {group_key(group_id, "fence")}, {std::to_string(fence)});
  if (!stands) return std::unexpected(stands.error());
  return {};
}

// ---- the server itself ----

Result<TimeMs> RedisStoreImpl::store_time_ms() {
  const auto reply = requests_.ask({"TIME"});
  if (!reply) return std::unexpected(reply.error());
  if (reply->items.size() != 2) return std::unexpected(error_of(*reply));
  const auto seconds = parse_number(reply->items[0].view());
  const auto microseconds = parse_number(reply->items[1].view());
  if (!seconds || !microseconds) return std::unexpected(error_of(*reply));
  return static_cast<TimeMs>(*seconds * 1000 + *microseconds / 1000);
}

Result<RedisDurability> RedisStoreImpl::check() {
  const auto replies =
      requests_.ask_all({{"INFO", "persistence"}, {"INFO", "memory"}, {"CONFIG", "GET", "appendfsync"}});
  if (!replies) return std::unexpected(replies.error());
  return durability_of((*replies)[0], (*replies)[1], (*replies)[2]);
}

}  // namespace

std::unique_ptr<RedisStore> make_redis_store(loop::Loop& loop, const RedisOptions& options) {
  return std::make_unique<RedisStoreImpl>(loop, options);
}

}  // namespace shearline::store
