#include "actors/table_facts.hpp"

#include "policy/lifecycle.hpp"

#include <algorithm>
#include <optional>

namespace shearline::actors {
namespace {

// As what a version is accepted; the window is the table's to check, at every verification.
std::optional<engine::Outcome> role_of(const wire::VersionForChecks& version, bool accept_pending) {
  if (!policy::may_accept(version.state, accept_pending)) return std::nullopt;
  if (version.state == policy::VersionState::pending) return engine::Outcome::next;
  return version.state == policy::VersionState::grace ? engine::Outcome::grace : engine::Outcome::current;
}

bool is_dead(const wire::VersionForChecks& version) {
  return version.state == policy::VersionState::retired || version.state == policy::VersionState::revoked;
}

}  // namespace

void TableFacts::take(const wire::CredentialForChecks& credential, std::uint64_t revision, unsigned partition,
                      const policy::Rules& rules, std::span<const keys::Pepper> peppers) {
  const policy::ClassRules* class_rules = rules.find(credential.credential_class);
  facts_ = {.client_id = credential.client_id,
            .revision = revision,
            .partition = static_cast<std::uint8_t>(partition),
            .suspended = credential.status == policy::CredentialStatus::suspended,
            .strict_when_stale = class_rules == nullptr || class_rules->strict_when_stale,
            .expires_at_ms = credential.expires_at_ms,
            .foreign_key_lookup = credential.foreign_key_lookup};
  foreign_pepper_ = {};
  // A class that left the rules must not change what is accepted: strictest reading, nothing pending.
  const bool accept_pending = class_rules != nullptr && class_rules->accept_pending;
  const bool gone = credential.status == policy::CredentialStatus::revoked ||
                    credential.status == policy::CredentialStatus::destroyed;
  for (const wire::VersionForChecks& version : credential.versions) {
    take_version(version, accept_pending, gone, peppers);
  }
}

void TableFacts::take_version(const wire::VersionForChecks& version, bool accept_pending, bool gone,
                              std::span<const keys::Pepper> peppers) {
  const std::optional<engine::Outcome> role = role_of(version, accept_pending);
  const auto pepper = std::ranges::find(peppers, version.mac_key_ref, &keys::Pepper::id);
  if (pepper == peppers.end()) {
    if (role) foreign_pepper_ = version.mac_key_ref;
    return;
  }
  const auto place = static_cast<std::uint8_t>(pepper - peppers.begin());
  const std::size_t accepted = facts_.accepted.size();
  if (role && !gone && accepted < accepted_.size()) {
    accepted_[accepted] = {*role, &version.digest, version.not_after_ms, version.version_id, place};
    facts_.accepted = std::span(accepted_).first(accepted + 1);
  } else if (is_dead(version)) {
    remember_dead(version, place);
  }
}

// Newest first; of two that ended together, the one that stands first in the record.
void TableFacts::remember_dead(const wire::VersionForChecks& version, std::uint8_t pepper) {
  const std::size_t known = facts_.dead.size();
  std::size_t place = known;
  while (place > 0 && ended_at_ms_[place - 1] < version.ended_at_ms) --place;
  if (place == dead_.size()) return;
  const std::size_t left = std::min(known + 1, dead_.size());
  std::move_backward(dead_.begin() + place, dead_.begin() + left - 1, dead_.begin() + left);
  std::move_backward(ended_at_ms_.begin() + place, ended_at_ms_.begin() + left - 1,
                     ended_at_ms_.begin() + left);
  dead_[place] = {&version.digest, version.state == policy::VersionState::revoked, pepper};
  ended_at_ms_[place] = version.ended_at_ms;
  facts_.dead = std::span(dead_).first(left);
}

}  // namespace shearline::actors
