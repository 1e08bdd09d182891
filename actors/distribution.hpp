// The distribution actor: seals a fresh secret for every member of the group (HPKE, signed by the engine; MLS takes over
// later), and appends finished envelopes to the group's stream. It seals BEFORE the state is stored and forgets the
// plaintext when it has (design: architecture.md journey 2). Control thread; no decision is made here.
#pragma once

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/messages.hpp"

#include <map>
#include <memory>
#include <string>

namespace shearline::actors {

class Distribution {
 public:
  Distribution(ActorContext& context, const Directory& directory);
  ~Distribution();

  void start();
  DistributionMailbox& mailbox();
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Pure but for randomness: what a SealWork comes to. unavailable: no member of the group has a key to seal for.
Result<Delivery> seal_for_members(const SealWork& work, const std::vector<const policy::Admin*>& members,
                                  std::uint64_t generation, const keys::Keyring& keyring, TimeMs now,
                                  Random& random);
// The notice after a promotion: the actual end of the old version's window, signed, nothing secret.
Bytes make_notice(const policy::Credential& credential, const policy::Rotation& rotation,
                  std::uint64_t generation, TimeMs window_ends_ms, const keys::Keyring& keyring, TimeMs now,
                  Ulid id);

}  // namespace shearline::actors
