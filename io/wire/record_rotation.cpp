// Sealed tags: nonce || AES-256-GCM of the 32-byte tags one after another, in the order of `tf`; the associated
// data is the array [client_id, rotation_id, admins of tf ...], so tags move neither between records nor members.
#include "io/wire/record_rotation.hpp"

namespace shearline::wire {
namespace {

using policy::EndedRotation;
using policy::MemberTag;
using policy::Rotation;

constexpr std::size_t tag_bytes = 32;

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

std::uint32_t read_quorum(const Fields& fields) {
  const std::int64_t quorum = fields.integer_or("q", 1);
  if (quorum < 0 || quorum > static_cast<std::int64_t>(policy::group_members_max)) {
    fields.wrong("q", "is out of range");
    return 1;
  }
  return static_cast<std::uint32_t>(quorum);
}

}  // namespace

Bytes encode_rotation(const Key& key, Random& random, std::string_view client_id,
                      const policy::Rotation& rotation) {
  MapWriter map = encode_rotation_without_tags(rotation);
  if (!rotation.ack_tags.empty()) {
    std::vector<std::string_view> admins;
    admins.reserve(rotation.ack_tags.size());
    for (const MemberTag& one : rotation.ack_tags) admins.push_back(one.admin_id);
    map.texts("tf", admins);
    map.bytes("tg", seal_tags(key, random, client_id, rotation));
  }
  return map.finish();
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

}  // namespace shearline::wire
