// What an inbox remembers between runs: per group the last stream entry it dealt with, the group's
// generation, and the envelope ids it has seen, so that a second envelope with the same id is dropped. Kept
// as JSON in a file beside the admin's keys; holds nothing secret.
#pragma once

#include "base/error.hpp"
#include "base/ulid.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace shearline::cli {

inline constexpr std::size_t seen_ids_max = 1024;  // per group
inline constexpr std::size_t inbox_state_bytes_max = 8 << 20;

struct GroupPosition {
  std::string after = "0-0";  // stream id to read on from
  std::uint64_t generation = 0;
  std::set<Ulid> seen;  // the newest ids, at most seen_ids_max
  Ulid forgotten;       // the highest id dropped from `seen`: it and all below count as seen

  bool has_seen(const Ulid& id) const { return id <= forgotten || seen.contains(id); }
  void remember(const Ulid& id);

  bool operator==(const GroupPosition&) const = default;
};

using InboxState = std::map<std::string, GroupPosition>;  // by group id

std::string encode_inbox_state(const InboxState& state);
Result<InboxState> decode_inbox_state(std::string_view json);

// A missing file is an empty state.
Result<InboxState> load_inbox_state(const std::string& path);
Status save_inbox_state(const std::string& path, const InboxState& state);

// "<ms>-<n>" as Redis writes them.
bool is_stream_id(std::string_view text);
// Whether an entry with id `a` stands before one with id `b`; both are stream ids.
bool stands_before(std::string_view a, std::string_view b);

}  // namespace shearline::cli
