#include "io/store/redis_replies.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace shearline::store {
namespace {

constexpr double score_max = 9007199254740992.0;  // 2^53: beyond it the scores of Redis lose milliseconds

std::unexpected<Error> damaged(std::string_view what) {
  return fail(Code::internal_error, "Redis holds " + std::string(what) + " that this program did not write");
}

// The value of "name:value" in the text of INFO.
std::string_view info_field(std::string_view info, std::string_view name) {
  for (std::size_t start = 0; start < info.size();) {
    const std::size_t end = std::min(info.find("\r\n", start), info.size());
    const std::string_view line = info.substr(start, end - start);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      return line.substr(name.size() + 1);
    }
    start = end + 2;
  }
  return {};
}

// A deadline is a hint to look at a record, which knows better: a score nobody of us wrote is due at once.
TimeMs parse_score(std::string_view text) {
  double score = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), score);
  if (error != std::errc{} || !(std::abs(score) <= score_max)) return 0;
  return static_cast<TimeMs>(std::llround(score));
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<StreamId> parse_stream_id(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_number(text.substr(0, dash));
  const auto second = parse_number(text.substr(dash + 1));
  if (!first || !second) return std::nullopt;
  return StreamId{*first, *second};
}

const Bytes* RedisEntry::field(std::string_view name) const {
  for (std::size_t i = 0; i + 1 < fields->size(); i += 2) {
    if ((*fields)[i].view() == name) return &(*fields)[i + 1].text;
  }
  return nullptr;
}

Error error_of(const RedisReply& reply) {
  const std::string_view text = reply.view();
  if (!reply.is_error()) return {Code::internal_error, "Redis answered in a form that was not asked for"};
  if (text.starts_with("MOVED ") || text.starts_with("ASK ")) {
    return {Code::unavailable,
            "Redis: another node of the cluster holds these keys (" + std::string(text) +
                "); Redis Cluster of several nodes is not supported yet, name a Redis that "
                "holds all of them"};
  }
  const bool ours =
      text.starts_with("ERR ") || text.starts_with("WRONGTYPE ") || text.starts_with("CROSSSLOT ");
  return {ours ? Code::internal_error : Code::unavailable, "Redis: " + std::string(text)};
}

bool is_wrong_server(const RedisReply& reply) {
  if (!reply.is_error()) return false;
  for (const std::string_view name : {"READONLY", "LOADING", "MASTERDOWN"}) {
    if (reply.view().starts_with(name)) return true;
  }
  return false;
}

Result<PutOutcome> outcome_of(const RedisReply& reply) {
  if (!reply.is_text()) return std::unexpected(error_of(reply));
  if (reply.view() == "ok") return PutOutcome::ok;
  if (reply.view() == "conflict") return PutOutcome::conflict;
  if (reply.view() == "fenced") return PutOutcome::fenced;
  if (reply.view().starts_with("broken")) return PutOutcome::broken;
  return std::unexpected(error_of(reply));
}

Result<std::vector<RedisEntry>> entries_of(const RedisReply& reply) {
  if (!reply.is_array()) return std::unexpected(error_of(reply));
  std::vector<RedisEntry> entries;
  for (const RedisReply& item : reply.items) {
    if (item.items.size() != 2 || !item.items[0].is_text() || !item.items[1].is_array()) {
      return std::unexpected(error_of(item));
    }
    entries.push_back({item.items[0].view(), &item.items[1].items});
  }
  return entries;
}

Result<std::vector<RedisEntry>> read_entries_of(const RedisReply& reply) {
  if (reply.is_nil()) return std::vector<RedisEntry>{};
  if (!reply.is_array()) return std::unexpected(error_of(reply));
  if (reply.items.size() != 1 || reply.items[0].items.size() != 2) return std::unexpected(error_of(reply));
  return entries_of(reply.items[0].items[1]);
}

Result<RawChange> change_of(const RedisEntry& entry) {
  const auto id = parse_stream_id(entry.id);
  const Bytes* field = entry.field("field");
  const Bytes* value = entry.field("value");
  if (!id || id->second != 0 || field == nullptr || value == nullptr) return damaged("a change");
  return RawChange{id->first, to_string(*field), *value};
}

Result<OutboxEntry> outbox_entry_of(const RedisEntry& entry) {
  const auto id = parse_stream_id(entry.id);
  if (!id) return damaged("an outbox event");
  // Anyone's entry under an id of ours, or without our field, is passed on: the seal tells what it is worth.
  const Bytes* event = entry.field("event");
  const std::uint64_t index = std::min<std::uint64_t>(id->second, UINT32_MAX);
  return OutboxEntry{id->first, static_cast<std::uint32_t>(index), event == nullptr ? Bytes{} : *event};
}

Result<std::vector<DueEntry>> due_entries_of(const RedisReply& reply) {
  if (!reply.is_array()) return std::unexpected(error_of(reply));
  std::vector<DueEntry> entries;
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    entries.push_back({std::string(reply.items[i].view()), parse_score(reply.items[i + 1].view())});
  }
  return entries;
}

Result<RedisDurability> durability_of(const RedisReply& persistence, const RedisReply& memory,
                                      const RedisReply& appendfsync) {
  RedisDurability durability;
  const auto aof = info_field(persistence.view(), "aof_enabled");
  durability.known = !persistence.is_error() && !aof.empty();
  durability.append_only = durability.known && aof == "1";
  const auto policy = info_field(memory.view(), "maxmemory_policy");
  if (!memory.is_error() && !policy.empty()) durability.eviction = policy;
  if (appendfsync.items.size() == 2) durability.fsync = appendfsync.items[1].view();
  if (durability.eviction != "unknown" && durability.eviction != "noeviction") {
    return fail(Code::policy_violation, "Redis may throw records away (maxmemory-policy " +
                                            durability.eviction + "): set it to noeviction");
  }
  return durability;
}

std::string RedisDurability::text() const {
  if (!known || (append_only && fsync == "unknown")) return "unknown";
  return append_only ? "aof-" + fsync : "none";
}

}  // namespace shearline::store
