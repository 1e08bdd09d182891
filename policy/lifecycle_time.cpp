// What time alone brings about, and when to look again. Every timer is derived from stored times, so that a
// node that takes over goes on where the other stopped.
#include "policy/change.hpp"
#include "policy/lifecycle.hpp"

#include <algorithm>

namespace shearline::policy {
namespace {

// The quorum was reached before not_before, and that moment has come.
void promote_what_waited(Change& change, const std::set<std::string>& group_members) {
  if (!change.has_rotation_in(RotationState::notified)) return;
  Rotation& rotation = *change.credential().rotation;
  const bool waited =
      rotation.acks.size() >= rotation.quorum_required && change.now() >= rotation.not_before_ms;
  if (!waited) return;
  if (counted_acks(rotation, group_members) >= rotation.quorum_required) return promote_now(change);
  std::string gone;
  for (const std::string& admin_id : rotation.acks) {
    if (!group_members.contains(admin_id)) gone += (gone.empty() ? "" : ", ") + admin_id;
  }
  change.note("rotation.acks_dropped", {{"no_longer_members", gone}});
  std::erase_if(rotation.acks,
                [&](const std::string& admin_id) { return !group_members.contains(admin_id); });
}

TimeMs kept_until(const Version& version, const ClassRules& rules) {
  return version.ended_at_ms + rules.retention_ms;
}
bool is_kept(const Version& version) {
  return version.state == VersionState::retired || version.state == VersionState::revoked;
}

void destroy_what_was_kept(Change& change) {
  const ClassRules rules = change.class_rules();
  for (Version& version : change.credential().versions) {
    if (is_kept(version) && kept_until(version, rules) <= change.now()) {
      change.to(version, VersionState::destroyed, change.now());
    }
  }
}

TimeMs rotation_due(const Rotation& rotation) {
  if (rotation.state < RotationState::notified) return rotation.requested_at_ms;
  if (rotation.state > RotationState::notified) return time_never;
  const bool waits = rotation.acks.size() >= rotation.quorum_required;
  return waits ? rotation.not_before_ms : rotation.deadline_ms;
}

}  // namespace

std::optional<Decision> advance(const Credential& credential, const std::set<std::string>& group_members,
                                const Context& context) {
  Change change(credential, context, nullptr);
  end_what_is_over(change);
  promote_what_waited(change, group_members);
  end_what_is_over(change);
  destroy_what_was_kept(change);
  if (change.empty()) return std::nullopt;
  return change.finish();
}

TimeMs next_due(const Credential& credential, const Rules& rules) {
  const ClassRules class_rules = rules.of_class(credential.credential_class);
  TimeMs due = time_never;
  if (credential.status < CredentialStatus::revoked) due = credential.expires_at_ms;
  if (credential.rotation) due = std::min(due, rotation_due(*credential.rotation));
  for (const Version& version : credential.versions) {
    if (version.state == VersionState::grace) due = std::min(due, version.not_after_ms);
    if (is_kept(version)) due = std::min(due, kept_until(version, class_rules));
  }
  return due;
}

bool may_accept(VersionState state, bool accept_pending) {
  switch (state) {
    case VersionState::current:
    case VersionState::grace:
      return true;
    case VersionState::pending:
      return accept_pending;
    default:
      return false;
  }
}

bool is_accepting(const Credential& credential, const Version& version, const ClassRules& rules, TimeMs now) {
  return credential.status <= CredentialStatus::active && now < credential.expires_at_ms &&
         may_accept(version.state, rules.accept_pending) && now < version.not_after_ms;
}

}  // namespace shearline::policy
