// Errors are values: a code that users see on the wire (design: protocols.md section 3) and a message that
// says what was wrong and what to do. Exceptions are for start-up only.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace shearline {

enum class Code {
  ok,
  unauthorized,
  policy_violation,
  conflict,
  not_found,
  rate_limited,
  invalid,
  unavailable,
  internal_error,
};

std::string_view code_name(Code code);       // "policy_violation"
Code code_from_name(std::string_view name);  // internal_error for an unknown name

struct Error {
  Code code = Code::internal_error;
  std::string message;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Code code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace shearline
