// Moments and names as people type them on the command line. Pure; the present comes in as a value.
#pragma once

#include "base/clock.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace shearline::cli {

// "+30m" (from now, units of policy::parse_duration) or RFC 3339 in UTC: "2026-01-31T12:00:00Z", with or
// without milliseconds. Empty: neither.
inline constexpr std::string_view moment_hint = "a moment is +30m (from now) or 2026-01-31T12:00:00Z";
std::optional<TimeMs> parse_moment(std::string_view text, TimeMs now);

// "~/x" under the home directory; everything else as it is.
std::string expand_home(std::string_view path);

// The file's name for a public half: "keyring.json" -> "keyring.public".
std::string public_name_of(std::string_view private_path);

}  // namespace shearline::cli
