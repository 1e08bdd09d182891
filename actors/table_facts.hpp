// From the record of a credential to what the table needs for one check: pure. The replica is the only caller.
#pragma once

#include "engine/table.hpp"
#include "io/keys/keyring.hpp"
#include "policy/model.hpp"
#include "policy/rules.hpp"

#include <span>
#include <string>
#include <vector>

namespace shearline::actors {

// Borrows digests and the client id from the credential: use it while the credential lives, and do not copy it.
struct TableFacts {
  engine::CredentialFacts facts;
  std::vector<engine::AcceptedVersion> accepted;
  std::vector<engine::DeadDigest> dead;
  std::string
      foreign_pepper;  // of an accepting version that none of this node's peppers can check; it is left out
};
TableFacts table_facts(const policy::Credential& credential, std::uint64_t revision, unsigned partition,
                       const policy::Rules& rules, std::span<const keys::Pepper> peppers);

// The newest moment the record speaks of: a clock behind it cannot be right.
TimeMs newest_moment(const policy::Credential& credential);

}  // namespace shearline::actors
