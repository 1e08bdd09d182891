// `credential create`, and what it shares with `credential import`: the facts every credential must have.
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/moments.hpp"
#include "policy/rules.hpp"

namespace shearline::cli {

Result<policy::Params> params_of(const CredentialFacts& facts, TimeMs now) {
  policy::Params params;
  params.kind = policy::credential_kind_from(facts.kind);
  if (!params.kind) return fail(Code::invalid, "--kind: oauth2_client_secret, api_key or service_key");
  params.group = facts.group;
  params.credential_class = facts.credential_class;
  params.api_key_prefix = facts.api_key_prefix;
  params.metadata.owner = facts.owner;
  params.metadata.service = facts.service;
  params.metadata.environment = facts.environment;
  params.metadata.tenant = facts.tenant;
  params.metadata.data_classification = facts.data_classification;
  if (!facts.rotation_period.empty()) {
    const auto period = policy::parse_duration(facts.rotation_period);
    if (!period) return fail(Code::invalid, "--rotation-period: a duration is 90s, 30m, 24h or 90d");
    params.metadata.rotation_period_ms = *period;
  }
  if (!facts.expires_at.empty()) {
    params.expires_at_ms = parse_moment(facts.expires_at, now);
    if (!params.expires_at_ms) return fail(Code::invalid, "--expires-at: " + std::string(moment_hint));
  }
  return params;
}

Exit credential_create(const Context& context, const CredentialCreate& options) {
  auto params = params_of(options.facts, context.clock.now_ms());
  if (!params) return context.output.error(params.error());
  const auto timeout_ms = timeout_from(options.follow_timeout);
  if (!timeout_ms) return context.output.error(timeout_ms.error());
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());

  policy::Command command = (*session)->command(policy::Verb::credential_create, options.facts.reasons);
  command.credential = options.client_id;
  command.params = std::move(*params);
  const auto answer = (*session)->ask(command);
  if (!answer) return context.output.error(answer.error());
  const Exit told = context.output.answer(*answer);
  if (told != Exit::ok || !options.follow) return told;
  const auto started = rotation_in(*answer, text_member(answer->rotation_json, "rotation_id"));
  return started ? follow(**session, options.client_id, *started, *timeout_ms) : told;
}

}  // namespace shearline::cli
