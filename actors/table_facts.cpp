#include "actors/table_facts.hpp"

#include "policy/lifecycle.hpp"

#include <algorithm>
#include <optional>

namespace shearline::actors {
namespace {

// As what a version is accepted; the window is the table's to check, at every verification.
std::optional<engine::Outcome> role_of(const policy::Version& version, bool accept_pending) {
  if (!policy::may_accept(version.state, accept_pending)) return std::nullopt;
  if (version.state == policy::VersionState::pending) return engine::Outcome::next;
  return version.state == policy::VersionState::grace ? engine::Outcome::grace : engine::Outcome::current;
}

bool is_dead(const policy::Version& version) {
  return version.state == policy::VersionState::retired || version.state == policy::VersionState::revoked;
}

}  // namespace

TableFacts table_facts(const policy::Credential& credential, std::uint64_t revision, unsigned partition,
                       const policy::Rules& rules, std::span<const keys::Pepper> peppers) {
  TableFacts out;
  const policy::ClassRules* class_rules = rules.find(credential.credential_class);
  // A class that left the rules must not change what is accepted: strictest reading, nothing pending.
  const bool accept_pending = class_rules != nullptr && class_rules->accept_pending;
  out.facts.client_id = credential.client_id;
  out.facts.revision = revision;
  out.facts.partition = static_cast<std::uint8_t>(partition);
  out.facts.suspended = credential.status == policy::CredentialStatus::suspended;
  out.facts.strict_when_stale = class_rules == nullptr || class_rules->strict_when_stale;
  out.facts.expires_at_ms = credential.expires_at_ms;
  out.facts.foreign_key_lookup = credential.foreign_key_lookup;

  struct Dead {
    const policy::Version* version;
    std::uint8_t pepper;
  };
  std::vector<Dead> dead;
  const bool gone = credential.status == policy::CredentialStatus::revoked ||
                    credential.status == policy::CredentialStatus::destroyed;
  for (const policy::Version& version : credential.versions) {
    const std::optional<engine::Outcome> role = role_of(version, accept_pending);
    const auto pepper = std::ranges::find(peppers, version.mac_key_ref, &keys::Pepper::id);
    if (pepper == peppers.end()) {
      if (role) out.foreign_pepper = version.mac_key_ref;
      continue;
    }
    const auto place = static_cast<std::uint8_t>(pepper - peppers.begin());
    if (role && !gone && out.accepted.size() < engine::accepting_versions_max) {
      out.accepted.push_back({*role, &version.digest, version.not_after_ms, version.version_id, place});
    } else if (is_dead(version)) {
      dead.push_back({&version, place});
    }
  }
  std::ranges::stable_sort(dead, std::ranges::greater{},
                           [](const Dead& each) { return each.version->ended_at_ms; });
  if (dead.size() > engine::dead_digests_max) dead.resize(engine::dead_digests_max);
  for (const auto& [version, pepper] : dead) {
    out.dead.push_back({&version->digest, version->state == policy::VersionState::revoked, pepper});
  }
  out.facts.accepted = out.accepted;
  out.facts.dead = out.dead;
  return out;
}

TimeMs newest_moment(const policy::Credential& credential) {
  TimeMs newest = std::max(credential.created_at_ms, credential.last_rotated_ms);
  for (const policy::Version& version : credential.versions) {
    newest = std::max({newest, version.created_at_ms, version.promoted_at_ms, version.ended_at_ms});
  }
  if (credential.rotation) {
    newest = std::max({newest, credential.rotation->requested_at_ms, credential.rotation->notified_at_ms,
                       credential.rotation->promoted_at_ms});
  }
  return newest;
}

}  // namespace shearline::actors
