// The lifecycle as pure functions: (state, command, rules, now) -> decision (design: model.md). Nothing here
// generates, stores, sends or knows a clock, so the simulator, the tests and the formal model see what
// production runs. Every function returns the whole next state; the caller stores it with the events by one
// compare-and-put, or drops it.
#pragma once

#include "policy/command.hpp"
#include "policy/event.hpp"
#include "policy/model.hpp"
#include "policy/rules.hpp"

#include <limits>
#include <optional>
#include <vector>

namespace shearline::policy {

struct Decision {
  Credential next;
  // Exactly one per change of state of the credential, a version or the rotation, and one per ack. Empty:
  // nothing changed, which is the answer to whatever was done before (promote twice, ack twice, the same
  // rotation_id again); there is nothing to store but the answer itself.
  std::vector<AuditEvent> events;
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
  // Members of the credential's group; create, import and rotate refuse a quorum larger than it. Null: not
  // checked.
  const std::set<std::string>* group_members = nullptr;
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
  std::optional<Ulid> known_as;   // the version of the existing credential that has this very secret
};
// existing: what stands under the client id, null: nothing. Where it is what the item brings (accepted, with the same facts)
// nothing is changed, and conflict says that it exists; bringing anything else onto it needs a second party.
Result<Decision> import(const Credential* existing, const Command& command, const ImportItem& item,
                        Imported imported, const Context& context);

// rotate. conflict names the open rotation; the same rotation_id again, also after it ended, changes nothing.
// On a credential that is still `new` and has no open rotation it brings the first version.
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
//
// A rotation whose quorum is reached before its not_before keeps waiting: its deadline, and with it the
// pending version's not_after, moves to not_before + the ack deadline when the last needed ack arrives, so
// that people who deployed the new secret are not cut off meanwhile. Should members leave so that the quorum
// no longer holds at not_before, their acks are dropped and others have until that deadline.
// A prepared rotation has no deadline (that runs from notify): it is published again, or canceled by hand.
std::optional<Decision> advance(const Credential& credential, const std::set<std::string>& group_members,
                                const Context& context);
// When advance() will next have something to do; time_never: nothing. A prepared rotation is due at once.
TimeMs next_due(const Credential& credential, const Rules& rules);

// Whether verifiers take versions of this state at all, within their windows. accept_pending: as the class says.
bool may_accept(VersionState state, bool accept_pending);

// Whether verifiers take this version at `now`, its window, the hard end and the credential's status
// considered. What the replica tells the table follows the same rule.
bool is_accepting(const Credential& credential, const Version& version, const ClassRules& rules, TimeMs now);

// The invariants of model.md that one credential alone can show (1 to 4, 7, 8 and the shape of its windows)
// between one stored state and the next, at `now`: empty, or what is broken. A credential that did not exist
// before is an empty one.
std::optional<std::string> broken_invariant(const Credential& before, const Credential& after, TimeMs now);
// Invariant 5: the events lead every state from what it was to what it is, one event for each change.
std::optional<std::string> broken_event_chain(const Credential& before, const Decision& decision);

// The rotation as status and answers show it: a JSON object without secrets, tags or digests, with
// rotation_id, client_id, version_id, state, quorum {required, acks}, deadline_ms, requested_at_ms and the
// end of the old version's window.
std::string rotation_json(const Credential& credential, const Rotation& rotation);
// The same for any rotation the record still knows, ended ones with what is kept of them.
std::optional<std::string> find_rotation_json(const Credential& credential, std::string_view rotation_id);
// Its versions newest first, as many as fit into bytes_max and in any case those that may still be accepted;
// `versions_left_out` says how many more there are.
std::string credential_json(const Credential& credential,
                            std::size_t bytes_max = std::numeric_limits<std::size_t>::max());

}  // namespace shearline::policy
