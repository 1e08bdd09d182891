// `rotate`, `promote`, `cancel`, `ack`, `revoke`: commands on the life of a credential's versions.
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/moments.hpp"
#include "cli/secret_input.hpp"
#include "io/wire/envelope.hpp"
#include "policy/rules.hpp"

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

}  // namespace

Exit rotate(const Context& context, const Rotate& options) {
  policy::Params params;
  const Status understood = rotation_params(options, context.clock.now_ms(), params);
  if (!understood) return context.output.error(understood.error());
  const auto timeout_ms = timeout_from(options.follow_timeout);
  if (!timeout_ms) return context.output.error(timeout_ms.error());
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());

  policy::Command command = (*session)->command(policy::Verb::rotate, options.reasons);
  command.credential = options.client_id;
  command.rotation_id = options.rotation_id.empty() ? command.jti.text() : options.rotation_id;
  command.params = std::move(params);
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
