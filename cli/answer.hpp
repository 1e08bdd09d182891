// Decides whether bytes heard on a reply channel are the engine's answer to the command that was sent: signed
// by the pinned engine, for this jti and for exactly these command bytes. Anyone who can reach Redis can
// publish there, so everything else is refused and named. Pure.
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/ulid.hpp"
#include "policy/command.hpp"

#include <string_view>

namespace shearline::cli {

struct Expected {
  PublicKey engine_key{};
  Ulid jti;
  Hash command_hash{};
};

// invalid: not an answer at all; unauthorized: not from the pinned engine, or an answer to something else.
Result<policy::Answer> judge_answer(std::string_view compact_jws, const Expected& expected);

}  // namespace shearline::cli
