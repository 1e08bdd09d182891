// The rules as data (design: model.md "Rules, as data"): a default class and named classes that override it,
// one TOML file. Parsing lives in rules.cpp and reports every fault at once with its line.
#pragma once

#include "base/error.hpp"
#include "policy/model.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::policy {

inline constexpr std::int64_t second_ms = 1000;
inline constexpr std::int64_t minute_ms = 60 * second_ms;
inline constexpr std::int64_t hour_ms = 60 * minute_ms;
inline constexpr std::int64_t day_ms = 24 * hour_ms;
inline constexpr std::int64_t grace_max_ms = 30 * day_ms;  // for every class; one may set its own lower
inline constexpr std::int64_t not_before_ahead_max_ms = 30 * day_ms;

struct ClassRules {
  std::int64_t grace_ms = 7 * day_ms;                // what a rotation gets that asks for nothing
  std::int64_t grace_max_ms = policy::grace_max_ms;  // the most a rotation may ask for
  std::int64_t minimum_interval_ms = hour_ms;        // between promoted rotations
  std::int64_t ack_deadline_ms = 30 * minute_ms;     // from notify
  std::uint32_t quorum = 1;                          // distinct members, at least 1
  std::uint32_t emergency_quorum = 1;                // the same for emergency rotations
  bool accept_pending = true;                        // not written in the file: quorum <= 1
  bool strict_when_stale = false;           // unavailable instead of serve after 15 min without the store
  std::int64_t retention_ms = 30 * day_ms;  // retired or revoked -> destroyed
};

struct Rules {
  std::map<std::string, ClassRules, std::less<>> classes{{"default", {}}};
  std::int64_t rotation_period_api_key_ms = 90 * day_ms;
  std::int64_t rotation_period_service_key_ms = 30 * day_ms;
  std::int64_t rotation_period_oauth2_ms = 90 * day_ms;
  std::set<std::string, std::less<>> denied_clients;       // neither created nor rotated
  std::set<std::string, std::less<>> supersede_admins;     // who may rotate while a window is open
  std::set<std::string> idp_proof_required_in = {"prod"};  // environments
  std::uint32_t commands_per_minute_per_admin = 600;
  bool bootstrap = false;  // waives two parties until a second admin exists
  std::string hash;        // hex SHA-256 of the rules as text

  const ClassRules* find(std::string_view name) const;  // null: no such class
  // The class of a stored credential. One that a newer file no longer names gets the strictest values of
  // all classes, so that taking a class out of the file never loosens what it held tight.
  ClassRules of_class(std::string_view name) const;
  std::int64_t rotation_period_ms(CredentialKind kind) const;
};

struct RuleFault {
  std::string where;  // "rules.toml:12"
  std::string message;
};
// An empty text gives the defaults. origin is the file's name for messages. Every fault at once, in the order
// of lines, except that after a syntax error nothing more can be read.
//
//   bootstrap = true
//   denied_clients = ["legacy-1"]
//   supersede_admins = ["alice"]
//   idp_proof_required_in = ["prod"]
//   commands_per_minute_per_admin = 600
//   [rotation_period]
//   api_key = "90d"
//   [class.default]
//   grace = "7d"
//   [class.strict]        # everything it does not say is as in class.default
//   grace = "24h"
//   quorum = 2
std::expected<Rules, std::vector<RuleFault>> parse_rules(std::string_view toml, std::string_view origin);

// "500ms", "90s", "30m", "24h", "7d", "0": a duration in text, in milliseconds.
std::optional<std::int64_t> parse_duration(std::string_view text);
std::string duration_text(std::int64_t ms);  // in the largest unit that says it exactly

}  // namespace shearline::policy
