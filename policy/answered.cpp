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

Urgency urgency_of(const Command& command, const Credential* before) {
  const Rotation* emergency =
      before != nullptr && before->rotation && before->rotation->emergency ? &*before->rotation : nullptr;
  switch (command.verb) {
    case Verb::revoke:
    case Verb::cancel:
      return Urgency::urgent;
    case Verb::rotate:
      return command.params.emergency ? Urgency::urgent : Urgency::ordinary;
    case Verb::ack:
      return emergency != nullptr && !emergency->acks.contains(command.kid) ? Urgency::urgent
                                                                            : Urgency::ordinary;
    case Verb::promote:
      return emergency != nullptr && is_open(emergency->state) ? Urgency::urgent : Urgency::ordinary;
    default:
      return Urgency::ordinary;
  }
}

Status remember(std::vector<AnsweredCommand>& answered, const Command& command, std::string answer_json,
                Urgency urgency, TimeMs now) {
  std::erase_if(answered, [&](const AnsweredCommand& old) { return old.keep_until_ms <= now; });
  const std::size_t places =
      urgency == Urgency::urgent ? answered_commands_max : answered_commands_max - answered_urgent_max;
  if (answered.size() >= places) {
    // There is a place again when as many have ended as are too many now.
    std::vector<TimeMs> ends;
    ends.reserve(answered.size());
    for (const AnsweredCommand& one : answered) ends.push_back(one.keep_until_ms);
    const auto wanted = ends.begin() + static_cast<std::ptrdiff_t>(answered.size() - places);
    std::ranges::nth_element(ends, wanted);
    const std::int64_t wait_s = (*wanted - now + 999) / 1000;
    return fail(Code::rate_limited, "this record has answered " + std::to_string(answered.size()) +
                                        " commands lately; try again in " + std::to_string(wait_s) + " s");
  }
  answered.push_back({.jti = command.jti,
                      .command_hash = command.hash,
                      .answer = std::move(answer_json),
                      .keep_until_ms = command.expires_at_ms + answer_kept_after_exp_ms});
  return {};
}

}  // namespace shearline::policy
