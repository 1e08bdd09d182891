// Finds the known name that a misspelt one was probably meant to be, for error messages about unknown keys,
// parameters and options. Pure text; used wherever people write names that we read.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace shearline {

// The known name with the smallest edit distance to what was written (swapped neighbours count as one), if
// that is at most a third of its length, and at least one edit is always forgiven; else empty.
std::string_view nearest_name(std::string_view written, std::span<const std::string_view> known);

// ", did you mean `grace_ms`?" or nothing.
std::string did_you_mean(std::string_view written, std::span<const std::string_view> known);

}  // namespace shearline
