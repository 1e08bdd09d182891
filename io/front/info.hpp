// The text of INFO: what Redis clients look for, and how the engine is. Used by client.cpp.
#pragma once

#include "io/front/client.hpp"

#include <span>
#include <string>
#include <string_view>

namespace shearline::front {

// No section named, or "all", "everything", "default": all of them. Unknown names are ignored, as in Redis.
std::string render_info(std::span<const std::string_view> sections, const SessionRules& rules);

}  // namespace shearline::front
