// How a broken rule of RFC 9420 is named: every refusal in this room says the section and what was wrong in
// words, and never a value that came from a secret.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace shearline::mls {

inline std::string rule_text(std::string_view section, std::string_view what) {
  return std::string("RFC 9420 section ").append(section).append(": ").append(what);
}

// invalid: what a peer sent breaks the rule of that section.
inline std::unexpected<Error> broken(std::string_view section, std::string_view what) {
  return fail(Code::invalid, rule_text(section, what));
}

// policy_violation: the RFC allows it, this implementation does not (docs/mls.md tells why).
inline std::unexpected<Error> refused(std::string_view section, std::string_view what) {
  return fail(Code::policy_violation, rule_text(section, what));
}

inline std::unexpected<Error> pass_on(const Error& error) { return std::unexpected(error); }

}  // namespace shearline::mls
