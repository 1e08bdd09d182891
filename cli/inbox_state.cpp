#include "cli/inbox_state.hpp"

#include "io/keys/keyring.hpp"
#include "policy/model.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace shearline::cli {
namespace {

using nlohmann::json;

constexpr int state_version = 1;

using StreamId = std::pair<std::uint64_t, std::uint64_t>;

std::optional<std::uint64_t> number_from(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<StreamId> stream_id_from(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto milliseconds = number_from(text.substr(0, dash));
  const auto sequence = number_from(text.substr(dash + 1));
  if (!milliseconds || !sequence) return std::nullopt;
  return StreamId{*milliseconds, *sequence};
}

std::optional<GroupPosition> position_from(const json& value) {
  if (!value.is_object()) return std::nullopt;
  const auto after = value.find("after");
  const auto generation = value.find("generation");
  const auto seen = value.find("seen");
  const auto forgotten = value.find("forgotten");
  if (after == value.end() || !after->is_string() || !is_stream_id(after->get_ref<const std::string&>()) ||
      generation == value.end() || !generation->is_number_unsigned() || seen == value.end() ||
      !seen->is_array() || seen->size() > seen_ids_max || forgotten == value.end() ||
      !forgotten->is_string()) {
    return std::nullopt;
  }
  GroupPosition position{.after = after->get<std::string>(),
                         .generation = generation->get<std::uint64_t>(),
                         .seen = {},
                         .forgotten = {}};
  const auto lowest = Ulid::parse(forgotten->get_ref<const std::string&>());
  if (!lowest) return std::nullopt;
  position.forgotten = *lowest;
  for (const json& id : *seen) {
    const auto ulid = id.is_string() ? Ulid::parse(id.get_ref<const std::string&>()) : std::nullopt;
    if (!ulid) return std::nullopt;
    position.seen.insert(*ulid);
  }
  return position;
}

}  // namespace

void GroupPosition::remember(const Ulid& id) {
  seen.insert(id);
  while (seen.size() > seen_ids_max) {
    forgotten = std::max(forgotten, *seen.begin());
    seen.erase(seen.begin());
  }
}

bool is_stream_id(std::string_view text) { return stream_id_from(text).has_value(); }

bool stands_before(std::string_view a, std::string_view b) {
  return stream_id_from(a).value_or(StreamId{}) < stream_id_from(b).value_or(StreamId{});
}

std::string encode_inbox_state(const InboxState& state) {
  json groups = json::object();
  for (const auto& [group_id, position] : state) {
    json seen = json::array();
    for (const Ulid& id : position.seen) seen.push_back(id.text());
    groups[group_id] = {{"after", position.after},
                        {"generation", position.generation},
                        {"seen", std::move(seen)},
                        {"forgotten", position.forgotten.text()}};
  }
  return json{{"v", state_version}, {"groups", std::move(groups)}}.dump() + "\n";
}

Result<InboxState> decode_inbox_state(std::string_view text) {
  const auto damaged = [] {
    return fail(Code::invalid,
                "the inbox state is damaged; remove the file to read every group from its beginning");
  };
  const json root = json::parse(text, nullptr, false);
  if (!root.is_object() || root.value("v", json()) != state_version) return damaged();
  const auto groups = root.find("groups");
  if (groups == root.end() || !groups->is_object()) return damaged();
  InboxState state;
  for (const auto& [group_id, value] : groups->items()) {
    auto position = position_from(value);
    if (!policy::is_id(group_id) || !position) return damaged();
    state.emplace(group_id, std::move(*position));
  }
  return state;
}

Result<InboxState> load_inbox_state(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return InboxState{};
  const auto content = keys::read_file(path, inbox_state_bytes_max);
  if (!content) return std::unexpected(content.error());
  auto state = decode_inbox_state(as_text(*content));
  if (!state) return fail(state.error().code, path + ": " + state.error().message);
  return state;
}

Status save_inbox_state(const std::string& path, const InboxState& state) {
  return keys::write_private_file(path, as_bytes(encode_inbox_state(state)), true);
}

}  // namespace shearline::cli
