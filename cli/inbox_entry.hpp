// Judges one entry of a group's stream for one admin: is it the pinned engine's, for this group, new, and for
// us? And if it is a secret, opens it. Pure; whoever can write to Redis can put anything into a stream.
#pragma once

#include "base/error.hpp"
#include "cli/inbox_state.hpp"
#include "io/keys/keyring.hpp"
#include "io/store/redis_link.hpp"
#include "io/wire/envelope.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::cli {

enum class EntryKind { secret, notice, not_for_us, repeated };

struct Entry {
  EntryKind kind = EntryKind::not_for_us;
  wire::Envelope envelope;
  std::optional<wire::DeliveredSecret> delivered;  // secret
};

// invalid: not an envelope, or it cannot be opened; unauthorized: not signed by the pinned engine, of another
// group, or of a generation that has been replaced.
Result<Entry> judge_entry(ByteView bytes, std::string_view group_id, const GroupPosition& position,
                          const keys::AdminKeys& keys);

struct StreamItem {
  std::string stream;  // the key
  std::string id;
  Bytes envelope;  // the first field's value
};
// The reply of XREAD: nil is an empty list. invalid: not such a reply; otherwise as refusal_of().
Result<std::vector<StreamItem>> stream_items(const store::RedisReply& reply);
// The reply of XREVRANGE key + - COUNT 1: the id of the last entry, "0-0" if there is none. Errors likewise.
Result<std::string> stream_end(const store::RedisReply& reply);

std::string group_stream_key(std::string_view prefix, std::string_view group_id);

}  // namespace shearline::cli
