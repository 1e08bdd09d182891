// The one way in which a command changes a credential: read the record, find an earlier answer, ask whether the sender may,
// decide, seal, and store state, events, envelope and answer by one compare-and-put. Used by rotation and by import, which
// bring the decision; knows no verb. Control thread.
#pragma once

#include "actors/context.hpp"
#include "actors/credential_records.hpp"
#include "actors/directory.hpp"
#include "actors/gate.hpp"
#include "actors/messages.hpp"
#include "actors/timers.hpp"
#include "policy/lifecycle.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>

namespace shearline::actors {

inline constexpr int attempts_max = 5;  // while others are faster or the store's answers are lost
inline constexpr std::int64_t attempt_pause_ms = 100;

// What a command wants of one credential.
struct ChangeOrder {
  const policy::Command& command;
  const std::string& client_id;
  // Pure but for what it opens; asked again on what is there when somebody else was faster.
  std::function<Result<policy::Decision>(const Loaded& before)> decide;
  // What is kept in the record as the answer to this command; may be empty.
  std::function<std::string(const Loaded& before, const policy::Decision& decision)> answer;
  // Whichever is reached first ends the attempts.
  int tries_max = attempts_max;
  std::int64_t patience_ms = std::numeric_limits<std::int32_t>::max();
};

struct Settled {
  std::string answer;     // as it stands in the record
  bool repeated = false;  // this very command was carried out before
};

class CredentialChanges {
 public:
  // Takes a credential that was just stored further, under its lock: whatever is due at once.
  using CarryOn = std::function<void(policy::Credential credential, std::uint64_t revision)>;

  CredentialChanges(ActorContext& context, const Directory& directory, CredentialRecords& records,
                    DistributionMailbox& distribution, Timers& timers, ClientLocks& clients,
                    CarryOn carry_on);

  // Parks the calling fiber until it is stored or refused.
  Result<Settled> carry_out(const ChangeOrder& order);

 private:
  Result<std::optional<Settled>> try_once(const ChangeOrder& order);
  Result<std::optional<Settled>> earlier(const ChangeOrder& order, const Loaded& loaded);
  Status permit(const policy::Command& command, const Loaded& loaded) const;
  Result<std::optional<Settled>> store(const ChangeOrder& order, const Loaded& loaded,
                                       policy::Decision decision);

  ActorContext& context_;
  const Directory& directory_;
  CredentialRecords& records_;
  DistributionMailbox& distribution_;
  Timers& timers_;
  ClientLocks& clients_;
  CarryOn carry_on_;
};

// For a decision on a credential of this group. members: alive as long as the context is used.
inline policy::Context lifecycle_context(const ActorContext& context, const std::set<std::string>& members) {
  const TimeMs now = context.clock.now_ms();
  return {
      now,     context.rules, context.node, context.keyring.current_pepper, Ulid::make(now, context.random),
      &members};
}

}  // namespace shearline::actors
