// The idempotency memory of a record (design: protocols.md section 3): a command that was answered gets the
// same answer again, another one with its jti is a conflict. Pure functions over the vector that
// credentials, admins and groups carry; the caller stores it with the change itself.
#pragma once

#include "base/error.hpp"
#include "policy/command.hpp"
#include "policy/model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace shearline::policy {

// Null: this jti has not been answered by this record.
const AnsweredCommand* find_answer(const std::vector<AnsweredCommand>& answered, const Ulid& jti);

// The earlier answer to this very command, null when there is none; conflict when the jti was used by other
// bytes.
Result<const AnsweredCommand*> earlier_answer(const std::vector<AnsweredCommand>& answered,
                                              const Command& command);

// Of a record's places these are kept for what must not wait behind a flood of ordinary commands.
inline constexpr std::size_t answered_urgent_max = 16;
static_assert(answered_urgent_max < answered_commands_max);

enum class Urgency : std::uint8_t { ordinary, urgent };
// Urgent: revoke, cancel, an emergency rotation, and what its promotion takes: the first ack of each member, the promotion.
// before: the credential that the command changes, null where there is none.
Urgency urgency_of(const Command& command, const Credential* before);

// Drops what need not be kept any more, then adds the answer, kept until the command's exp + 10 min. rate_limited, with
// nothing added, while there is no place: forgetting one early would let its command act twice.
Status remember(std::vector<AnsweredCommand>& answered, const Command& command, std::string answer_json,
                Urgency urgency, TimeMs now);

}  // namespace shearline::policy
