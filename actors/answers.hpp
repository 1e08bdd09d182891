// The answer to a command before there is anything to say in it, and the answer that refuses. Used by admin and rotation,
// which alone answer commands.
#pragma once

#include "actors/context.hpp"
#include "policy/command.hpp"

namespace shearline::actors {

inline policy::Answer answer_to(const policy::Command& command, const ActorContext& context) {
  policy::Answer answer;
  answer.jti = command.jti;
  answer.command_hash = command.hash;
  answer.durability = context.durability;
  return answer;
}

inline policy::Answer refusal_of(const policy::Command& command, const Error& error,
                                 const ActorContext& context) {
  policy::Answer answer = answer_to(command, context);
  answer.status = policy::AnswerStatus::rejected;
  answer.code = error.code;
  answer.detail = error.message;
  return answer;
}

}  // namespace shearline::actors
