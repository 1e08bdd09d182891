// The bytes of a gateway's greeting and of one VERIFY or VERIFYKEY request, and what the answers mean (design:
// protocols.md section 1). Pure; the frames hold secrets and are made in the arena. What a stranger answers is
// never shown: Redis, for one, repeats the arguments of a command it does not know.
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"
#include "cli/exit_codes.hpp"

#include <string>
#include <string_view>

namespace shearline::cli {

// HELLO, and a PING behind it whose answer tells where the greeting ends. gateway empty: without AUTH.
Plaintext greeting_frame(std::string_view gateway, const Secret& token);
inline constexpr std::string_view end_of_greeting = "+PONG\r\n";
// Only an engine that greets like one is told a secret. Errors as in verdict_in().
Status judge_greeting(std::string_view answer);

// client_id empty: VERIFYKEY, the secret is a whole API key.
Plaintext verify_frame(std::string_view client_id, const Secret& secret);

struct VerdictWord {
  std::string word;
  Exit exit = Exit::internal_error;
};
// "+current" and its like. An error line is an error: unavailable for -UNAVAILABLE, unauthorized for -NOAUTH,
// -NOPERM and -WRONGPASS, internal_error for what no engine says.
Result<VerdictWord> verdict_in(std::string_view line);
std::string meaning_of(std::string_view verdict);  // for people, what stands after the word

}  // namespace shearline::cli
