#include "policy/lifecycle.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::policy {
namespace {

using nlohmann::json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }
json time_or_null(TimeMs time) { return time == 0 || time == time_never ? json(nullptr) : json(time); }

// The version whose window the rotation's promotion opened: the newest promoted one before it.
const Version* replaced_by(const Credential& credential, const Rotation& rotation) {
  const Version* newest = nullptr;
  for (const Version& version : credential.versions) {
    if (version.version_id == rotation.version_id || version.promoted_at_ms == 0) continue;
    if (newest == nullptr || version.promoted_at_ms > newest->promoted_at_ms) newest = &version;
  }
  return newest;
}

json rotation_object(const Credential& credential, const Rotation& rotation) {
  const Version* replaced = replaced_by(credential, rotation);
  const bool promoted = rotation.promoted_at_ms > 0;
  json out = {
      {"rotation_id", rotation.rotation_id.text()},
      {"client_id", credential.client_id},
      {"version_id", rotation.version_id.text()},
      {"state", name_of(rotation.state)},
      {"creation", rotation.creation},
      {"emergency", rotation.emergency},
      {"supersede", rotation.supersede},
      {"requester", rotation.requester},
      {"reason", rotation.reason},
      {"justification", rotation.justification},
      {"ticket", rotation.ticket},
      {"correlation_id", rotation.correlation_id},
      {"quorum", {{"required", rotation.quorum_required}, {"acks", rotation.acks}}},
      {"grace_ms", rotation.grace_ms},
      {"requested_at_ms", rotation.requested_at_ms},
      {"not_before_ms", time_or_null(rotation.not_before_ms)},
      {"notified_at_ms", time_or_null(rotation.notified_at_ms)},
      {"deadline_ms", promoted ? json(nullptr) : json(rotation.deadline_ms)},
      {"promoted_at_ms", time_or_null(rotation.promoted_at_ms)},
      {"replaces_version_id", replaced == nullptr ? json(nullptr) : json(replaced->version_id.text())}};
  out["window_ends_at_ms"] = promoted && replaced != nullptr ? time_or_null(replaced->not_after_ms) : nullptr;
  return out;
}

json ended_object(const Credential& credential, const EndedRotation& ended) {
  return {{"rotation_id", ended.rotation_id.text()},
          {"client_id", credential.client_id},
          {"state", name_of(ended.outcome)},
          {"ended_at_ms", ended.ended_at_ms}};
}

json version_object(const Version& version) {
  return {{"version_id", version.version_id.text()},
          {"state", name_of(version.state)},
          {"algorithm", version.algorithm},
          {"mac_key_ref", version.mac_key_ref},
          {"created_at_ms", version.created_at_ms},
          {"created_by", version.created_by},
          {"reason", version.reason},
          {"promoted_at_ms", time_or_null(version.promoted_at_ms)},
          {"not_before_ms", time_or_null(version.not_before_ms)},
          {"not_after_ms", time_or_null(version.not_after_ms)},
          {"ended_at_ms", time_or_null(version.ended_at_ms)},
          {"weak", version.weak}};
}

json metadata_object(const Credential& credential) {
  const Metadata& metadata = credential.metadata;
  return {{"owner", metadata.owner},
          {"service", metadata.service},
          {"environment", metadata.environment},
          {"tenant", metadata.tenant},
          {"data_classification", metadata.data_classification},
          {"rotation_period_ms", metadata.rotation_period_ms},
          {"last_rotated_ms", time_or_null(credential.last_rotated_ms)}};
}

}  // namespace

std::string rotation_json(const Credential& credential, const Rotation& rotation) {
  return dump(rotation_object(credential, rotation));
}

std::optional<std::string> find_rotation_json(const Credential& credential, std::string_view rotation_id) {
  const std::optional<Ulid> id = Ulid::parse(rotation_id);
  if (!id) return std::nullopt;
  if (credential.rotation && credential.rotation->rotation_id == *id) {
    return rotation_json(credential, *credential.rotation);
  }
  const auto ended = std::ranges::find(credential.ended, *id, &EndedRotation::rotation_id);
  if (ended == credential.ended.end()) return std::nullopt;
  return dump(ended_object(credential, *ended));
}

std::string credential_json(const Credential& credential, std::size_t bytes_max) {
  const Metadata& metadata = credential.metadata;
  json out = {
      {"client_id", credential.client_id},
      {"name", "secret://" + metadata.service + "/" + metadata.environment + "/" + credential.client_id},
      {"kind", name_of(credential.kind)},
      {"status", name_of(credential.status)},
      {"class", credential.credential_class},
      {"group", credential.group},
      {"api_key_prefix", credential.api_key_prefix},
      {"metadata", metadata_object(credential)},
      {"created_at_ms", credential.created_at_ms},
      {"expires_at_ms", time_or_null(credential.expires_at_ms)},
      {"versions", json::array()},
      {"rotation", nullptr},
      {"ended_rotations", json::array()}};
  if (credential.rotation) out["rotation"] = rotation_object(credential, *credential.rotation);
  for (const EndedRotation& ended : credential.ended) {
    out["ended_rotations"].push_back(ended_object(credential, ended));
  }
  std::size_t bytes = dump(out).size();
  std::size_t left_out = 0;
  for (const Version& version : credential.versions) {
    json one = version_object(version);
    bytes += dump(one).size() + 1;
    // From the first that does not fit on only what may still be accepted is told.
    if (bytes <= bytes_max || may_accept(version.state, true)) {
      out["versions"].push_back(std::move(one));
    } else {
      ++left_out;
    }
  }
  if (left_out > 0) out["versions_left_out"] = left_out;
  return dump(out);
}

}  // namespace shearline::policy
