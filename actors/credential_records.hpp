// Credentials in the store, as rotation reads and writes them: a record becomes a credential with its revision, a decision
// becomes one compare-and-put of state, events and deadline. Used by the rotation actor; decides nothing.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/timers.hpp"
#include "policy/lifecycle.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace shearline::actors {

// A credential with the revision it was read at; 0: there is none yet.
struct Loaded {
  std::optional<policy::Credential> credential;
  std::uint64_t revision = 0;

  const policy::Credential* get() const { return credential ? &*credential : nullptr; }
};

// Control thread; load and put park the calling fiber.
class CredentialRecords {
 public:
  // known_revision: of a client, as the replica last heard it; an older record is refused.
  CredentialRecords(ActorContext& context,
                    std::function<std::uint64_t(std::string_view client_id)> known_revision,
                    AuditMailbox& audit, Timers& timers);

  Result<Loaded> load(const std::string& client_id);

  // The new revision. conflict: somebody was faster. Whatever else fails may have been stored all the same.
  Result<std::uint64_t> put(const policy::Decision& decision, std::uint64_t expected_revision);

  // When something is next to be done at this credential; a finished envelope waits for nothing.
  TimeMs due_of(const policy::Credential& credential) const;

 private:
  ActorContext& context_;
  std::function<std::uint64_t(std::string_view client_id)> known_revision_;
  AuditMailbox& audit_;
  Timers& timers_;
};

inline bool carries_envelope(const policy::Credential& credential) {
  return credential.rotation && !credential.rotation->envelope.empty();
}

}  // namespace shearline::actors
