// Layout version 1 of records. A field at its usual value (empty, zero, never, false) is left out; ULIDs,
// hashes and keys are bin; times are Unix milliseconds; enums are their names from policy/model.
//
//   every record  v layout version, t type of record ("credential", "admin", "group")
//   credential    id client_id, k kind, s status, md metadata, g group, cl class, px api_key_prefix,
//                 fk foreign_key_lookup, fp secret_fingerprint, ca created_at, lr last_rotated, ex
//                 expires_at, vs versions, ro rotation, en ended, an answered
//   metadata      o owner, sv service, e environment, t tenant, dc data_classification, rp rotation_period
//   version       id version_id, a algorithm, pk mac_key_ref, d digest, s state, ca created_at, nb
//   not_before,
//                 na not_after, ea ended_at, by created_by, r reason, w weak
//   rotation      id rotation_id, ver version_id, s state, cr creation, em emergency, su supersede, by
//   requester,
//                 r reason, j justification, tk ticket, co correlation_id, gr grace, q quorum_required, ak
//                 acks, tf admins the tags are for, tg the sealed tags, ra requested_at, nb not_before, no
//                 notified_at, dl deadline, pr promoted_at, ei envelope_id, env envelope
//   ended         [rotation_id, outcome, ended_at]
//   answered      [jti, command_hash, answer, keep_until]
//   admin         id admin_id, p person, sk signing_key, xk sealing_key, xp sealing_key_proof, e
//   environments,
//                 tn tenants, f founding, x revoked, ea enrolled_at, ex expires_at, by enrolled_by,
//                 an answered
//   group         id group_id, gn generation, m members, ca created_at, by created_by, an answered
//
// Sealed tags: nonce || AES-256-GCM of the 32-byte tags one after another, in the order of `tf`; the
// associated data is the array [client_id, rotation_id, admins of tf ...], so tags move neither between
// records nor members.
#include "io/wire/record.hpp"

#include "io/wire/document.hpp"
#include "io/wire/msgpack_writer.hpp"

