#include "policy/change.hpp"

#include <algorithm>

namespace shearline::policy {

Version* Change::find(const Ulid& version_id) {
  auto& versions = decision_.next.versions;
  const auto found = std::ranges::find(versions, version_id, &Version::version_id);
  return found == versions.end() ? nullptr : &*found;
}

Version* Change::current() {
  auto& versions = decision_.next.versions;
  const auto found = std::ranges::find(versions, VersionState::current, &Version::state);
  return found == versions.end() ? nullptr : &*found;
}

Version* Change::pending() {
  const auto& rotation = decision_.next.rotation;
  return rotation && is_open(rotation->state) ? find(rotation->version_id) : nullptr;
}

AuditEvent& Change::event(std::string type, std::string_view before, std::string_view after,
                          Details details) {
  AuditEvent event;
  event.type = std::move(type);
  event.at_ms = now();
  event.who = author_ == nullptr ? "engine" : author_->kid;
  event.subject = decision_.next.client_id;
  event.before = before;
  event.after = after;
  event.policy_hash = context_.rules.hash;
  event.node = context_.node;
  event.detail = std::move(details);
  if (author_ != nullptr) {
    event.command = author_->jti.text();
    event.reason = author_->reason;
    event.justification = author_->justification;
    event.ticket = author_->ticket;
    event.correlation_id = author_->correlation_id;
  }
  // What an ack or a deadline brings about still happens for the reasons the rotation was asked for.
  if (const auto& rotation = decision_.next.rotation) {
    event.rotation_id = rotation->rotation_id.text();
    if (event.reason.empty()) event.reason = rotation->reason;
    if (event.justification.empty()) event.justification = rotation->justification;
    if (event.ticket.empty()) event.ticket = rotation->ticket;
    if (event.correlation_id.empty()) event.correlation_id = rotation->correlation_id;
  }
  decision_.events.push_back(std::move(event));
  return decision_.events.back();
}

void Change::created(std::string type, Details details) {
  counts_events_ = true;
  event(std::move(type), "", name_of(decision_.next.status), std::move(details));
}

void Change::to(CredentialStatus status) {
  CredentialStatus& now_status = decision_.next.status;
  if (now_status == status) return;
  event("credential." + std::string(name_of(status)), name_of(now_status), name_of(status), {});
  now_status = status;
}

void Change::to(Version& version, VersionState state, TimeMs at, Details details) {
  if (version.state == state) return;
  event("version." + std::string(name_of(state)), name_of(version.state), name_of(state), std::move(details))
      .version_id = version.version_id.text();
  const bool had_ended = version.state >= VersionState::retired;
  version.state = state;
  if (state >= VersionState::retired && !had_ended) {
    version.ended_at_ms = at;
    version.not_after_ms = std::min(version.not_after_ms, at);
  }
  if (state == VersionState::destroyed) version.digest = Digest{};
}

void Change::add(Version version, Details details) {
  event("version." + std::string(name_of(version.state)), "", name_of(version.state), std::move(details))
      .version_id = version.version_id.text();
  decision_.next.versions.insert(decision_.next.versions.begin(), std::move(version));
}

void Change::open(Rotation rotation) {
  const Ulid version_id = rotation.version_id;
  const RotationState state = rotation.state;
  Details details = {{"quorum", std::to_string(rotation.quorum_required)},
                     {"grace_ms", std::to_string(rotation.grace_ms)}};
  if (rotation.emergency) details.emplace_back("emergency", "true");
  if (rotation.supersede) details.emplace_back("supersede", "true");
  decision_.next.rotation = std::move(rotation);
  event("rotation." + std::string(name_of(state)), "", name_of(state), std::move(details)).version_id =
      version_id.text();
}

void Change::to(RotationState state, Details details) {
  Rotation& rotation = *decision_.next.rotation;
  event("rotation." + std::string(name_of(state)), name_of(rotation.state), name_of(state),
        std::move(details))
      .version_id = rotation.version_id.text();
  rotation.state = state;
}

void Change::end_rotation(RotationState outcome, TimeMs at, Details details) {
  to(outcome, std::move(details));
  auto& ended = decision_.next.ended;
  ended.insert(ended.begin(),
               {.rotation_id = decision_.next.rotation->rotation_id, .outcome = outcome, .ended_at_ms = at});
  if (ended.size() > rotation_history_max) ended.resize(rotation_history_max);
  decision_.next.rotation.reset();
}

void Change::note(std::string type, Details details) {
  const std::string_view state = name_of(decision_.next.rotation->state);
  event(std::move(type), state, state, std::move(details)).version_id =
      decision_.next.rotation->version_id.text();
}

Decision Change::finish(bool needs_secret) {
  // Newest first: what lies behind the newest tombstones is in the audit trail only.
  std::size_t tombstones = 0;
  std::erase_if(decision_.next.versions, [&](const Version& version) {
    return version.state == VersionState::destroyed && ++tombstones > version_tombstones_max;
  });
  // A record that is older than the counting stays uncounted: a part would pass for the whole.
  if (counts_events_) decision_.next.events_written += decision_.events.size();
  decision_.needs_secret = needs_secret;
  return std::move(decision_);
}

namespace {

bool in_grace(const Version& version) { return version.state == VersionState::grace; }

void end_open_rotation(Change& change, RotationState outcome, TimeMs at) {
  if (Version* pending = change.pending()) change.to(*pending, VersionState::destroyed, at);
  change.end_rotation(outcome, at);
}

void reach_hard_end(Change& change) {
  Credential& credential = change.credential();
  const TimeMs at = credential.expires_at_ms;
  const bool live = credential.status < CredentialStatus::revoked;
  if (!live || change.now() < at) return;
  if (credential.rotation && is_open(credential.rotation->state)) {
    end_open_rotation(change, RotationState::expired, at);
  }
  for (Version& version : credential.versions) {
    if (version.state > VersionState::grace) continue;
    // A window that was over before the hard end was not ended by it.
    if (in_grace(version) && version.not_after_ms <= at) continue;
    change.to(version, VersionState::revoked, at, {{"because", "hard end of the credential"}});
  }
  change.to(CredentialStatus::revoked);
}

void expire_rotation(Change& change) {
  if (!change.has_rotation_in(RotationState::notified)) return;
  const Rotation& rotation = *change.credential().rotation;
  const bool waits_for_not_before = rotation.acks.size() >= rotation.quorum_required;
  if (waits_for_not_before || change.now() < rotation.deadline_ms) return;
  end_open_rotation(change, RotationState::expired, rotation.deadline_ms);
}

void complete_rotation(Change& change) {
  Credential& credential = change.credential();
  if (!change.has_rotation_in(RotationState::promoted)) return;
  if (std::ranges::any_of(credential.versions, in_grace)) return;
  // The moment the last old version ended, so that a late look and a timely one agree.
  TimeMs at = credential.rotation->promoted_at_ms;
  for (const Version& version : credential.versions) {
    if (version.version_id != credential.rotation->version_id && version.promoted_at_ms > 0) {
      at = std::max(at, version.ended_at_ms);
    }
  }
  change.end_rotation(RotationState::completed, at);
}

}  // namespace

void end_what_is_over(Change& change) {
  const Change::AsEngine by_time(change);
  for (Version& version : change.credential().versions) {
    if (in_grace(version) && version.not_after_ms <= change.now() &&
        version.not_after_ms <= change.credential().expires_at_ms) {
      change.to(version, VersionState::retired, version.not_after_ms);
    }
  }
  expire_rotation(change);
  reach_hard_end(change);
  complete_rotation(change);
}

std::size_t counted_acks(const Rotation& rotation, const std::set<std::string>& group_members) {
  return static_cast<std::size_t>(std::ranges::count_if(
      rotation.acks, [&](const std::string& admin_id) { return group_members.contains(admin_id); }));
}

void promote_now(Change& change) {
  Credential& credential = change.credential();
  Rotation& rotation = *credential.rotation;
  const TimeMs now = change.now();
  Version& brought = *change.pending();

  for (Version& version : credential.versions) {
    if (in_grace(version)) change.to(version, VersionState::retired, now, {{"because", "superseded"}});
  }
  if (Version* old = change.current()) {
    // The window is the old version's, and runs from this very moment: not from the request, not from
    // not_before.
    const TimeMs window_ends = now + rotation.grace_ms;
    const Change::Details window = {{"not_after_ms", std::to_string(window_ends)}};
    old->not_after_ms = window_ends;
    change.to(*old, rotation.grace_ms > 0 ? VersionState::grace : VersionState::retired, now, window);
  }
  brought.not_after_ms = time_never;
  brought.promoted_at_ms = now;
  change.to(brought, VersionState::current, now);
  rotation.promoted_at_ms = now;
  change.to(RotationState::promoted);
  credential.last_rotated_ms = now;
  if (credential.status == CredentialStatus::fresh) change.to(CredentialStatus::active);
  complete_rotation(change);
}

}  // namespace shearline::policy
