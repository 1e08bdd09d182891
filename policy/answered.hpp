// The idempotency memory of a record (design: protocols.md section 3): a command that was answered gets the
// same answer again, another one with its jti is a conflict. Pure functions over the vector that
// credentials, admins and groups carry; the caller stores it with the change itself.
#pragma once

#include "base/error.hpp"
#include "policy/command.hpp"
#include "policy/model.hpp"

#include <vector>

namespace shearline::policy {

// Null: this jti has not been answered by this record.
const AnsweredCommand* find_answer(const std::vector<AnsweredCommand>& answered, const Ulid& jti);

// The earlier answer to this very command, null when there is none; conflict when the jti was used by other
// bytes.
Result<const AnsweredCommand*> earlier_answer(const std::vector<AnsweredCommand>& answered,
                                              const Command& command);

// Drops what need not be kept any more, then adds. rate_limited, with nothing added, while 64 are still to be
// kept: forgetting one early would let its command act twice.
Status remember(std::vector<AnsweredCommand>& answered, AnsweredCommand answer, TimeMs now);

// An answer to this command, kept until its exp + 10 min.
AnsweredCommand answered_command(const Command& command, std::string answer_json);

}  // namespace shearline::policy
