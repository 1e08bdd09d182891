// From the record of a credential to what the table needs for one check: pure. The replica is the only caller.
#pragma once

#include "engine/table.hpp"
#include "io/keys/keyring.hpp"
#include "io/wire/record_for_checks.hpp"
#include "policy/rules.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace shearline::actors {

// What the table needs, and the arrays that it points into. Borrows digests and the client id from the credential: use it
// while the credential lives.
class TableFacts {
 public:
  TableFacts() = default;
  TableFacts(const TableFacts&) = delete;
  TableFacts& operator=(const TableFacts&) = delete;

  // Written over what it held before.
  void take(const wire::CredentialForChecks& credential, std::uint64_t revision, unsigned partition,
            const policy::Rules& rules, std::span<const keys::Pepper> peppers);

  const engine::CredentialFacts& facts() const { return facts_; }
  // Of an accepting version that none of this node's peppers can check; it is left out. Empty: there is none.
  std::string_view foreign_pepper() const { return foreign_pepper_; }

 private:
  void take_version(const wire::VersionForChecks& version, bool accept_pending, bool gone,
                    std::span<const keys::Pepper> peppers);
  void remember_dead(const wire::VersionForChecks& version, std::uint8_t pepper);

  engine::CredentialFacts facts_;
  std::string_view foreign_pepper_;
  std::array<engine::AcceptedVersion, engine::accepting_versions_max> accepted_;
  std::array<engine::DeadDigest, engine::dead_digests_max> dead_;
  std::array<TimeMs, engine::dead_digests_max> ended_at_ms_{};  // of the dead ones
};

}  // namespace shearline::actors
