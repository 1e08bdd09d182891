#include "cli/follow.hpp"

#include "policy/rules.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t first_pause_ms = 250;
constexpr std::int64_t pause_ms_max = 2000;

std::string text_of(const ordered_json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// The open rotation stands in an answer whole, ended ones as id and outcome in a list: found wherever it
// stands. The depth is bounded by the parser of answers.
std::optional<RotationView> find_rotation(const ordered_json& value, std::string_view rotation_id) {
  if (value.is_object() && text_of(value, "rotation_id") == rotation_id) {
    std::string state = text_of(value, "state");
    if (state.empty()) state = text_of(value, "outcome");
    if (!state.empty()) return RotationView{std::string(rotation_id), std::move(state), value.dump()};
  }
  if (!value.is_structured()) return std::nullopt;
  for (const auto& inner : value) {
    if (auto found = find_rotation(inner, rotation_id)) return found;
  }
  return std::nullopt;
}

// Says a state the first time it is seen.
class Teller {
 public:
  Teller(const Context& context, std::string client_id)
      : context_(context), client_id_(std::move(client_id)) {}

  void tell(const RotationView& view) {
    if (view.state == last_) return;
    last_ = view.state;
    const TimeMs now = context_.clock.now_ms();
    context_.output.line(rfc3339(now) + "  " + view.state + hint(view.state));
    context_.output.object(json_object({{"event", "rotation"},
                                        {"at_ms", now},
                                        {"client_id", client_id_},
                                        {"state", view.state},
                                        Member::raw("rotation", view.json)}));
  }

 private:
  static std::string hint(std::string_view state) {
    if (state == "notified")
      return "   the secret is in the group's inbox; waiting for acknowledgements (Ctrl-C ends the watching "
             "only)";
    if (state == "promoted") return "   the new secret is current";
    if (state == "completed") return "   the old secret has ended";
    if (ending_of(state) == Ending::not_promoted) return "   the old secret stays as it was";
    return "";
  }

  const Context& context_;
  std::string client_id_;
  std::string last_;
};

}  // namespace

std::optional<RotationView> rotation_in(const policy::Answer& answer, std::string_view rotation_id) {
  for (const std::string* json : {&answer.rotation_json, &answer.result_json}) {
    const ordered_json value = ordered_json::parse(*json, nullptr, false);
    if (value.is_discarded()) continue;
    if (auto found = find_rotation(value, rotation_id)) return found;
  }
  return std::nullopt;
}

Ending ending_of(std::string_view state) {
  if (state == "promoted" || state == "completed") return Ending::promoted;
  for (const std::string_view open : {"requested", "awaiting_approval", "prepared", "notified"}) {
    if (state == open) return Ending::open;
  }
  return Ending::not_promoted;
}

Exit follow(Session& session, const std::string& client_id, const RotationView& from,
            std::int64_t timeout_ms) {
  const Output& output = session.context().output;
  loop::Loop& loop = session.loop();
  Teller teller(session.context(), client_id);
  RotationView view = from;
  std::string last_fault;
  const std::int64_t deadline = timeout_ms < 0 ? -1 : loop.monotonic_ms() + timeout_ms;
  for (std::int64_t pause = first_pause_ms;; pause = std::min(pause_ms_max, pause * 3 / 2)) {
    teller.tell(view);
    if (output.is_lost()) return Exit::internal_error;
    const Ending ending = ending_of(view.state);
    if (ending == Ending::promoted) return Exit::ok;
    if (ending == Ending::not_promoted) return Exit::not_promoted;
    if (deadline >= 0 && loop.monotonic_ms() >= deadline) {
      return output.error({Code::unavailable, "still " + view.state + " after " +
                                                  policy::duration_text(timeout_ms) +
                                                  "; the rotation goes on by itself"});
    }
    loop::sleep_for_ms(loop, pause);
    policy::Command question = session.command(policy::Verb::status);
    question.credential = client_id;
    question.rotation_id = view.rotation_id;
    const auto answer = session.ask(question);
    if (!answer) {
      // The rotation does not need us; say it once and look again.
      if (std::exchange(last_fault, answer.error().message) != answer.error().message)
        output.warn(last_fault);
      continue;
    }
    if (answer->code == Code::unavailable || answer->code == Code::rate_limited) continue;
    if (answer->status == policy::AnswerStatus::rejected) return output.answer(*answer);
    auto seen = rotation_in(*answer, view.rotation_id);
    if (!seen) {
      return output.error(
          {Code::not_found, "the engine no longer knows rotation " + view.rotation_id + " of " + client_id});
    }
    view = std::move(*seen);
  }
}

Result<std::int64_t> timeout_from(std::string_view text) {
  if (text.empty()) return -1;
  const auto ms = policy::parse_duration(text);
  if (!ms) return fail(Code::invalid, "--timeout: a duration is 90s, 30m, 24h or 7d");
  return *ms;
}

}  // namespace shearline::cli
