// What the rotation actor adds to a decision before it is stored: the secret (generated, hashed, sealed, gone) and the
// notice of a promotion. Used by rotation.cpp only.
#pragma once

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/messages.hpp"
#include "policy/lifecycle.hpp"

namespace shearline::actors {

// Fills in digest, tags and envelope of the pending version. The plaintext is gone when this returns (model.md invariant
// 6). policy_violation: fewer members could be sealed for than the quorum needs. Parks the calling fiber.
Status mint_secret(policy::Decision& decision, ActorContext& context, DistributionMailbox& distribution);

// Where the decision promotes a rotation: the notice with the actual end of the old version's window, put where a finished
// envelope waits to be published, so that a crash cannot lose it.
void attach_notice(const policy::Credential* before, policy::Decision& decision, ActorContext& context,
                   const Directory& directory);

}  // namespace shearline::actors
