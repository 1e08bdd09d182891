#include "cli/moments.hpp"

#include "policy/rules.hpp"

#include <chrono>
#include <cstdlib>

namespace shearline::cli {
namespace {

// Exactly `digits` digits at `at`; -1 when there are others.
int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int value = 0;
  for (const char c : text.substr(at, digits)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

std::optional<TimeMs> parse_moment(std::string_view text, TimeMs now) {
  if (text.starts_with('+')) {
    const auto duration = policy::parse_duration(text.substr(1));
    if (!duration) return std::nullopt;
    return now + *duration;
  }
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() != shape.size() + 1 && text.size() != shape.size() + 5) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != '0' && text[i] != shape[i]) return std::nullopt;
  }
  if (text.back() != 'Z') return std::nullopt;
  const bool has_milliseconds = text.size() == shape.size() + 5;
  if (has_milliseconds && text[shape.size()] != '.') return std::nullopt;

  const int year = number_at(text, 0, 4);
  const int month = number_at(text, 5, 2);
  const int day = number_at(text, 8, 2);
  const int hour = number_at(text, 11, 2);
  const int minute = number_at(text, 14, 2);
  const int second = number_at(text, 17, 2);
  const int milliseconds = has_milliseconds ? number_at(text, 20, 3) : 0;
  if (year < 1970 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 59 || milliseconds < 0) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const auto moment = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                      std::chrono::seconds(second) + std::chrono::milliseconds(milliseconds);
  return std::chrono::duration_cast<std::chrono::milliseconds>(moment.time_since_epoch()).count();
}

std::string expand_home(std::string_view path) {
  const char* const home = std::getenv("HOME");
  if (!path.starts_with("~/") || home == nullptr) return std::string(path);
  return std::string(home) + std::string(path.substr(1));
}

std::string public_name_of(std::string_view private_path) {
  constexpr std::string_view ending = ".json";
  if (private_path.ends_with(ending)) private_path.remove_suffix(ending.size());
  return std::string(private_path) + ".public";
}

}  // namespace shearline::cli
