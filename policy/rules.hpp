// The rules as data (design: model.md "Rules, as data"): a default class and named classes that override it,
// one TOML file. Parsing lives in rules.cpp and reports every fault at once with its line.
#pragma once

#include "base/error.hpp"
#include "policy/model.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::policy {

inline constexpr std::int64_t second_ms = 1000;
inline constexpr std::int64_t minute_ms = 60 * second_ms;
inline constexpr std::int64_t hour_ms = 60 * minute_ms;
inline constexpr std::int64_t day_ms = 24 * hour_ms;
inline constexpr std::int64_t grace_max_ms = 30 * day_ms;

struct ClassRules {
  std::int64_t grace_ms = 7 * day_ms;
  std::int64_t minimum_interval_ms = hour_ms;     // between promoted rotations
  std::int64_t ack_deadline_ms = 30 * minute_ms;  // from notify
  std::uint32_t quorum = 1;                       // distinct members
  bool accept_pending = true;                     // only honoured as written; default: quorum <= 1
  bool strict_when_stale = false;           // unavailable instead of serve after 15 min without the store
  std::int64_t retention_ms = 30 * day_ms;  // retired or revoked -> destroyed
};

struct Rules {
  std::map<std::string, ClassRules> classes{{"default", {}}};
  std::int64_t rotation_period_api_key_ms = 90 * day_ms;
  std::int64_t rotation_period_service_key_ms = 30 * day_ms;
  std::int64_t rotation_period_oauth2_ms = 90 * day_ms;
  std::set<std::string> denied_clients;
  std::uint32_t commands_per_minute_per_admin = 600;
  bool bootstrap = false;  // waives two parties until a second admin exists
  std::string hash;        // hex SHA-256 of the rules as text

  const ClassRules* find(std::string_view name) const;  // null: no such class
};

struct RuleFault {
  std::string where;  // "rules.toml:12"
  std::string message;
};
// An empty text gives the defaults. origin is the file's name for messages.
std::expected<Rules, std::vector<RuleFault>> parse_rules(std::string_view toml, std::string_view origin);

// "90s", "30m", "24h", "7d", "0": a duration in text, in milliseconds.
std::optional<std::int64_t> parse_duration(std::string_view text);
std::string duration_text(std::int64_t ms);

}  // namespace shearline::policy
