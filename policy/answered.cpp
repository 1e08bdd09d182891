#include "policy/answered.hpp"

#include <algorithm>

namespace shearline::policy {

const AnsweredCommand* find_answer(const std::vector<AnsweredCommand>& answered, const Ulid& jti) {
  const auto found = std::ranges::find(answered, jti, &AnsweredCommand::jti);
  return found == answered.end() ? nullptr : &*found;
}

Result<const AnsweredCommand*> earlier_answer(const std::vector<AnsweredCommand>& answered,
                                              const Command& command) {
  const AnsweredCommand* earlier = find_answer(answered, command.jti);
  if (earlier != nullptr && earlier->command_hash != command.hash) {
    return fail(Code::conflict,
                "jti " + command.jti.text() + " was used by another command; every command needs its own");
  }
  return earlier;
}

Status remember(std::vector<AnsweredCommand>& answered, AnsweredCommand answer, TimeMs now) {
  std::erase_if(answered, [&](const AnsweredCommand& old) { return old.keep_until_ms <= now; });
  if (answered.size() >= answered_commands_max) {
    const AnsweredCommand& first = *std::ranges::min_element(answered, {}, &AnsweredCommand::keep_until_ms);
    const std::int64_t wait_s = (first.keep_until_ms - now + 999) / 1000;
    return fail(Code::rate_limited, "this record has answered " + std::to_string(answered_commands_max) +
                                        " commands lately; try again in " + std::to_string(wait_s) + " s");
  }
  answered.push_back(std::move(answer));
  return {};
}

AnsweredCommand answered_command(const Command& command, std::string answer_json) {
  return {.jti = command.jti,
          .command_hash = command.hash,
          .answer = std::move(answer_json),
          .keep_until_ms = command.expires_at_ms + answer_kept_after_exp_ms};
}

}  // namespace shearline::policy
