#include "policy/model.hpp"

#include <algorithm>

namespace shearline::policy {
namespace {

constexpr std::array<std::string_view, 3> kind_names = {"oauth2_client_secret", "api_key", "service_key"};
constexpr std::array<std::string_view, 5> status_names = {"new", "active", "suspended", "revoked",
                                                          "destroyed"};
constexpr std::array<std::string_view, 6> version_names = {"pending", "current", "grace",
                                                           "retired", "revoked", "destroyed"};
constexpr std::array<std::string_view, 12> rotation_names = {
    "requested", "awaiting_approval", "prepared", "notified", "promoted",    "completed",
    "canceled",  "expired",           "rejected", "failed",   "rolled_back", "superseded"};
static_assert(static_cast<std::size_t>(RotationState::superseded) + 1 == rotation_names.size());
static_assert(static_cast<std::size_t>(VersionState::destroyed) + 1 == version_names.size());

}  // namespace

bool is_id(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '~' || c == '-';
  };
  return !text.empty() && text.size() <= client_id_bytes_max && std::ranges::all_of(text, allowed);
}

std::string_view name_of(CredentialKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }
std::string_view name_of(CredentialStatus status) { return status_names[static_cast<std::size_t>(status)]; }
std::string_view name_of(VersionState state) { return version_names[static_cast<std::size_t>(state)]; }
std::string_view name_of(RotationState state) { return rotation_names[static_cast<std::size_t>(state)]; }

std::optional<CredentialKind> credential_kind_from(std::string_view name) {
  const auto found = std::ranges::find(kind_names, name);
  if (found == kind_names.end()) return std::nullopt;
  return static_cast<CredentialKind>(found - kind_names.begin());
}

Version clone(const Version& version) {
  Version copy;
  copy.version_id = version.version_id;
  copy.algorithm = version.algorithm;
  copy.mac_key_ref = version.mac_key_ref;
  copy.digest = version.digest.clone();
  copy.state = version.state;
  copy.created_at_ms = version.created_at_ms;
  copy.not_before_ms = version.not_before_ms;
  copy.not_after_ms = version.not_after_ms;
  copy.promoted_at_ms = version.promoted_at_ms;
  copy.ended_at_ms = version.ended_at_ms;
  copy.created_by = version.created_by;
  copy.reason = version.reason;
  copy.weak = version.weak;
  return copy;
}

Rotation clone(const Rotation& rotation) {
  Rotation copy;
  copy.rotation_id = rotation.rotation_id;
  copy.version_id = rotation.version_id;
  copy.state = rotation.state;
  copy.creation = rotation.creation;
  copy.emergency = rotation.emergency;
  copy.supersede = rotation.supersede;
  copy.requester = rotation.requester;
  copy.reason = rotation.reason;
  copy.justification = rotation.justification;
  copy.ticket = rotation.ticket;
  copy.correlation_id = rotation.correlation_id;
  copy.grace_ms = rotation.grace_ms;
  copy.quorum_required = rotation.quorum_required;
  copy.acks = rotation.acks;
  copy.ack_tags.reserve(rotation.ack_tags.size());
  for (const MemberTag& tag : rotation.ack_tags) {
    copy.ack_tags.push_back({.admin_id = tag.admin_id, .tag = tag.tag.clone()});
  }
  copy.requested_at_ms = rotation.requested_at_ms;
  copy.not_before_ms = rotation.not_before_ms;
  copy.notified_at_ms = rotation.notified_at_ms;
  copy.deadline_ms = rotation.deadline_ms;
  copy.promoted_at_ms = rotation.promoted_at_ms;
  copy.envelope_id = rotation.envelope_id;
  copy.envelope = rotation.envelope;
  return copy;
}

Credential clone(const Credential& credential) {
  Credential copy;
  copy.client_id = credential.client_id;
  copy.kind = credential.kind;
  copy.status = credential.status;
  copy.metadata = credential.metadata;
  copy.group = credential.group;
  copy.credential_class = credential.credential_class;
  copy.api_key_prefix = credential.api_key_prefix;
  copy.foreign_key_lookup = credential.foreign_key_lookup;
  copy.secret_fingerprint = credential.secret_fingerprint;
  copy.created_at_ms = credential.created_at_ms;
  copy.last_rotated_ms = credential.last_rotated_ms;
  copy.expires_at_ms = credential.expires_at_ms;
  copy.versions.reserve(credential.versions.size());
  for (const Version& version : credential.versions) copy.versions.push_back(clone(version));
  if (credential.rotation) copy.rotation = clone(*credential.rotation);
  copy.ended = credential.ended;
  copy.events_written = credential.events_written;
  copy.answered = credential.answered;
  return copy;
}

}  // namespace shearline::policy
