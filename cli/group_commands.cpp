// `admin enroll`, `group create`, `group add`: who may act, and who receives secrets.
#include "cli/admin_public.hpp"
#include "cli/commands.hpp"
#include "cli/moments.hpp"

namespace shearline::cli {
namespace {

Result<policy::Params> enrolment(const AdminEnroll& options, TimeMs now) {
  const std::string path = expand_home(options.public_file);
  const auto content = keys::read_file(path, admin_public_bytes_max);
  if (!content) return std::unexpected(content.error());
  auto admin = decode_admin_public(as_text(*content));
  if (!admin) return fail(admin.error().code, path + ": " + admin.error().message);
  if (admin->admin_id != options.admin_id) {
    return fail(Code::invalid,
                path + " is the public file of " + admin->admin_id + ", not of " + options.admin_id);
  }
  policy::Params params;
  params.admin_id = admin->admin_id;
  params.person = admin->person;
  params.signing_key = admin->signing_key;
  params.sealing_key = admin->sealing_key;
  params.sealing_key_proof = admin->sealing_key_proof;
  params.environments = {options.environments.begin(), options.environments.end()};
  params.tenants = {options.tenants.begin(), options.tenants.end()};
  if (!options.expires_at.empty()) {
    params.expires_at_ms = parse_moment(options.expires_at, now);
    if (!params.expires_at_ms) return fail(Code::invalid, "--expires-at: " + std::string(moment_hint));
  }
  return params;
}

Exit change_group(const Context& context, policy::Verb verb, const GroupMembers& options) {
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());
  policy::Command command = (*session)->command(verb, options.reasons);
  command.params.group = options.group_id;
  command.params.members = options.members;
  const auto answer = (*session)->ask(command);
  return answer ? context.output.answer(*answer) : context.output.error(answer.error());
}

}  // namespace

Exit admin_enroll(const Context& context, const AdminEnroll& options) {
  auto params = enrolment(options, context.clock.now_ms());
  if (!params) return context.output.error(params.error());
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());
  context.output.line("Fingerprint of " + options.admin_id + ", to compare by voice: " +
                      fingerprint({.admin_id = params->admin_id,
                                   .person = params->person,
                                   .signing_key = params->signing_key,
                                   .sealing_key = params->sealing_key,
                                   .sealing_key_proof = params->sealing_key_proof}));
  policy::Command command = (*session)->command(policy::Verb::admin_enroll, options.reasons);
  command.params = std::move(*params);
  const auto answer = (*session)->ask(command);
  return answer ? context.output.answer(*answer) : context.output.error(answer.error());
}

Exit group_create(const Context& context, const GroupMembers& options) {
  return change_group(context, policy::Verb::group_create, options);
}

Exit group_add(const Context& context, const GroupMembers& options) {
  return change_group(context, policy::Verb::group_add, options);
}

}  // namespace shearline::cli
