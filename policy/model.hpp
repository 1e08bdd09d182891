// The nouns of the product: credential, version, rotation, group, admin (design: model.md). Plain data,
// public bytes only; the digest and the ack tags keep their own unprintable types. All times are Unix
// milliseconds. Read by lifecycle (which decides), io/wire/record (which encodes) and the actors (which act).
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/secret.hpp"
#include "base/ulid.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::policy {

inline constexpr std::size_t client_id_bytes_max = 64;
inline constexpr std::size_t secret_bytes_max = 512;
inline constexpr std::size_t accepting_versions_max = 3;
inline constexpr std::size_t dead_digests_max = 4;
inline constexpr std::size_t rotation_history_max = 32;
inline constexpr std::size_t version_tombstones_max = 32;  // destroyed ones in the record; the audit has all
inline constexpr std::size_t answered_commands_max = 64;
inline constexpr std::size_t group_members_max = 256;

// 1 to 64 of [A-Za-z0-9._~-]. The same alphabet holds for admin ids and group ids.
bool is_id(std::string_view text);

enum class CredentialKind : std::uint8_t { oauth2_client_secret, api_key, service_key };
enum class CredentialStatus : std::uint8_t {
  fresh,
  active,
  suspended,
  revoked,
  destroyed
};  // fresh is "new"
enum class VersionState : std::uint8_t { pending, current, grace, retired, revoked, destroyed };
enum class RotationState : std::uint8_t {
  requested,
  awaiting_approval,
  prepared,
  notified,
  promoted,
  completed,
  canceled,
  expired,
  rejected,
  failed,
  rolled_back,
  superseded,
};

std::string_view name_of(CredentialKind kind);
std::string_view name_of(CredentialStatus status);
std::string_view name_of(VersionState state);
std::string_view name_of(RotationState state);
std::optional<CredentialKind> credential_kind_from(std::string_view name);

constexpr bool is_open(RotationState state) { return state <= RotationState::notified; }

// All mandatory before anything is distributed; last_rotated lives in Credential because the engine keeps it.
struct Metadata {
  std::string owner;
  std::string service;
  std::string environment;
  std::string tenant;
  std::string data_classification;
  std::int64_t rotation_period_ms = 0;  // 0: by kind

  bool operator==(const Metadata&) const = default;
};

struct Version {
  Ulid version_id;
  std::string algorithm = "sl1";
  std::string mac_key_ref;  // which pepper, exactly: its id in the keyring
  Digest digest;            // all zero once destroyed
  VersionState state = VersionState::pending;
  TimeMs created_at_ms = 0;
  TimeMs not_before_ms = 0;          // delays promotion only
  TimeMs not_after_ms = time_never;  // the first millisecond at which it is no longer accepted
  TimeMs promoted_at_ms = 0;         // when it became current for the first time; 0: never
  TimeMs ended_at_ms = 0;            // when it became retired, revoked or destroyed
  std::string created_by;            // admin id
  std::string reason;
  bool weak = false;  // an import the operator insisted on
};

// What a member has to show to prove that they decrypted (security.md "Acknowledgement").
struct MemberTag {
  std::string admin_id;
  AckTag tag;
};

struct Rotation {
  Ulid rotation_id;
  Ulid version_id;  // the version it brings
  RotationState state = RotationState::requested;
  bool creation = false;  // the credential's first version
  bool emergency = false;
  bool supersede = false;
  std::string requester;  // admin id
  std::string reason;
  std::string justification;
  std::string ticket;
  std::string correlation_id;
  std::int64_t grace_ms = 0;
  std::uint32_t quorum_required = 1;
  std::set<std::string> acks;       // distinct members
  std::vector<MemberTag> ack_tags;  // encrypted when stored
  TimeMs requested_at_ms = 0;
  TimeMs not_before_ms = 0;
  TimeMs notified_at_ms = 0;
  TimeMs deadline_ms = 0;  // no quorum by then: expired
  TimeMs promoted_at_ms = 0;
  Ulid envelope_id;
  Bytes envelope;  // finished msgpack, only while prepared; leaves the record once it is in the stream
};

struct EndedRotation {
  Ulid rotation_id;
  RotationState outcome = RotationState::completed;
  TimeMs ended_at_ms = 0;
};

// The idempotency memory of a record (protocols.md section 3): the same JWS gets the same answer.
struct AnsweredCommand {
  Ulid jti;
  Hash command_hash{};  // SHA-256 of the JWS
  std::string answer;   // the answer's JSON claims without what depends on the moment of sending
  TimeMs keep_until_ms = 0;
};

struct Credential {
  std::string client_id;
  CredentialKind kind = CredentialKind::oauth2_client_secret;
  CredentialStatus status = CredentialStatus::fresh;
  Metadata metadata;
  std::string group;  // group id that receives its secrets
  std::string credential_class = "default";
  std::string api_key_prefix;                              // empty: the secret is handed out bare
  std::optional<std::array<Byte, 16>> foreign_key_lookup;  // an imported api_key presented alone
  Hash secret_fingerprint{};                               // keyed; finds the same secret imported twice
  TimeMs created_at_ms = 0;
  TimeMs last_rotated_ms = 0;
  TimeMs expires_at_ms = time_never;  // hard end
  std::vector<Version> versions;      // newest first; the newest version_tombstones_max tombstones stay
  std::optional<Rotation> rotation;   // the open one, or the promoted one until it is completed
  std::vector<EndedRotation> ended;   // newest first, at most rotation_history_max
  // Audit events about it, however many trails they stand in. 0: not known, older than the counting of them.
  std::uint64_t events_written = 0;
  std::vector<AnsweredCommand> answered;
};

struct Admin {
  std::string admin_id;
  std::string person;             // `sub` of the identity provider; unique
  PublicKey signing_key{};        // Ed25519
  PublicKey sealing_key{};        // X25519; counts only with sealing_key_proof
  Signature sealing_key_proof{};  // by signing_key over "shearline v1 sealing key" || 0x00 || admin_id ||
                                  // 0x00 || key
  std::set<std::string> environments;  // empty: all
  std::set<std::string> tenants;       // empty: all
  bool founding = false;               // stands in the configuration, not in the store
  bool revoked = false;
  TimeMs enrolled_at_ms = 0;
  TimeMs expires_at_ms = time_never;
  std::string enrolled_by;
  std::vector<AnsweredCommand> answered;
};

struct Group {
  std::string group_id;
  std::uint64_t generation = 1;
  std::set<std::string> members;  // admin ids, at most group_members_max
  TimeMs created_at_ms = 0;
  std::string created_by;
  std::vector<AnsweredCommand> answered;
};

// Explicit copies, because digests and tags do not copy by accident.
Version clone(const Version& version);
Rotation clone(const Rotation& rotation);
Credential clone(const Credential& credential);

}  // namespace shearline::policy
