#include "base/log.hpp"

#include "base/clock.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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

// Peers' bytes reach log lines (a bad command name, a path): control characters must not forge a line.
void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f) return false;
  }
  return true;
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