namespace shearline::wire {
namespace {

using policy::AnsweredCommand;
using policy::Credential;
using policy::EndedRotation;
using policy::MemberTag;
using policy::Rotation;
using policy::Version;

constexpr std::uint64_t layout_version = 1;
constexpr std::size_t tag_bytes = 32;

// ---- what several records share ----

MapWriter begin_record(std::string_view type) {
  MapWriter map;
  map.unsigned_integer("v", layout_version);
  map.text("t", type);
  return map;
}

// Parses, checks version and type, hands the fields to `read`, and turns the first fault into an error.
template <class T>
Result<T> decode_record(ByteView payload, std::string_view type, auto&& read) {
  const std::string what = std::string(type) + " record";
  const Result<Document> document = Document::parse(payload);
  if (!document) return fail(Code::invalid, what + ": " + document.error().message);
  Fault fault;
  const Fields fields(Item(*document, 0), what, fault);
  const std::uint64_t version = fields.unsigned_integer("v");
  if (!fault.found() && version != layout_version) {
    return fail(Code::invalid, what + ": layout version " + std::to_string(version) + " is not known here");
  }
  if (as_text(fields.text_view("t")) != type) fields.wrong("t", "names another type of record");
  if (fault.found()) return fail(Code::invalid, fault.message());
  T out = read(fields);
  if (fault.found()) return fail(Code::invalid, fault.message());
  return out;
}

void write_ulid(MapWriter& map, std::string_view name, const Ulid& ulid) {
  if (!ulid.is_none()) map.bytes(name, ulid.bytes());
}

Ulid read_ulid(const Fields& fields, std::string_view name) {
  return fields.has(name) ? Ulid::from_bytes(fields.exactly<16>(name)) : Ulid{};
}

template <class Enum>
Enum enum_from(std::string_view name, Enum last, const Fields& fields, std::string_view field) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (name_of(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  fields.wrong(field, "has an unknown value");
  return last;
}

template <class Enum>
Enum read_enum(const Fields& fields, std::string_view field, Enum last) {
  return enum_from(as_text(fields.text_view(field)), last, fields, field);
}

std::set<std::string> read_set(const Fields& fields, std::string_view name) {
  const std::vector<std::string> texts = fields.texts(name);
  return {texts.begin(), texts.end()};
}

// The items of a small fixed array, when their types are the expected ones.
template <std::size_t N>
std::optional<std::array<Value, N>> read_tuple(const Item& item, const std::array<Value::Type, N>& types) {
  if (!item.is(Value::Type::array) || item.count() != N) return std::nullopt;
  std::array<Value, N> out;
  Item at = item.first();
  for (std::size_t i = 0; i < N; ++i, at = at.next()) {
    if (!at.is(types[i])) return std::nullopt;
    out[i] = at.value();
  }
  return out;
}

std::optional<Ulid> ulid_of(const Value& value) {
  if (value.view.size() != 16) return std::nullopt;
  return Ulid::from_bytes(value.view.first<16>());
}

void write_answered(MapWriter& map, const std::vector<AnsweredCommand>& answered) {
  if (answered.empty()) return;
  Writer<GrowingSink> writer = map.field("an");
  writer.array(answered.size());
  for (const AnsweredCommand& one : answered) {
    writer.array(4);
    writer.bytes(one.jti.bytes());
    writer.bytes(one.command_hash);
    writer.text(one.answer);
    writer.integer(one.keep_until_ms);
  }
}

std::vector<AnsweredCommand> read_answered(const Fields& fields) {
  using enum Value::Type;
  std::vector<AnsweredCommand> out;
  for (const Item& item : fields.items("an")) {
    const auto tuple = read_tuple<4>(item, {bytes, bytes, text, integer});
    const auto jti = tuple ? ulid_of((*tuple)[0]) : std::nullopt;
    if (!jti || (*tuple)[1].view.size() != 32) {
      fields.wrong("an", "holds something other than [jti, hash, answer, keep_until]");
      return out;
    }
    AnsweredCommand& one = out.emplace_back();
    one.jti = *jti;
    std::memcpy(one.command_hash.data(), (*tuple)[1].view.data(), 32);
    one.answer = to_string((*tuple)[2].view);
    one.keep_until_ms = static_cast<TimeMs>((*tuple)[3].number);
  }
  return out;
}

// ---- credential ----

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

Version read_version(const Item& item, Fault& fault) {
  const Fields fields(item, "version", fault);
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

// ---- rotation and its sealed tags ----

Bytes tags_associated_data(std::string_view client_id, const Rotation& rotation) {
  GrowingSink out;
  Writer<GrowingSink> writer(out);
  writer.array(2 + rotation.ack_tags.size());
  writer.text(client_id);
  writer.bytes(rotation.rotation_id.bytes());
  for (const MemberTag& one : rotation.ack_tags) writer.text(one.admin_id);
  return std::move(out.bytes);
}

Bytes seal_tags(const Key& key, Random& random, std::string_view client_id, const Rotation& rotation) {
  Plaintext tags = Plaintext::of_size(rotation.ack_tags.size() * tag_bytes);
  Byte* to = tags.writable().data();
  for (const MemberTag& one : rotation.ack_tags) {
    std::memcpy(to, one.tag.reveal().data(), tag_bytes);
    to += tag_bytes;
  }
  std::array<Byte, gcm_nonce_bytes> nonce;
  random.fill(nonce);
  Bytes out = to_bytes(nonce);
  append(out, aes256gcm_seal(key, nonce, tags_associated_data(client_id, rotation), tags.reveal()));
  return out;
}

// Fills in the tags of rotation.ack_tags, whose admins are already there.
void open_tags(const Key& key, std::string_view client_id, const Fields& fields, Rotation& rotation) {
  const ByteView sealed = fields.bytes("tg");
  if (sealed.size() != gcm_nonce_bytes + rotation.ack_tags.size() * tag_bytes + gcm_tag_bytes) {
    fields.wrong("tg", "has the wrong length");
    return;
  }
  const Result<Plaintext> tags =
      aes256gcm_open(key, sealed.first<gcm_nonce_bytes>(), tags_associated_data(client_id, rotation),
                     sealed.subspan(gcm_nonce_bytes));
  if (!tags) {
    fields.wrong("tg", "does not open with this state key: " + tags.error().message);
    return;
  }
  for (std::size_t i = 0; i < rotation.ack_tags.size(); ++i) {
    rotation.ack_tags[i].tag = AckTag::copy_of(tags->reveal().subspan(i * tag_bytes).first<tag_bytes>());
  }
}

MapWriter encode_rotation_without_tags(const Rotation& rotation) {
  MapWriter map;
  map.bytes("id", rotation.rotation_id.bytes());
  write_ulid(map, "ver", rotation.version_id);
  map.text("s", name_of(rotation.state));
  map.flag_if("cr", rotation.creation);
  map.flag_if("em", rotation.emergency);
  map.flag_if("su", rotation.supersede);
  map.text_unless("", "by", rotation.requester);
  map.text_unless("", "r", rotation.reason);
  map.text_unless("", "j", rotation.justification);
  map.text_unless("", "tk", rotation.ticket);
  map.text_unless("", "co", rotation.correlation_id);
  map.integer_unless(0, "gr", rotation.grace_ms);
  map.integer_unless(1, "q", rotation.quorum_required);
  map.texts("ak", rotation.acks);
  map.integer_unless(0, "ra", rotation.requested_at_ms);
  map.integer_unless(0, "nb", rotation.not_before_ms);
  map.integer_unless(0, "no", rotation.notified_at_ms);
  map.integer_unless(0, "dl", rotation.deadline_ms);
  map.integer_unless(0, "pr", rotation.promoted_at_ms);
  write_ulid(map, "ei", rotation.envelope_id);
  if (!rotation.envelope.empty()) map.bytes("env", rotation.envelope);
  return map;
}

Bytes encode_rotation(const Key& key, Random& random, std::string_view client_id, const Rotation& rotation) {
  MapWriter map = encode_rotation_without_tags(rotation);
  if (!rotation.ack_tags.empty()) {
    std::vector<std::string_view> admins;
    for (const MemberTag& one : rotation.ack_tags) admins.push_back(one.admin_id);
    map.texts("tf", admins);
    map.bytes("tg", seal_tags(key, random, client_id, rotation));
  }
  return map.finish();
}

std::uint32_t read_quorum(const Fields& fields) {
  const std::int64_t quorum = fields.integer_or("q", 1);
  if (quorum < 0 || quorum > static_cast<std::int64_t>(policy::group_members_max)) {
    fields.wrong("q", "is out of range");
    return 1;
  }
  return static_cast<std::uint32_t>(quorum);
}

Rotation read_rotation(const Key& key, std::string_view client_id, const Fields& fields) {
  Rotation out;
  out.rotation_id = Ulid::from_bytes(fields.exactly<16>("id"));
  out.version_id = read_ulid(fields, "ver");
  out.state = read_enum(fields, "s", policy::RotationState::superseded);
  out.creation = fields.flag("cr");
  out.emergency = fields.flag("em");
  out.supersede = fields.flag("su");
  out.requester = fields.text_or("by", "");
  out.reason = fields.text_or("r", "");
  out.justification = fields.text_or("j", "");
  out.ticket = fields.text_or("tk", "");
  out.correlation_id = fields.text_or("co", "");
  out.grace_ms = fields.integer_or("gr", 0);
  out.quorum_required = read_quorum(fields);
  out.acks = read_set(fields, "ak");
  out.requested_at_ms = fields.integer_or("ra", 0);
  out.not_before_ms = fields.integer_or("nb", 0);
  out.notified_at_ms = fields.integer_or("no", 0);
  out.deadline_ms = fields.integer_or("dl", 0);
  out.promoted_at_ms = fields.integer_or("pr", 0);
  out.envelope_id = read_ulid(fields, "ei");
  if (fields.has("env")) out.envelope = to_bytes(fields.bytes("env"));
  for (std::string& admin : fields.texts("tf")) out.ack_tags.emplace_back().admin_id = std::move(admin);
  if (!out.ack_tags.empty() || fields.has("tg")) open_tags(key, client_id, fields, out);
  return out;
}

void write_ended(MapWriter& map, const std::vector<EndedRotation>& ended) {
  if (ended.empty()) return;
  Writer<GrowingSink> writer = map.field("en");
  writer.array(ended.size());
  for (const EndedRotation& one : ended) {
    writer.array(3);
    writer.bytes(one.rotation_id.bytes());
    writer.text(name_of(one.outcome));
    writer.integer(one.ended_at_ms);
  }
}

std::vector<EndedRotation> read_ended(const Fields& fields) {
  using enum Value::Type;
  std::vector<EndedRotation> out;
  for (const Item& item : fields.items("en")) {
    const auto tuple = read_tuple<3>(item, {bytes, text, integer});
    const auto id = tuple ? ulid_of((*tuple)[0]) : std::nullopt;
    if (!id) {
      fields.wrong("en", "holds something other than [rotation_id, outcome, ended_at]");
      return out;
    }
    const auto outcome =
        enum_from(as_text((*tuple)[1].view), policy::RotationState::superseded, fields, "en");
    out.push_back(
        {.rotation_id = *id, .outcome = outcome, .ended_at_ms = static_cast<TimeMs>((*tuple)[2].number)});
  }
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
  for (const Item& item : fields.items("vs")) out.versions.push_back(read_version(item, fields.fault()));
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
  std::vector<Bytes> versions;
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
