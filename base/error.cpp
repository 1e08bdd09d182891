#include "base/error.hpp"

#include <array>

namespace shearline {
namespace {
constexpr std::array<std::string_view, 9> names = {"ok",       "unauthorized", "policy_violation",
                                                   "conflict", "not_found",    "rate_limited",
                                                   "invalid",  "unavailable",  "internal_error"};
}  // namespace

std::string_view code_name(Code code) { return names[static_cast<std::size_t>(code)]; }

Code code_from_name(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Code>(i);
  }
  return Code::internal_error;
}

}  // namespace shearline
