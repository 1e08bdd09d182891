// The lifecycle as pure functions: (state, command, rules, now) -> decision (design: model.md). Nothing here
// generates, stores, sends or knows a clock, so the simulator, the tests and the formal model see what
// production runs. Every function returns the whole next state; the caller stores it with the events by one
// compare-and-put, or drops it.
#pragma once

#include "policy/command.hpp"
#include "policy/event.hpp"
#include "policy/model.hpp"
#include "policy/rules.hpp"

#include <optional>
#include <vector>

namespace shearline::policy {

struct Decision {
  Credential next;
  std::vector<AuditEvent> events;  // exactly one per change of state
  // A pending version without digest, tags and envelope: the caller generates the secret, seals it for the
  // group and fills in what is missing before it stores (sealed BEFORE stored). Never set by advance().
  bool needs_secret = false;
};

struct Context {
  TimeMs now = 0;
  const Rules& rules;
  std::string_view node;         // node id, for events
  std::string_view mac_key_ref;  // the pepper new versions use
  Ulid new_version_id;           // for the version a decision may mint
};

// credential.create on a client that does not exist: status new, one open rotation, prepared.
Result<Decision> create(const Command& command, const Context& context);

// One item of credential.import, the secret already opened and hashed by the caller: active at once.
struct Imported {
  Digest digest;
  Hash fingerprint{};
  std::optional<std::array<Byte, 16>> foreign_key_lookup;
  std::size_t secret_bytes = 0;
  bool has_own_key_form = false;  // looks like <prefix>_<client_id>.<secret><crc>: refused
};
Result<Decision> import(const Command& command, const ImportItem& item, Imported imported,
                        const Context& context);

// rotate. conflict names the open rotation; the same rotation_id again is answered by the caller from
// `answered`.
Result<Decision> rotate(const Credential& credential, const Command& command, const Context& context);

// The envelope is in the group's stream: prepared -> notified, the envelope leaves the record, the deadline
// runs.
Decision notified(const Credential& credential, const Context& context);

// ack by a current member with the right tag (compared in constant time); promotes when quorum and not_before
// allow.
Result<Decision> acknowledge(const Credential& credential, const Command& command,
                             const std::set<std::string>& group_members, const Context& context);

// promote by hand: only with the quorum reached (short of it, it needs a second party and is refused).
Result<Decision> promote(const Credential& credential, const Command& command,
                         const std::set<std::string>& group_members, const Context& context);
Result<Decision> cancel(const Credential& credential, const Command& command, const Context& context);
// One version (params.version_id) or all of them; an open rotation whose version is revoked ends canceled.
Result<Decision> revoke(const Credential& credential, const Command& command, const Context& context);

// What time alone brings about: not_before reached with quorum -> promoted; deadline passed -> expired; grace
// over -> retired and rotation completed; retention over -> destroyed; hard end. Empty: nothing is due at
// `now`.
std::optional<Decision> advance(const Credential& credential, const std::set<std::string>& group_members,
                                const Context& context);
// When advance() will next have something to do; time_never: nothing. A prepared rotation is due at once.
TimeMs next_due(const Credential& credential, const Rules& rules);

// The invariants of model.md that one credential alone can show (1, 3 in part, 2, 4): empty, or what is
// broken.
std::optional<std::string> broken_invariant(const Credential& before, const Credential& after, TimeMs now);

// The rotation as status and answers show it (JSON object without secrets, tags or digests).
std::string rotation_json(const Credential& credential, const Rotation& rotation);
std::string credential_json(const Credential& credential);

}  // namespace shearline::policy
