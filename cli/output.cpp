#include "cli/output.hpp"

#include "base/clock.hpp"
#include "policy/rules.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace shearline::cli {
namespace {

using nlohmann::ordered_json;

// Whatever is not UTF-8 is replaced: output never fails for a byte.
std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json parsed(std::string_view text) { return ordered_json::parse(text, nullptr, false); }

bool ends_with_ms(std::string_view name) { return name.ends_with("_ms"); }

// From the year 2001 on a number of milliseconds is a moment; below, a duration.
constexpr std::int64_t moment_ms_min = 1'000'000'000'000;

std::string scalar_text(std::string_view name, const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (ends_with_ms(name) && value.is_number_integer()) {
    const auto ms = value.get<std::int64_t>();
    if (ms == time_never) return "never";
    return ms >= moment_ms_min ? rfc3339(ms) : policy::duration_text(ms);
  }
  return dump(value);
}

std::string title_of(std::string_view name) {
  if (ends_with_ms(name)) name.remove_suffix(3);
  std::string title(name);
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

bool is_list_of_scalars(const ordered_json& value) {
  return value.is_array() &&
         std::none_of(value.begin(), value.end(), [](const auto& v) { return v.is_structured(); });
}

std::string joined(std::string_view name, const ordered_json& list) {
  std::string text;
  for (const auto& value : list) text += (text.empty() ? "" : ", ") + scalar_text(name, value);
  return text.empty() ? "none" : text;
}

std::string member_text(const ordered_json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// An audit event as one sentence; everything else about it is in --json.
std::string event_text(const ordered_json& event) {
  std::string text =
      member_text(event, "at") + "  " + member_text(event, "type") + " by " + member_text(event, "who");
  const std::string before = member_text(event, "before");
  const std::string after = member_text(event, "after");
  if (!after.empty()) text += ": " + (before.empty() ? "" : before + " -> ") + after;
  const std::string reason = member_text(event, "reason");
  if (!reason.empty()) text += " (" + reason + ")";
  return text;
}

// A row of a list: its members one after another, the first without its name.
std::string row_text(const ordered_json& row) {
  if (!row.is_object()) return dump(row);
  if (row.contains("type") && row.contains("who")) return event_text(row);
  std::string text;
  for (const auto& [name, value] : row.items()) {
    if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty())) continue;
    const std::string shown = is_list_of_scalars(value) ? joined(name, value)
                              : value.is_structured()   ? dump(value)
                                                        : scalar_text(name, value);
    text += text.empty() ? shown : "  " + title_of(name) + " " + shown;
  }
  return text;
}

void write_members(const ordered_json& object, std::size_t indent, std::string& out) {
  std::size_t width = 0;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_structured() || is_list_of_scalars(value)) width = std::max(width, title_of(name).size());
  }
  for (const auto& [name, value] : object.items()) {
    const std::string title = title_of(name);
    if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty())) continue;
    out.append(indent, ' ').append(title);
    if (value.is_object()) {
      out += "\n";
      write_members(value, indent + 2, out);
    } else if (value.is_array() && !is_list_of_scalars(value)) {
      out += "\n";
      for (const auto& row : value) out.append(indent + 2, ' ').append(row_text(row)).append("\n");
    } else {
      out.append(width > title.size() ? width - title.size() + 2 : 2, ' ');
      out += (value.is_array() ? joined(name, value) : scalar_text(name, value)) + "\n";
    }
  }
}

void put_line(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fputc('\n', file);
  std::fflush(file);
}

}  // namespace

Member::Member(std::string_view member_name, std::string_view text)
    : name(member_name), json(dump(ordered_json(std::string(text)))) {}

Member Member::raw(std::string_view member_name, std::string_view json) {
  Member member;
  member.name = member_name;
  member.json = json;
  return member;
}

std::string json_object(std::initializer_list<Member> members) {
  std::string out = "{";
  for (const Member& member : members) {
    if (out.size() > 1) out += ",";
    out.append("\"").append(member.name).append("\":").append(member.json);
  }
  return out + "}";
}

std::string json_array(const std::vector<std::string>& texts) { return dump(ordered_json(texts)); }

