// The bytes of one VERIFY or VERIFYKEY request and the meaning of its answer (design: protocols.md section
// 1). Pure; the frame holds a secret and is made in the arena.
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"
#include "cli/exit_codes.hpp"

#include <string>
#include <string_view>

namespace shearline::cli {

// client_id empty: VERIFYKEY, the secret is a whole API key.
Plaintext verify_frame(std::string_view client_id, const Secret& secret);

struct VerdictWord {
  std::string word;
  Exit exit = Exit::internal_error;
};
// "+current" and its like. An error line is an error: unavailable for -UNAVAILABLE, unauthorized for -NOAUTH
// and -NOPERM.
Result<VerdictWord> verdict_in(std::string_view line);
std::string meaning_of(std::string_view verdict);  // for people, what stands after the word

}  // namespace shearline::cli
