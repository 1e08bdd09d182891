#include "policy/membership.hpp"

namespace shearline::policy {
namespace {

AuditEvent event_of(std::string_view type, std::string_view subject, const Command& command,
                    const MembershipContext& context) {
  AuditEvent event;
  event.type = type;
  event.at_ms = context.now;
  event.who = command.kid;
  event.subject = subject;
  event.reason = command.reason;
  event.justification = command.justification;
  event.ticket = command.ticket;
  event.correlation_id = command.correlation_id;
  event.command = command.jti.text();
  event.policy_hash = context.policy_hash;
  event.node = context.node;
  return event;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

Status check_members(const std::vector<std::string>& members) {
  if (members.empty()) return fail(Code::invalid, "name at least one member");
  for (const std::string& member : members) {
    if (!is_id(member)) {
      return fail(Code::invalid, "a member's id has 1 to 64 of [A-Za-z0-9._~-]; one of those given has not");
    }
  }
  return {};
}

}  // namespace

Result<MembershipChange<Group>> create_group(const Group* existing, const Command& command,
                                             const MembershipContext& context) {
  const std::string& id = command.params.group;
  if (!is_id(id)) return fail(Code::invalid, "a group's id has 1 to 64 of [A-Za-z0-9._~-]");
  if (existing != nullptr)
    return fail(Code::conflict, "the group " + id + " exists; use group.add for more members");
  if (Status members = check_members(command.params.members); !members)
    return std::unexpected(members.error());

  MembershipChange<Group> change;
  change.next.group_id = id;
  change.next.members.insert(command.params.members.begin(), command.params.members.end());
  change.next.created_at_ms = context.now;
  change.next.created_by = command.kid;
  if (change.next.members.size() > group_members_max) {
    return fail(Code::invalid, "a group has at most " + std::to_string(group_members_max) + " members");
  }
  change.event = event_of("group.created", id, command, context);
  change.event.after = joined({change.next.members.begin(), change.next.members.end()});
  return change;
}

Result<MembershipChange<Group>> add_members(const Group* existing, const Command& command,
                                            const MembershipContext& context) {
  const std::string& id = command.params.group;
  if (existing == nullptr) return fail(Code::not_found, "there is no group " + id);
  if (Status members = check_members(command.params.members); !members)
    return std::unexpected(members.error());

  MembershipChange<Group> change;
  change.next = *existing;
  change.next.members.insert(command.params.members.begin(), command.params.members.end());
  if (change.next.members.size() == existing->members.size()) {
    return fail(Code::conflict, "all of them are members of " + id + " already");
  }
  if (change.next.members.size() > group_members_max) {
    return fail(Code::invalid, "a group has at most " + std::to_string(group_members_max) + " members");
  }
  change.event = event_of("group.members_added", id, command, context);
  change.event.before = joined({existing->members.begin(), existing->members.end()});
  change.event.after = joined({change.next.members.begin(), change.next.members.end()});
  return change;
}

Result<MembershipChange<Admin>> enroll_admin(const EnrollFacts& facts, const Command& command,
                                             const MembershipContext& context) {
  const Params& params = command.params;
  if (!is_id(params.admin_id)) return fail(Code::invalid, "an admin's id has 1 to 64 of [A-Za-z0-9._~-]");
  if (params.person.empty()) return fail(Code::invalid, "name the person behind the admin (`person`)");
  if (facts.id_taken) return fail(Code::conflict, "the admin " + params.admin_id + " is enrolled already");
  if (facts.person_taken)
    return fail(Code::conflict, "that person is enrolled already under another admin id");
  if (params.signing_key == PublicKey{}) return fail(Code::invalid, "the signing key is missing");
  if (!facts.sealing_key_proven) {
    return fail(Code::invalid,
                "the sealing key is not signed by the signing key; take both from `admin init`");
  }

  MembershipChange<Admin> change;
  Admin& admin = change.next;
  admin.admin_id = params.admin_id;
  admin.person = params.person;
  admin.signing_key = params.signing_key;
  admin.sealing_key = params.sealing_key;
  admin.sealing_key_proof = params.sealing_key_proof;
  admin.environments = params.environments;
  admin.tenants = params.tenants;
  admin.enrolled_at_ms = context.now;
  admin.enrolled_by = command.kid;
  if (params.expires_at_ms) admin.expires_at_ms = *params.expires_at_ms;
  if (admin.expires_at_ms <= context.now)
    return fail(Code::invalid, "the enrolment would have expired already");
  change.event = event_of("admin.enrolled", admin.admin_id, command, context);
  change.event.after = "enrolled";
  change.event.detail.emplace_back("person", admin.person);
  return change;
}

}  // namespace shearline::policy
