// What Redis answers, read into the store's words. Used by redis_store.cpp; knows replies and no links.
#pragma once

#include "io/store/redis_link.hpp"
#include "io/store/redis_store.hpp"
#include "io/store/store.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace shearline::store {

// "<first>-<second>"
struct StreamId {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};
std::optional<std::uint64_t> parse_number(std::string_view text);
std::optional<StreamId> parse_stream_id(std::string_view text);

// One entry of a stream: its id and its fields.
struct RedisEntry {
  std::string_view id;
  const std::vector<RedisReply>* fields = nullptr;  // name, value, name, value
  const Bytes* field(std::string_view name) const;  // null: not there
};

// unavailable: Redis cannot now (loading, read-only, out of memory, no rights); internal_error: what stands
// there is not what we wrote.
Error error_of(const RedisReply& reply);
// The link leads to a Redis that is not the one to talk to; another connection may find the right one.
bool is_wrong_server(const RedisReply& reply);

Result<PutOutcome> outcome_of(const RedisReply& reply);
Result<std::vector<RedisEntry>> entries_of(const RedisReply& reply);       // of XRANGE
Result<std::vector<RedisEntry>> read_entries_of(const RedisReply& reply);  // of XREAD with one stream
Result<RawChange> change_of(const RedisEntry& entry);
Result<OutboxEntry> outbox_entry_of(const RedisEntry& entry);
Result<std::vector<DueEntry>> due_entries_of(const RedisReply& reply);  // of a range WITHSCORES
Result<RedisDurability> durability_of(const RedisReply& persistence, const RedisReply& memory,
                                      const RedisReply& appendfsync);

}  // namespace shearline::store
