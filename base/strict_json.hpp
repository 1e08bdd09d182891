// JSON as this project reads it from files and from others: bounded in length and depth, no name twice in one
// object, one value and nothing after it. nlohmann's types are complete only in the .cpp files that include
// it themselves.
#pragma once

#include "base/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string_view>

namespace shearline {

struct JsonLimits {
  std::size_t bytes_max = 64 * 1024;
  std::size_t depth_max = 8;
};

// Checks without building anything; `what` names the text in messages ("claims", "keyring").
Status check_json_object(std::string_view text, std::string_view what, JsonLimits limits = {});
// Checks, then builds.
Result<nlohmann::json> parse_json_object(std::string_view text, std::string_view what,
                                         JsonLimits limits = {});

}  // namespace shearline
