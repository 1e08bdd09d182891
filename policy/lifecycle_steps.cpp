// What happens to an open rotation and to versions after the request: delivery, acks, promotion, cancel,
// revoke.
#include "policy/change.hpp"
#include "policy/lifecycle.hpp"

#include <algorithm>

namespace shearline::policy {
namespace {

const EndedRotation* find_ended(const Credential& credential, std::string_view rotation_id) {
  const std::optional<Ulid> id = Ulid::parse(rotation_id);
  if (!id) return nullptr;
  const auto found = std::ranges::find(credential.ended, *id, &EndedRotation::rotation_id);
  return found == credential.ended.end() ? nullptr : &*found;
}
// An empty id means the rotation that stands there.
bool is_at_hand(const Credential& credential, std::string_view rotation_id) {
  return credential.rotation &&
         (rotation_id.empty() || credential.rotation->rotation_id.text() == rotation_id);
}
std::unexpected<Error> no_such_rotation(const Credential& credential, std::string_view rotation_id) {
  return fail(Code::not_found, rotation_id.empty() ? "`" + credential.client_id + "` has no open rotation"
                                                   : "`" + credential.client_id + "` has no rotation " +
                                                         std::string(rotation_id));
}
std::unexpected<Error> has_ended(const EndedRotation& ended) {
  return fail(Code::conflict, "rotation " + ended.rotation_id.text() + " has ended: " +
                                  std::string(name_of(ended.outcome)) + " at " + rfc3339(ended.ended_at_ms));
}
std::unexpected<Error> not_delivered_yet(const Rotation& rotation) {
  return fail(Code::unavailable, "rotation " + rotation.rotation_id.text() +
                                     " is just being delivered; send the same command again");
}

bool may_promote(const Rotation& rotation, const std::set<std::string>& members, TimeMs now) {
  return counted_acks(rotation, members) >= rotation.quorum_required && now >= rotation.not_before_ms;
}

// The deadline was there to reach the quorum. Once it is reached, waiting for not_before is no failure, and
// the pending version must stay accepted meanwhile.
void keep_until_not_before(Change& change) {
  Rotation& rotation = *change.credential().rotation;
  const TimeMs deadline = rotation.not_before_ms + change.class_rules().ack_deadline_ms;
  if (deadline <= rotation.deadline_ms) return;
  rotation.deadline_ms = deadline;
  if (Version* pending = change.pending()) pending->not_after_ms = deadline;
}

Status check_tag(const Rotation& rotation, const Command& command) {
  const auto tag = std::ranges::find(rotation.ack_tags, command.kid, &MemberTag::admin_id);
  if (tag == rotation.ack_tags.end()) {
    return fail(Code::unauthorized, "this secret was not sealed to " + command.kid);
  }
  if (!equal_in_constant_time(tag->tag.reveal(), command.params.ack_tag)) {
    return fail(Code::unauthorized, "the ack_tag does not prove that the secret was decrypted");
  }
  return {};
}

void revoke_version(Change& change, Version& version) {
  const bool was_pending = change.pending() == &version;
  change.to(version, VersionState::revoked, change.now());
  if (was_pending) change.end_rotation(RotationState::canceled, change.now());
}

}  // namespace

Decision notified(const Credential& credential, const Context& context) {
  Change change(credential, context, nullptr);
  if (!change.has_rotation_in(RotationState::prepared)) return change.finish();
  Rotation& rotation = *change.credential().rotation;
  rotation.notified_at_ms = context.now;
  rotation.deadline_ms = context.now + change.class_rules().ack_deadline_ms;
  if (Version* pending = change.pending()) pending->not_after_ms = rotation.deadline_ms;
  rotation.envelope.clear();
  change.to(RotationState::notified, {{"envelope", rotation.envelope_id.text()},
                                      {"deadline_ms", std::to_string(rotation.deadline_ms)}});
  return change.finish();
}

Result<Decision> acknowledge(const Credential& credential, const Command& command,
                             const std::set<std::string>& group_members, const Context& context) {
  if (!group_members.contains(command.kid)) {
    return fail(Code::unauthorized, "only members of the credential's group acknowledge its secrets");
  }
  Change change(credential, context, &command);
  end_what_is_over(change);
  if (!is_at_hand(change.credential(), command.rotation_id)) {
    const EndedRotation* ended = find_ended(change.credential(), command.rotation_id);
    if (ended == nullptr) return no_such_rotation(credential, command.rotation_id);
    // Whoever decrypts last is not wrong to say so; there is only nothing left to count.
    if (ended->outcome == RotationState::completed) return change.finish();
    return has_ended(*ended);
  }
  Rotation& rotation = *change.credential().rotation;
  if (rotation.state < RotationState::notified) return not_delivered_yet(rotation);
  if (Status status = check_tag(rotation, command); !status) return std::unexpected(status.error());
  if (!rotation.acks.insert(command.kid).second) return change.finish();

  const std::size_t counted = counted_acks(rotation, group_members);
  change.note("rotation.acknowledged",
              {{"acks", std::to_string(counted) + " of " + std::to_string(rotation.quorum_required)}});
  if (rotation.state != RotationState::notified) return change.finish();
  if (may_promote(rotation, group_members, context.now)) {
    promote_now(change);
  } else if (counted >= rotation.quorum_required) {
    keep_until_not_before(change);
  }
  return change.finish();
}

Result<Decision> promote(const Credential& credential, const Command& command,
                         const std::set<std::string>& group_members, const Context& context) {
  Change change(credential, context, &command);
  end_what_is_over(change);
  if (!is_at_hand(change.credential(), command.rotation_id)) {
    const EndedRotation* ended = find_ended(change.credential(), command.rotation_id);
    if (ended == nullptr) return no_such_rotation(credential, command.rotation_id);
    if (ended->outcome == RotationState::completed) return change.finish();
    return has_ended(*ended);
  }
  const Rotation& rotation = *change.credential().rotation;
  if (rotation.state == RotationState::promoted) return change.finish();
  if (rotation.state < RotationState::notified) return not_delivered_yet(rotation);
  const std::size_t counted = counted_acks(rotation, group_members);
  if (counted < rotation.quorum_required) {
    return fail(Code::policy_violation,
                "rotation " + rotation.rotation_id.text() + " has " + std::to_string(counted) + " of " +
                    std::to_string(rotation.quorum_required) +
                    " acknowledgements; promoting it short of its quorum needs a second party (approve), and "
                    "this engine does not take approvals yet");
  }
  if (context.now < rotation.not_before_ms) {
    return fail(Code::policy_violation, "rotation " + rotation.rotation_id.text() +
                                            " is not to be promoted before " +
                                            rfc3339(rotation.not_before_ms));
  }
  promote_now(change);
  return change.finish();
}

Result<Decision> cancel(const Credential& credential, const Command& command, const Context& context) {
  Change change(credential, context, &command);
  end_what_is_over(change);
  if (!is_at_hand(change.credential(), command.rotation_id)) {
    const EndedRotation* ended = find_ended(change.credential(), command.rotation_id);
    if (ended == nullptr) return no_such_rotation(credential, command.rotation_id);
    if (ended->outcome == RotationState::canceled) return change.finish();
    return has_ended(*ended);
  }
  const Rotation& rotation = *change.credential().rotation;
  if (!is_open(rotation.state)) {
    return fail(Code::conflict, "rotation " + rotation.rotation_id.text() +
                                    " is promoted and cannot be canceled any more; rotate again, or revoke");
  }
  if (Version* pending = change.pending()) change.to(*pending, VersionState::destroyed, context.now);
  change.end_rotation(RotationState::canceled, context.now);
  return change.finish();
}

Result<Decision> revoke(const Credential& credential, const Command& command, const Context& context) {
  Change change(credential, context, &command);
  end_what_is_over(change);
  Credential& now_is = change.credential();
  if (command.params.version_id.empty()) {
    for (Version& version : now_is.versions) {
      if (version.state <= VersionState::grace) revoke_version(change, version);
    }
    if (now_is.status < CredentialStatus::revoked) change.to(CredentialStatus::revoked);
  } else {
    const std::optional<Ulid> id = Ulid::parse(command.params.version_id);
    Version* version = id ? change.find(*id) : nullptr;
    if (version == nullptr) {
      return fail(Code::not_found,
                  "`" + credential.client_id + "` has no version " + command.params.version_id);
    }
    // What has ended never accepts again; revoking it changes nothing.
    if (version->state <= VersionState::grace) revoke_version(change, *version);
  }
  end_what_is_over(change);  // a promoted rotation whose old version is gone is completed
  return change.finish();
}

}  // namespace shearline::policy
