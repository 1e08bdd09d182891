// Credential, admin and group records; their layout stands in record_parts.hpp.
#include "io/wire/record.hpp"

#include "io/wire/record_parts.hpp"
#include "io/wire/record_rotation.hpp"

namespace shearline::wire {
namespace {

using policy::Credential;
using policy::Version;

Bytes encode_metadata(const policy::Metadata& metadata) {
  MapWriter map;
  map.text_unless("", "o", metadata.owner);
  map.text_unless("", "sv", metadata.service);
  map.text_unless("", "e", metadata.environment);
  map.text_unless("", "t", metadata.tenant);
  map.text_unless("", "dc", metadata.data_classification);
  map.integer_unless(0, "rp", metadata.rotation_period_ms);
  return map.finish();
}

policy::Metadata read_metadata(const Fields& fields) {
  policy::Metadata out;
  const std::optional<Fields> map = fields.fields("md");
  if (!map) return out;
  out.owner = map->text_or("o", "");
  out.service = map->text_or("sv", "");
  out.environment = map->text_or("e", "");
  out.tenant = map->text_or("t", "");
  out.data_classification = map->text_or("dc", "");
  out.rotation_period_ms = map->integer_or("rp", 0);
  return out;
}

Bytes encode_version(const Version& version) {
  MapWriter map;
  map.bytes("id", version.version_id.bytes());
  map.text_unless("sl1", "a", version.algorithm);
  map.text_unless("", "pk", version.mac_key_ref);
  map.bytes("d", version.digest.reveal());
  map.text("s", name_of(version.state));
  map.integer_unless(0, "ca", version.created_at_ms);
  map.integer_unless(0, "nb", version.not_before_ms);
  map.integer_unless(time_never, "na", version.not_after_ms);
  map.integer_unless(0, "pa", version.promoted_at_ms);
  map.integer_unless(0, "ea", version.ended_at_ms);
  map.text_unless("", "by", version.created_by);
  map.text_unless("", "r", version.reason);
  map.flag_if("w", version.weak);
  return map.finish();
}

Version read_version(const Fields& fields) {
  Version out;
  out.version_id = Ulid::from_bytes(fields.exactly<16>("id"));
  out.algorithm = fields.text_or("a", "sl1");
  out.mac_key_ref = fields.text_or("pk", "");
  out.digest = Digest::copy_of(fields.exactly<32>("d"));
  out.state = read_enum(fields, "s", policy::VersionState::destroyed);
  out.created_at_ms = fields.integer_or("ca", 0);
  out.not_before_ms = fields.integer_or("nb", 0);
  out.not_after_ms = fields.integer_or("na", time_never);
  out.promoted_at_ms = fields.integer_or("pa", 0);
  out.ended_at_ms = fields.integer_or("ea", 0);
  out.created_by = fields.text_or("by", "");
  out.reason = fields.text_or("r", "");
  out.weak = fields.flag("w");
  return out;
}

std::vector<Version> read_versions(const Fields& fields) {
  std::vector<Version> out;
  const std::vector<Item> items = fields.items("vs");
  out.reserve(items.size());
  for (const Item& item : items) out.push_back(read_version(Fields(item, "version", fields.fault())));
  return out;
}

Credential read_credential(const Key& tag_key, const Fields& fields) {
  Credential out;
  out.client_id = fields.text("id");
  out.kind = read_enum(fields, "k", policy::CredentialKind::service_key);
  out.status = read_enum(fields, "s", policy::CredentialStatus::destroyed);
  out.metadata = read_metadata(fields);
  out.group = fields.text_or("g", "");
  out.credential_class = fields.text_or("cl", "default");
  out.api_key_prefix = fields.text_or("px", "");
  if (fields.has("fk")) out.foreign_key_lookup = fields.exactly<16>("fk");
  if (fields.has("fp")) out.secret_fingerprint = fields.exactly<32>("fp");
  out.created_at_ms = fields.integer_or("ca", 0);
  out.last_rotated_ms = fields.integer_or("lr", 0);
  out.expires_at_ms = fields.integer_or("ex", time_never);
  out.events_written = static_cast<std::uint64_t>(fields.integer_or("ev", 0));
  out.versions = read_versions(fields);
  if (const std::optional<Fields> rotation = fields.fields("ro")) {
    out.rotation = read_rotation(tag_key, out.client_id, *rotation);
  }
  out.ended = read_ended(fields);
  out.answered = read_answered(fields);
  return out;
}

policy::Admin read_admin(const Fields& fields) {
  policy::Admin out;
  out.admin_id = fields.text("id");
  out.person = fields.text_or("p", "");
  out.signing_key = fields.exactly<32>("sk");
  out.sealing_key = fields.exactly<32>("xk");
  out.sealing_key_proof = fields.exactly<64>("xp");
  out.environments = read_set(fields, "e");
  out.tenants = read_set(fields, "tn");
  out.founding = fields.flag("f");
  out.revoked = fields.flag("x");
  out.enrolled_at_ms = fields.integer_or("ea", 0);
  out.expires_at_ms = fields.integer_or("ex", time_never);
  out.enrolled_by = fields.text_or("by", "");
  out.answered = read_answered(fields);
  return out;
}

policy::Group read_group(const Fields& fields) {
  policy::Group out;
  out.group_id = fields.text("id");
  out.generation = fields.unsigned_integer("gn");
  out.members = read_set(fields, "m");
  out.created_at_ms = fields.integer_or("ca", 0);
  out.created_by = fields.text_or("by", "");
  out.answered = read_answered(fields);
  return out;
}

}  // namespace

RecordCodec::RecordCodec(const Key& state_key, Random& random)
    : tag_key_(derive_key(state_key, "shearline v1 ack tags")), random_(random) {}

Bytes RecordCodec::encode(const Credential& credential) const {
  MapWriter map = begin_record("credential");
  map.text("id", credential.client_id);
  map.text("k", name_of(credential.kind));
  map.text("s", name_of(credential.status));
  map.map("md", encode_metadata(credential.metadata));
  map.text_unless("", "g", credential.group);
  map.text_unless("default", "cl", credential.credential_class);
  map.text_unless("", "px", credential.api_key_prefix);
  if (credential.foreign_key_lookup) map.bytes("fk", *credential.foreign_key_lookup);
  if (credential.secret_fingerprint != Hash{}) map.bytes("fp", credential.secret_fingerprint);
  map.integer_unless(0, "ca", credential.created_at_ms);
  map.integer_unless(0, "lr", credential.last_rotated_ms);
  map.integer_unless(time_never, "ex", credential.expires_at_ms);
  map.integer_unless(0, "ev", static_cast<std::int64_t>(credential.events_written));
  std::vector<Bytes> versions;
  versions.reserve(credential.versions.size());
  for (const Version& version : credential.versions) versions.push_back(encode_version(version));
  map.maps("vs", versions);
  if (credential.rotation) {
    map.map("ro", encode_rotation(tag_key_, random_, credential.client_id, *credential.rotation));
  }
  write_ended(map, credential.ended);
  write_answered(map, credential.answered);
  return map.finish();
}

Bytes RecordCodec::encode(const policy::Admin& admin) const {
  MapWriter map = begin_record("admin");
  map.text("id", admin.admin_id);
  map.text_unless("", "p", admin.person);
  map.bytes("sk", admin.signing_key);
  map.bytes("xk", admin.sealing_key);
  map.bytes("xp", admin.sealing_key_proof);
  map.texts("e", admin.environments);
  map.texts("tn", admin.tenants);
  map.flag_if("f", admin.founding);
  map.flag_if("x", admin.revoked);
  map.integer_unless(0, "ea", admin.enrolled_at_ms);
  map.integer_unless(time_never, "ex", admin.expires_at_ms);
  map.text_unless("", "by", admin.enrolled_by);
  write_answered(map, admin.answered);
  return map.finish();
}

Bytes RecordCodec::encode(const policy::Group& group) const {
  MapWriter map = begin_record("group");
  map.text("id", group.group_id);
  map.unsigned_integer("gn", group.generation);
  map.texts("m", group.members);
  map.integer_unless(0, "ca", group.created_at_ms);
  map.text_unless("", "by", group.created_by);
  write_answered(map, group.answered);
  return map.finish();
}

Result<Credential> RecordCodec::decode_credential(ByteView payload) const {
  return decode_record<Credential>(payload, "credential",
                                   [&](const Fields& fields) { return read_credential(tag_key_, fields); });
}

Result<policy::Admin> RecordCodec::decode_admin(ByteView payload) const {
  return decode_record<policy::Admin>(payload, "admin", read_admin);
}

Result<policy::Group> RecordCodec::decode_group(ByteView payload) const {
  return decode_record<policy::Group>(payload, "group", read_group);
}

}  // namespace shearline::wire
