// Records with every field away from its usual value, so that one left out by a codec shows. Used by the tests of this
// room.
#pragma once

#include "base/random.hpp"
#include "io/wire/record.hpp"

#include <array>
#include <vector>

namespace shearline::testing {

using policy::Admin;
using policy::Credential;
using policy::Group;
using policy::Rotation;
using policy::Version;

inline Key state_key(Byte fill = 3) {
  Key key = Key::of_size(32);
  for (Byte& byte : key.writable()) byte = fill;
  return key;
}

// A codec with randomness that repeats, so that a failing test fails again.
struct Codec {
  SeededRandom random{11};
  wire::RecordCodec codec{state_key(), random};
  const wire::RecordCodec* operator->() const { return &codec; }
};

template <std::size_t N>
std::array<Byte, N> filled(Byte fill) {
  std::array<Byte, N> out;
  out.fill(fill);
  return out;
}
inline Ulid ulid(Byte fill) { return Ulid::from_bytes(filled<16>(fill)); }

inline std::vector<policy::AnsweredCommand> some_answers() {
  return {{.jti = ulid(41),
           .command_hash = filled<32>(42),
           .answer = R"({"status":"done"})",
           .keep_until_ms = 43},
          {.jti = ulid(44), .command_hash = filled<32>(45), .answer = "", .keep_until_ms = 46}};
}

inline Version full_version(Byte fill) {
  Version out;
  out.version_id = ulid(fill);
  out.algorithm = "sl2";
  out.mac_key_ref = "p7";
  out.digest = Digest::copy_of(filled<32>(fill));
  out.state = policy::VersionState::grace;
  out.created_at_ms = 101;
  out.not_before_ms = 102;
  out.not_after_ms = 103;
  out.promoted_at_ms = 104;
  out.ended_at_ms = 105;
  out.created_by = "alice";
  out.reason = "leaked";
  out.weak = true;
  return out;
}

inline Rotation full_rotation() {
  Rotation out;
  out.rotation_id = ulid(21);
  out.version_id = ulid(22);
  out.state = policy::RotationState::prepared;
  out.creation = true;
  out.emergency = true;
  out.supersede = true;
  out.requester = "alice";
  out.reason = "reason";
  out.justification = "justification";
  out.ticket = "T-1";
  out.correlation_id = "c-1";
  out.grace_ms = 201;
  out.quorum_required = 2;
  out.acks = {"alice", "bob"};
  out.ack_tags.push_back({.admin_id = "alice", .tag = AckTag::copy_of(filled<32>(31))});
  out.ack_tags.push_back({.admin_id = "bob", .tag = AckTag::copy_of(filled<32>(32))});
  out.requested_at_ms = 202;
  out.not_before_ms = 203;
  out.notified_at_ms = 204;
  out.deadline_ms = 205;
  out.promoted_at_ms = 206;
  out.envelope_id = ulid(23);
  out.envelope = Bytes(300, 7);
  return out;
}

inline Credential full_credential() {
  Credential out;
  out.client_id = "acme-prod";
  out.kind = policy::CredentialKind::api_key;
  out.status = policy::CredentialStatus::suspended;
  out.metadata = {"team", "billing", "staging", "acme", "internal", 301};
  out.group = "payments";
  out.credential_class = "strict";
  out.api_key_prefix = "sl";
  out.foreign_key_lookup = filled<16>(51);
  out.secret_fingerprint = filled<32>(52);
  out.created_at_ms = 302;
  out.last_rotated_ms = 303;
  out.expires_at_ms = 304;
  out.versions.push_back(full_version(61));
  out.versions.push_back(full_version(62));
  out.rotation = full_rotation();
  out.ended = {{.rotation_id = ulid(71), .outcome = policy::RotationState::expired, .ended_at_ms = 72}};
  out.events_written = 73;
  out.answered = some_answers();
  return out;
}

inline Admin full_admin() {
  Admin out;
  out.admin_id = "alice";
  out.person = "alice@example";
  out.signing_key = filled<32>(81);
  out.sealing_key = filled<32>(82);
  out.sealing_key_proof = filled<64>(83);
  out.environments = {"staging", "prod"};
  out.tenants = {"acme"};
  out.founding = true;
  out.revoked = true;
  out.enrolled_at_ms = 401;
  out.expires_at_ms = 402;
  out.enrolled_by = "root";
  out.answered = some_answers();
  return out;
}

inline Group full_group() {
  Group out;
  out.group_id = "payments";
  out.generation = 1ULL << 40;
  out.members = {"alice", "bob"};
  out.created_at_ms = 501;
  out.created_by = "alice";
  out.answered = some_answers();
  return out;
}

}  // namespace shearline::testing