std::string on_one_line(std::string_view json) {
  const ordered_json value = parsed(json);
  return value.is_discarded() ? std::string(json) : dump(value);
}

std::string for_people(std::string_view json) {
  const ordered_json value = parsed(json);
  if (value.is_discarded()) return std::string(json) + "\n";
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

std::string text_member(std::string_view json, std::string_view name) {
  const ordered_json value = parsed(json);
  if (!value.is_object()) return {};
  const auto member = value.find(std::string(name));
  return member != value.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::string answer_json(const policy::Answer& answer) {
  constexpr std::string_view status_names[] = {"accepted", "done", "rejected"};
  ordered_json out{{"jti", answer.jti.text()},
                   {"status", std::string(status_names[static_cast<std::size_t>(answer.status)])},
                   {"code", std::string(code_name(answer.code))},
                   {"detail", answer.detail}};
  if (!answer.durability.empty()) out["durability"] = answer.durability;
  const auto attach = [&out](const char* name, const std::string& json) {
    if (json.empty()) return;
    const ordered_json value = parsed(json);
    out[name] = value.is_discarded() ? ordered_json(json) : value;
  };
  attach("rotation", answer.rotation_json);
  attach("result", answer.result_json);
  return dump(out);
}

std::string answer_text(const policy::Answer& answer) {
  std::string text;
  if (answer.status == policy::AnswerStatus::rejected) {
    text = "refused (" + std::string(code_name(answer.code)) + "): " + answer.detail + "\n";
  } else if (!answer.detail.empty()) {
    text = answer.detail + "\n";
  }
  // A credential's state has its rotation within it already.
  const ordered_json result = parsed(answer.result_json);
  const bool shown_within =
      result.is_object() && result.contains("rotation") && result["rotation"].is_object();
  if (!answer.rotation_json.empty() && !shown_within) text += for_people(answer.rotation_json);
  if (!answer.result_json.empty()) text += for_people(answer.result_json);
  return text;
}

void Output::line(std::string_view text) const {
  if (!json_) put_line(stdout, text);
}

void Output::object(std::string_view json_line) const {
  if (json_) put_line(stdout, json_line);
}

void Output::warn(std::string_view text) const { put_line(stderr, "shearline: " + std::string(text)); }

void Output::progress(std::string_view text) const {
  if (json_) return;
  if (::isatty(STDERR_FILENO) == 1) {
    std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(text.size()), text.data());
    std::fflush(stderr);
  } else {
    put_line(stderr, text);
  }
}

void Output::progress_done() const {
  if (!json_ && ::isatty(STDERR_FILENO) == 1) std::fputc('\n', stderr);
}

Exit Output::answer(const policy::Answer& answer) const {
  const bool refused = answer.status == policy::AnswerStatus::rejected;
  object(answer_json(answer));
  if (!json_) {
    const std::string text = answer_text(answer);
    std::FILE* const file = refused ? stderr : stdout;
    std::fwrite(text.data(), 1, text.size(), file);
    std::fflush(file);
  }
  if (!refused) return Exit::ok;
  return answer.code == Code::ok ? Exit::internal_error : exit_of(answer.code);
}

Exit Output::error(const Error& error) const {
  object(json_object({{"status", "failed"}, {"code", code_name(error.code)}, {"detail", error.message}}));
  if (!json_) warn(error.message);
  return exit_of(error.code);
}

Plaintext json_quoted(ByteView text) {
  constexpr std::string_view digits = "0123456789abcdef";
  Plaintext quoted = Plaintext::of_size(text.size() * 6 + 2);  // every byte as \u00XX at worst
  const ByteSpan out = quoted.writable();
  std::size_t length = 0;
  out[length++] = '"';
  for (const Byte byte : text) {
    if (byte < 0x20) {
      for (const char c : {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]})
        out[length++] = static_cast<Byte>(c);
      continue;
    }
    if (byte == '"' || byte == '\\') out[length++] = '\\';
    out[length++] = byte;
  }
  out[length++] = '"';
  quoted.shrink(length);
  return quoted;
}

Status write_all(int descriptor, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(Code::internal_error, "cannot write: " + std::string(std::strerror(errno)));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace shearline::cli
