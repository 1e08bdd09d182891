// The promises of model.md about one credential as executable checks. They are written against the model,
// not against the code that decides, and share nothing with it.
#include "policy/lifecycle.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace shearline::policy {
namespace {

using Broken = std::optional<std::string>;

bool has_ended(const Version& version) { return version.state >= VersionState::retired; }
bool is_zero(const Digest& digest) {
  return std::ranges::all_of(digest.reveal(), [](Byte byte) { return byte == 0; });
}
const Version* find_version(const Credential& credential, const Ulid& id) {
  const auto found = std::ranges::find(credential.versions, id, &Version::version_id);
  return found == credential.versions.end() ? nullptr : &*found;
}
const Version* find_state(const Credential& credential, VersionState state) {
  const auto found = std::ranges::find(credential.versions, state, &Version::state);
  return found == credential.versions.end() ? nullptr : &*found;
}
std::size_t count_state(const Credential& credential, VersionState state) {
  return static_cast<std::size_t>(std::ranges::count(credential.versions, state, &Version::state));
}
std::string named(const Version& version) {
  return "version " + version.version_id.text() + " (" + std::string(name_of(version.state)) + ")";
}

Broken broken_counts(const Credential& after) {
  if (count_state(after, VersionState::current) > 1) return "two current versions";
  if (count_state(after, VersionState::pending) > 1) return "two pending versions";
  if (count_state(after, VersionState::grace) > 1) return "two versions in grace";
  if (count_state(after, VersionState::destroyed) > version_tombstones_max) return "too many tombstones";
  if (after.ended.size() > rotation_history_max) return "too many ended rotations";
  if (after.answered.size() > answered_commands_max) return "too many answered commands";
  for (std::size_t i = 1; i < after.versions.size(); ++i) {
    if (after.versions[i - 1].created_at_ms < after.versions[i].created_at_ms) return "versions out of order";
  }
  return std::nullopt;
}

// Every window has an end that verifiers can hold by themselves, except the current version's.
Broken broken_window(const Version& version, TimeMs now) {
  switch (version.state) {
    case VersionState::pending:
    case VersionState::grace:
      if (version.not_after_ms == time_never) return named(version) + " never ends";
      break;
    case VersionState::current:
      if (version.not_after_ms != time_never) return named(version) + " has an end";
      if (version.promoted_at_ms == 0 || version.promoted_at_ms > now)
        return named(version) + " was never promoted";
      break;
    default:
      if (version.not_after_ms > now || version.ended_at_ms == 0 || version.ended_at_ms > now) {
        return named(version) + " has not ended";
      }
  }
  if (version.state == VersionState::destroyed && !is_zero(version.digest)) {
    return named(version) + " still has its digest";
  }
  return std::nullopt;
}

Broken broken_rotation(const Credential& after) {
  const Version* pending = find_state(after, VersionState::pending);
  if (!after.rotation) {
    return pending == nullptr ? Broken() : named(*pending) + " is pending without an open rotation";
  }
  const Rotation& rotation = *after.rotation;
  if (std::ranges::count(after.ended, rotation.rotation_id, &EndedRotation::rotation_id) != 0) {
    return "the rotation at hand has ended before";
  }
  if (is_open(rotation.state)) {
    if (pending == nullptr || pending->version_id != rotation.version_id) {
      return "an open rotation without its pending version";
    }
    if (pending->not_after_ms != rotation.deadline_ms) return "the pending version outlives its deadline";
    return std::nullopt;
  }
  if (rotation.state != RotationState::promoted) return "an ended rotation is still at hand";
  if (pending != nullptr) return "a pending version beside a promoted rotation";
  if (rotation.acks.size() < rotation.quorum_required) return "promoted short of its quorum";
  if (rotation.promoted_at_ms < rotation.not_before_ms) return "promoted before its not_before";
  const Version* old = find_state(after, VersionState::grace);
  if (old == nullptr) return "a promoted rotation without a window is not completed";
  if (old->not_after_ms != rotation.promoted_at_ms + rotation.grace_ms) {
    return "the window is not the promotion's time and the grace";
  }
  return std::nullopt;
}

Broken broken_status(const Credential& after) {
  const bool accepted = find_state(after, VersionState::current) != nullptr ||
                        find_state(after, VersionState::grace) != nullptr;
  if (after.status == CredentialStatus::fresh && accepted) return "a new credential with a promoted version";
  if (after.status >= CredentialStatus::revoked &&
      (accepted || find_state(after, VersionState::pending) != nullptr)) {
    return "a revoked credential with a living version";
  }
  return std::nullopt;
}

bool may_become(VersionState from, VersionState to) {
  using enum VersionState;
  switch (from) {
    case pending:
      return to == current || to == destroyed || to == revoked;
    case current:
      return to == grace || to == retired || to == revoked;
    case grace:
      return to == retired || to == revoked || to == current;
    case retired:
    case revoked:
      return to == destroyed;
    case destroyed:
      return false;
  }
  return false;
}

// A path, not a step: what was looked at late may go through several states at once.
bool may_reach(VersionState from, VersionState to) {
  if (from == to || may_become(from, to)) return true;
  for (int i = 0; i <= static_cast<int>(VersionState::destroyed); ++i) {
    const auto between = static_cast<VersionState>(i);
    const bool onward = static_cast<int>(between) > static_cast<int>(from) && may_become(from, between);
    if (onward && may_reach(between, to)) return true;
  }
  return false;
}

Broken broken_version_step(const Version& was, const Version& is) {
  if (!may_reach(was.state, is.state)) {
    return named(is) + " was " + std::string(name_of(was.state));
  }
  if (is.state != VersionState::destroyed &&
      !equal_in_constant_time(was.digest.reveal(), is.digest.reveal()) && !is_zero(was.digest)) {
    return named(is) + " has another digest";
  }
  if (was.state == VersionState::grace && is.not_after_ms > was.not_after_ms &&
      is.state != VersionState::current) {
    return named(is) + " had its window lengthened";
  }
  if (has_ended(was) && was.ended_at_ms != is.ended_at_ms) return named(is) + " ended twice";
  if (was.promoted_at_ms != 0 && was.promoted_at_ms != is.promoted_at_ms)
    return named(is) + " was promoted twice";
  return std::nullopt;
}

// Invariants 1 and 7: what was current stays, or gave way to its successor, or was revoked.
Broken broken_availability(const Credential& before, const Credential& after) {
  const Version* was = find_state(before, VersionState::current);
  if (was == nullptr) return std::nullopt;
  const Version* is = find_version(after, was->version_id);
  const Version* successor = find_state(after, VersionState::current);
  if (is == nullptr) return "the current version is gone";
  if (is->state == VersionState::current) return std::nullopt;
  if (successor != nullptr && successor->promoted_at_ms >= was->promoted_at_ms) return std::nullopt;
  const bool was_revoked = is->state == VersionState::revoked || is->state == VersionState::destroyed;
  return was_revoked ? Broken() : named(*is) + " ended without a successor: the client is locked out";
}

Broken broken_history(const Credential& before, const Credential& after) {
  for (const EndedRotation& was : before.ended) {
    const auto is = std::ranges::find(after.ended, was.rotation_id, &EndedRotation::rotation_id);
    if (is != after.ended.end() && is->outcome != was.outcome) return "an ended rotation changed its outcome";
  }
  std::size_t minted = 0;
  for (const Version& version : after.versions) {
    minted += find_version(before, version.version_id) == nullptr ? 1 : 0;
  }
  if (minted > 1) return "one step minted several versions";
  for (const Version& was : before.versions) {
    const Version* is = find_version(after, was.version_id);
    if (is == nullptr && !has_ended(was)) return named(was) + " is gone";
    if (is == nullptr) continue;
    if (Broken broken = broken_version_step(was, *is)) return broken;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> broken_invariant(const Credential& before, const Credential& after, TimeMs now) {
  for (const Version& version : after.versions) {
    if (Broken broken = broken_window(version, now)) return broken;
  }
  if (Broken broken = broken_counts(after)) return broken;
  if (Broken broken = broken_rotation(after)) return broken;
  if (Broken broken = broken_status(after)) return broken;
  if (Broken broken = broken_history(before, after)) return broken;
  return broken_availability(before, after);
}

std::optional<std::string> broken_event_chain(const Credential& before, const Decision& decision) {
  // What each thing was; the events must lead it to what it is, link by link.
  using States = std::map<std::string, std::string>;
  const auto states_of = [](const Credential& credential) {
    States states;
    if (!credential.client_id.empty()) states["credential"] = name_of(credential.status);
    for (const Version& version : credential.versions) {
      states["version " + version.version_id.text()] = name_of(version.state);
    }
    if (credential.rotation) {
      states["rotation " + credential.rotation->rotation_id.text()] = name_of(credential.rotation->state);
    }
    for (const EndedRotation& ended : credential.ended) {
      states["rotation " + ended.rotation_id.text()] = name_of(ended.outcome);
    }
    return states;
  };
  States states = states_of(before);
  for (const AuditEvent& event : decision.events) {
    const std::string kind = event.type.substr(0, event.type.find('.'));
    const std::string id = kind == "version"    ? " " + event.version_id
                           : kind == "rotation" ? " " + event.rotation_id
                                                : "";
    const std::string subject = kind + id;
    const auto known = states.find(subject);
    if ((known == states.end() ? "" : known->second) != event.before) {
      return event.type + " of " + subject + " starts from `" + event.before + "`, which it was not";
    }
    const bool is_fact = event.type == "rotation.acknowledged" || event.type == "rotation.acks_dropped";
    if (event.before == event.after && !is_fact) return event.type + " changes nothing";
    states[subject] = event.after;
  }
  for (const auto& [subject, state] : states_of(decision.next)) {
    const auto known = states.find(subject);
    if (known == states.end() || known->second != state) {
      std::string broken = subject;
      return broken.append(" became ").append(state).append(" without an event");
    }
  }
  const bool counts = before.client_id.empty() || before.events_written > 0;
  if (decision.next.events_written != (counts ? before.events_written + decision.events.size() : 0))
    return "the record does not count its events";
  return std::nullopt;
}

}  // namespace shearline::policy
