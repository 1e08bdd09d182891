// JSON as this project reads it from others: at most 64 KiB, at most 8 levels deep, no name twice in one
// object, one value and nothing after it. Used inside policy/ only; nlohmann's types are complete only in
// the .cpp files that include it themselves.
#pragma once

#include "base/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string_view>

namespace shearline::policy {

// Checks without building anything; `what` names the text in messages ("claims", "header").
Status check_json_object(std::string_view text, std::string_view what);
// Checks, then builds.
Result<nlohmann::json> parse_json_object(std::string_view text, std::string_view what);

}  // namespace shearline::policy
