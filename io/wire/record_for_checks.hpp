// What a node that verifies has to know of a credential's record, read as its fields stand, and allocating nothing once
// there is room for the largest: a node loads millions (docs/adr/0017). Used by the replica; whoever acts on a credential reads all of it (record.hpp).
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/ulid.hpp"
#include "io/wire/document.hpp"
#include "policy/model.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace shearline::wire {

// Texts are views of the payload; members are those of policy::Version and policy::Credential.
struct VersionForChecks {
  Ulid version_id;
  std::string_view mac_key_ref;
  Digest digest;
  policy::VersionState state = policy::VersionState::pending;
  TimeMs not_after_ms = time_never;
  TimeMs ended_at_ms = 0;
};
struct CredentialForChecks {
  std::string_view client_id;
  policy::CredentialStatus status = policy::CredentialStatus::fresh;
  std::string_view credential_class = "default";
  std::optional<std::array<Byte, 16>> foreign_key_lookup;
  Hash secret_fingerprint{};
  TimeMs expires_at_ms = time_never;
  std::vector<VersionForChecks> versions;
  // The newest at which anything the record speaks of has happened: a clock behind it cannot be right.
  TimeMs newest_moment_ms = 0;
};

// All limits hold, layout and type are checked, and a fault in a field that is read makes the record unreadable; the other
// fields may hold anything. `document` and `out` are written over, and keep their memory for the next one.
Status decode_for_checks(ByteView payload, Document& document, CredentialForChecks& out);

}  // namespace shearline::wire
