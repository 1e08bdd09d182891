// The names of commands, claims and params as they stand on the wire, in one place for the encoder and the
// decoder (design: protocols.md section 3). Private to policy/.
#pragma once

#include "policy/command.hpp"

#include <array>
#include <span>
#include <string_view>

namespace shearline::policy {

struct VerbForm {
  Verb verb;
  std::string_view name;
  std::span<const std::string_view> params;  // what it takes; everything else is refused
  bool needs_credential = false;
};
std::span<const VerbForm> verb_forms();
const VerbForm& form_of(Verb verb);

// Commands of the design that this engine does not do yet.
bool is_planned_command(std::string_view name);

inline constexpr std::array<std::string_view, 12> claim_names = {"aud",
                                                                 "iat",
                                                                 "exp",
                                                                 "jti",
                                                                 "cmd",
                                                                 "credential",
                                                                 "rotation_id",
                                                                 "reason",
                                                                 "justification",
                                                                 "ticket",
                                                                 "correlation_id",
                                                                 "params"};
inline constexpr std::array<std::string_view, 6> metadata_names = {
    "owner", "service", "environment", "tenant", "data_classification", "rotation_period_ms"};
inline constexpr std::array<std::string_view, 3> item_names = {"client_id", "sealed", "insist"};

}  // namespace shearline::policy
