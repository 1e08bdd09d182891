#include "cli/people.hpp"

#include "base/clock.hpp"
#include "policy/rules.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace shearline::cli {
namespace {

using nlohmann::ordered_json;

// What a reader looks for comes first; members that are not named here keep the engine's order after these.
constexpr std::array<std::string_view, 18> first_members{
    "version_id",    "rotation_id",    "client_id",     "group_id", "admin_id",
    "state",         "status",         "kind",          "name",     "group",
    "class",         "requester",      "created_by",    "reason",   "requested_at_ms",
    "created_at_ms", "notified_at_ms", "promoted_at_ms"};
// In a row these speak for themselves.
constexpr std::array<std::string_view, 8> plain_in_rows{"version_id", "rotation_id", "client_id", "group_id",
                                                        "admin_id",   "state",       "status",    "kind"};

// From the year 2001 on a number of milliseconds is a moment; below, a duration.
constexpr std::int64_t moment_ms_min = 1'000'000'000'000;

struct Named {
  std::string name;
  const ordered_json* value;
};

bool is_silent(const ordered_json& value) {
  return value.is_null() || value == false ||
         (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         (value.is_object() && value.empty());
}

std::vector<Named> members_of(const ordered_json& object) {
  std::vector<Named> members;
  for (const auto& [name, value] : object.items()) {
    if (!is_silent(value)) members.push_back({name, &value});
  }
  const auto rank = [](const Named& member) {
    return std::find(first_members.begin(), first_members.end(), member.name) - first_members.begin();
  };
  std::stable_sort(members.begin(), members.end(),
                   [&](const Named& a, const Named& b) { return rank(a) < rank(b); });
  return members;
}

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string scalar_text(std::string_view name, const ordered_json& value) {
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  if (value == true) return "yes";
  if (name.ends_with("_ms") && value.is_number_integer()) {
    const auto ms = value.get<std::int64_t>();
    if (ms == time_never) return "never";
    return ms >= moment_ms_min ? rfc3339(ms) : policy::duration_text(ms);
  }
  return dump(value);
}

std::string title_of(std::string_view name) {
  if (name.ends_with("_ms")) name.remove_suffix(3);
  std::string title = printable(name);
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

bool is_list_of_scalars(const ordered_json& value) {
  return value.is_array() &&
         std::none_of(value.begin(), value.end(), [](const auto& item) { return item.is_structured(); });
}
bool fits_on_a_line(const ordered_json& value) { return !value.is_structured() || is_list_of_scalars(value); }

std::string line_text(std::string_view name, const ordered_json& value) {
  if (!value.is_array()) return scalar_text(name, value);
  std::string text;
  for (const auto& item : value) text += (text.empty() ? "" : ", ") + scalar_text(name, item);
  if (!text.empty()) return text;
  const bool empty_is_all = name == "environments" || name == "tenants";  // of an admin: no limit is set
  return empty_is_all ? "all" : "none";
}

std::string member_text(const ordered_json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? printable(member->get_ref<const std::string&>())
                                                       : std::string();
}

// An audit event as one sentence; everything else about it is in --json. Without whom it is about, where that is plain.
std::string event_text(const ordered_json& event, bool with_subject) {
  const std::string subject = member_text(event, "subject");
  std::string text = member_text(event, "at") + "  " +
                     (with_subject && !subject.empty() ? subject + "  " : "") + member_text(event, "type") +
                     " by " + member_text(event, "who");
  const std::string before = member_text(event, "before");
  const std::string after = member_text(event, "after");
  if (!after.empty()) text += ": " + (before.empty() ? "" : before + " -> ") + after;
  const std::string reason = member_text(event, "reason");
  if (!reason.empty()) text += " (" + reason + ")";
  return text;
}

std::string row_text(const ordered_json& row) {
  if (!row.is_object()) return printable(dump(row));
  if (row.contains("type") && row.contains("who")) return event_text(row, false);
  std::string text;
  for (const auto& [name, value] : members_of(row)) {
    const bool plain = std::find(plain_in_rows.begin(), plain_in_rows.end(), name) != plain_in_rows.end();
    text += text.empty() ? "" : "  ";
    if (!plain) text += title_of(name) + " ";
    text += fits_on_a_line(*value) ? line_text(name, *value) : printable(dump(*value));
  }
  return text;
}

// The depth is bounded by whoever parsed the answer.
void write_members(const ordered_json& object, std::size_t indent, std::string& out) {
  const std::vector<Named> members = members_of(object);
  std::size_t width = 0;
  for (const auto& [name, value] : members) {
    if (fits_on_a_line(*value)) width = std::max(width, title_of(name).size());
  }
  // Short things first: what is nested would tear them apart.
  for (const auto& [name, value] : members) {
    if (!fits_on_a_line(*value)) continue;
    const std::string title = title_of(name);
    out.append(indent, ' ').append(title).append(width - title.size() + 2, ' ');
    out += line_text(name, *value) + "\n";
  }
  for (const auto& [name, value] : members) {
    if (fits_on_a_line(*value)) continue;
    out.append(indent, ' ').append(title_of(name)).append("\n");
    if (value->is_object()) {
      write_members(*value, indent + 2, out);
      continue;
    }
    for (const auto& row : *value) out.append(indent + 2, ' ').append(row_text(row)).append("\n");
  }
}

// The result of `status` shows the rotation already.
bool shows_rotation(const ordered_json& result, const ordered_json& rotation) {
  const auto inner = result.is_object() ? result.find("rotation") : result.end();
  return result.is_object() && inner != result.end() && *inner == rotation;
}

}  // namespace

std::string for_people(std::string_view json) {
  const ordered_json value = ordered_json::parse(json, nullptr, false);
  if (value.is_discarded()) return printable(json) + "\n";
  std::string out;
  if (value.is_object()) {
    write_members(value, 0, out);
  } else if (value.is_array()) {
    for (const auto& row : value) out += row_text(row) + "\n";
  } else {
    out = scalar_text("", value) + "\n";
  }
  return out;
}

std::string event_line(std::string_view json) {
  const ordered_json event = ordered_json::parse(json, nullptr, false);
  return event.is_object() ? event_text(event, true) : printable(json);
}

std::vector<std::string> history_remarks(std::string_view json) {
  const ordered_json value = ordered_json::parse(json, nullptr, false);
  if (!value.is_object()) return {};
  const auto count = [&value](const char* name) {
    const auto member = value.find(name);
    return member != value.end() && member->is_number_unsigned() ? member->get<std::uint64_t>() : 0;
  };
  const auto so_many = [](std::uint64_t number) {
    return std::to_string(number) + (number == 1 ? " event is" : " events are");
  };
  std::vector<std::string> remarks;
  if (const std::uint64_t waiting = count("events_waiting"); waiting > 0)
    remarks.push_back(so_many(waiting) + " stored and not yet in this trail; ask again");
  if (const std::uint64_t elsewhere = count("events_elsewhere"); elsewhere > 0) {
    remarks.push_back("incomplete: " + so_many(elsewhere) + " not in the trail of " +
                      member_text(value, "node") +
                      " but in those of other nodes: shearline audit FILE... (audit.jsonl of every node)");
  } else if (const auto complete = value.find("complete"); complete != value.end() && *complete == false) {
    remarks.push_back(
        "not known to be complete, as this credential was made before its events were counted: "
        "shearline audit FILE... (audit.jsonl of every node)");
  }
  return remarks;
}

std::string answer_text(const policy::Answer& answer) {
  std::string text;
  if (answer.status == policy::AnswerStatus::rejected) {
    text = "refused (" + std::string(code_name(answer.code)) + "): " + printable(answer.detail) + "\n";
  } else if (!answer.detail.empty()) {
    text = printable(answer.detail) + "\n";
  }
  const ordered_json rotation = ordered_json::parse(answer.rotation_json, nullptr, false);
  const ordered_json result = ordered_json::parse(answer.result_json, nullptr, false);
  if (!answer.rotation_json.empty() && !shows_rotation(result, rotation))
    text += for_people(answer.rotation_json);
  if (!answer.result_json.empty()) text += for_people(answer.result_json);
  return text;
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

}  // namespace shearline::cli
