// `rotate`, `promote`, `cancel`, `ack`, `revoke`: commands on the life of a credential's versions.
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/moments.hpp"
#include "cli/secret_input.hpp"
#include "io/wire/envelope.hpp"
#include "policy/rules.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <limits>
#include <optional>

namespace shearline::cli {
namespace {

Exit tell(const Context& context, const Result<policy::Answer>& answer) {
  return answer ? context.output.answer(*answer) : context.output.error(answer.error());
}

Status rotation_params(const Rotate& options, TimeMs now, policy::Params& params) {
  if (!options.grace.empty()) {
    params.grace_ms = policy::parse_duration(options.grace);
    if (!params.grace_ms) return fail(Code::invalid, "--grace: a duration is 90s, 30m, 24h, 7d or 0");
  }
  if (!options.not_before.empty()) {
    params.not_before_ms = parse_moment(options.not_before, now);
    if (!params.not_before_ms) return fail(Code::invalid, "--not-before: " + std::string(moment_hint));
  }
  params.emergency = options.emergency;
  params.supersede = options.supersede;
  return {};
}

Exit on_rotation(const Context& context, policy::Verb verb, const OnRotation& options) {
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());
  policy::Command command = (*session)->command(verb, options.reasons);
  command.credential = options.client_id;
  command.rotation_id = options.rotation_id;
  return tell(context, (*session)->ask(command));
}

policy::Command rotation_of(Session& session, const Rotate& options, const policy::Params& params,
                            const std::string& client_id) {
  policy::Command command = session.command(policy::Verb::rotate, options.reasons);
  command.credential = client_id;
  command.rotation_id = options.rotation_id.empty() ? command.jti.text() : options.rotation_id;
  command.params = params;
  return command;
}

// Ids of --clients, a line each, as they come: whoever writes them may wait for what became of the one before.
class ClientIds {
 public:
  Status open(const std::string& path) {
    if (path.empty() || path == "-") return {};
    file_.open(expand_home(path));
    if (file_.is_open()) return {};
    return fail(Code::not_found, path + ": " + std::strerror(errno));
  }
  // False: that was the last one. Empty lines are none; a line that is too long for an id comes as none that is valid.
  bool next(std::string& id) {
    std::istream& in = file_.is_open() ? file_ : std::cin;
    std::array<char, policy::client_id_bytes_max + 3> text{};  // CR, and one more: too long stays too long
    while (in.getline(text.data(), text.size()) || in.gcount() > 0) {
      ++line_;
      const bool is_ended = !in.fail() && !in.eof();  // its line feed is counted
      id.assign(text.data(), static_cast<std::size_t>(in.gcount()) - (is_ended ? 1U : 0U));
      if (in.fail()) {
        in.clear();
        in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
      }
      if (id.ends_with('\r')) id.pop_back();
      if (!id.empty()) return true;
    }
    return false;
  }
  std::size_t line() const { return line_; }

 private:
  std::ifstream file_;
  std::size_t line_ = 0;
};

// One after another with the keys unlocked once. A refusal is told and the next one goes on; without an engine to hear
// there is no next one. How the first that was not taken ended is how all end.
Exit rotate_each(Session& session, const Rotate& options, const policy::Params& params, ClientIds& ids) {
  const Output& output = session.context().output;
  std::optional<Exit> exit;
  std::string id;
  while (exit != Exit::unavailable && !output.is_lost() && ids.next(id)) {
    const Result<policy::Answer> answer =
        policy::is_id(id) ? session.ask(rotation_of(session, options, params, id))
                          : fail(Code::invalid, "line " + std::to_string(ids.line()) + " is not an id");
    const Exit told = tell(session.context(), answer);
    if (!exit || *exit == Exit::ok || told == Exit::unavailable) exit = told;
  }
  if (exit) return *exit;
  return output.error({Code::invalid, "--clients: " + options.clients_file + ": no client ids in it"});
}

}  // namespace

Exit rotate(const Context& context, const Rotate& options) {
  policy::Params params;
  const Status understood = rotation_params(options, context.clock.now_ms(), params);
  if (!understood) return context.output.error(understood.error());
  const auto timeout_ms = timeout_from(options.follow_timeout);
  if (!timeout_ms) return context.output.error(timeout_ms.error());
  ClientIds ids;
  if (const Status opened = ids.open(options.clients_file); !opened)
    return context.output.error(opened.error());
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());
  if (!options.clients_file.empty()) return rotate_each(**session, options, params, ids);

  const auto command = rotation_of(**session, options, params, options.client_id);
  const auto answer = (*session)->ask(command);
  const Exit told = tell(context, answer);
  if (told != Exit::ok || !options.follow) return told;
  const auto started = rotation_in(*answer, command.rotation_id);
  return started ? follow(**session, options.client_id, *started, *timeout_ms) : told;
}

Exit promote(const Context& context, const OnRotation& options) {
  return on_rotation(context, policy::Verb::promote, options);
}

Exit cancel(const Context& context, const OnRotation& options) {
  return on_rotation(context, policy::Verb::cancel, options);
}

Exit acknowledge(const Context& context, const Acknowledge& options) {
  const auto secret = read_secret_file(expand_home(options.secret_file), policy::secret_bytes_max);
  if (!secret) return context.output.error(secret.error());
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());
  policy::Command command = (*session)->command(policy::Verb::ack, options.on.reasons);
  command.credential = options.on.client_id;
  command.rotation_id = options.on.rotation_id;
  const AckTag tag = wire::ack_tag(*secret, command.rotation_id, (*session)->keys().admin_id);
  command.params.ack_tag = to_bytes(tag.reveal());
  return tell(context, (*session)->ask(command));
}

Exit revoke(const Context& context, const Revoke& options) {
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());
  policy::Command command = (*session)->command(policy::Verb::revoke, options.reasons);
  command.credential = options.client_id;
  command.params.version_id = options.version_id;
  return tell(context, (*session)->ask(command));
}

}  // namespace shearline::cli
