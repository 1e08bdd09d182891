#include "base/log.hpp"

#include "base/clock.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace shearline::log {
namespace {

Format chosen_format = Format::text;

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made =
        std::make_shared<spdlog::logger>("shearline", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

constexpr std::string_view level_names[] = {"debug", "info", "warning", "error"};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// The well-formed UTF-8 sequence (Unicode table 3-7) at the start of the text: its code point and length, length 0
// for anything else.
struct Sequence {
  std::uint32_t code_point = 0;
  std::size_t length = 0;
};
Sequence first_sequence(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t code_point = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3fU);
  }
  const std::uint32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  const bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < least || code_point > 0x10ffff || is_surrogate) return {};
  return {code_point, length};
}

bool is_control(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

// Peers' bytes reach log lines (a bad command name, a path): control characters must not forge a line or speak to
// the terminal, and what is no UTF-8 must not break a JSON line.
void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const Sequence sequence = first_sequence(text);
    if (sequence.length == 0) {
      out += "\\ufffd";
    } else if (is_control(sequence.code_point)) {
      out += fmt::format("\\u{:04x}", sequence.code_point);
    } else {
      if (text[0] == '"' || text[0] == '\\') out.push_back('\\');
      out += text.substr(0, sequence.length);
    }
    text.remove_prefix(sequence.length == 0 ? 1 : sequence.length);
  }
  out.push_back('"');
}

// What needs no quotes in the text form: printable ASCII that cannot be mistaken for structure.
bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
  });
}

}  // namespace

void configure(Level least, Format format) {
  logger().set_level(spdlog_level(least));
  chosen_format = format;
}

void write(Level level, std::string_view event, Fields fields) {
  if (!logger().should_log(spdlog_level(level))) return;
  const std::string time = rfc3339(SystemClock().now_ms());
  const std::string_view name = level_names[static_cast<std::size_t>(level)];
  std::string line;
  if (chosen_format == Format::json) {
    line = fmt::format(R"({{"time":"{}","level":"{}","event":)", time, name);
    append_quoted(line, event);
    for (const Field& field : fields) {
      line.push_back(',');
      append_quoted(line, field.name);
      line.push_back(':');
      if (field.quoted) {
        append_quoted(line, field.value);
      } else {
        line += field.value;
      }
    }
    line.push_back('}');
  } else {
    line = fmt::format("{} {:<7} {}", time, name, event);
    for (const Field& field : fields) {
      line.push_back(' ');
      line += field.name;
      line.push_back('=');
      if (!field.quoted || is_plain(field.value)) {
        line += field.value;
      } else {
        append_quoted(line, field.value);
      }
    }
  }
  logger().log(spdlog_level(level), "{}", line);
}

}  // namespace shearline::log
