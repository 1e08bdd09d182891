// Group envelopes and delivered secrets as msgpack. Field names are those of protocols.md section 4; they are
// a contract with every admin's device and change only with a decision record.
#include "io/wire/envelope.hpp"

#include "io/wire/document.hpp"
#include "io/wire/msgpack_writer.hpp"

#include <algorithm>

namespace shearline::wire {
namespace {

constexpr std::uint64_t envelope_version = 1;
constexpr std::size_t padding_step_bytes = 256;
constexpr std::array<std::string_view, 5> kind_names = {"sealed", "welcome", "commit", "notify", "notice"};
constexpr Byte zero_byte[1] = {0};

static_assert(sealed_for_max >= policy::group_members_max, "every member of a full group gets its copy");
static_assert(envelope_bytes_max == document_bytes_max);

// `sig` is the last field, so what is signed is the rest of the map as it stands, behind a map header that
// counts one entry less. A receiver needs no re-encoding and fields it does not know stay signed.
constexpr std::size_t signature_field_bytes = 4 + 2 + 64;
constexpr std::array<Byte, 6> signature_field_head = {0xa3, 's', 'i', 'g', 0xc4, 64};

Bytes map_header(std::size_t entries) {
  GrowingSink out;
  Writer<GrowingSink>(out).map(entries);
  return std::move(out.bytes);
}

void append_signature(Bytes& out, const Signature& signature) {
  append(out, signature_field_head);
  append(out, signature);
}

// The bytes under the signature, or nothing when the map does not end in a signature of the right form.
std::optional<Bytes> signed_part(ByteView envelope, std::size_t entries) {
  const Bytes header = map_header(entries);
  if (entries < 2 || envelope.size() < header.size() + signature_field_bytes) return std::nullopt;
  if (!equal(envelope.first(header.size()), header)) return std::nullopt;  // one spelling only
  const ByteView field = envelope.last(signature_field_bytes);
  if (!equal(field.first(signature_field_head.size()), signature_field_head)) return std::nullopt;
  Bytes out = map_header(entries - 1);
  append(out, envelope.subspan(header.size(), envelope.size() - header.size() - signature_field_bytes));
  return out;
}

MapWriter unsigned_fields(const Envelope& envelope) {
  MapWriter map;
  map.unsigned_integer("v", envelope_version);
  map.text("id", envelope.id.text());
  map.text("gid", envelope.group_id);
  map.unsigned_integer("generation", envelope.generation);
  map.text("kind", name_of(envelope.kind));
  map.unsigned_integer("epoch", envelope.epoch);
  map.integer("at", envelope.at_ms);
  map.texts("to", envelope.to);
  if (!envelope.mls.empty()) map.bytes("mls", envelope.mls);
  map.text_unless("", "rotation_id", envelope.rotation_id);
  map.text_unless("", "client_id", envelope.client_id);
  map.text_unless("", "version_id", envelope.version_id);
  if (envelope.window_ends_ms) map.integer("window_ends", *envelope.window_ends_ms);
  if (!envelope.sealed.empty()) {
    Writer<GrowingSink> writer = map.field("sealed");
    writer.array(envelope.sealed.size());
    for (const SealedFor& one : envelope.sealed) {
      writer.array(3);
      writer.text(one.admin_id);
      writer.bytes(one.encapsulated);
      writer.bytes(one.ciphertext);
    }
  }
  return map;
}

std::vector<SealedFor> read_sealed(const Fields& fields) {
  std::vector<SealedFor> out;
  const std::vector<Item> items = fields.items("sealed");
  if (items.size() > sealed_for_max) {
    fields.wrong("sealed", "has more than 256 items");
    return out;
  }
  out.reserve(items.size());
  for (const Item& item : items) {
    if (!item.is(Value::Type::array) || item.count() != 3) {
      fields.wrong("sealed", "holds something other than [admin_id, enc, ct]");
      return out;
    }
    const Item admin = item.first();
    const Item encapsulated = admin.next();
    const Item ciphertext = encapsulated.next();
    if (!admin.is(Value::Type::text) || !encapsulated.is(Value::Type::bytes) ||
        !ciphertext.is(Value::Type::bytes)) {
      fields.wrong("sealed", "holds something other than [admin_id, enc, ct]");
      return out;
    }
    out.push_back({.admin_id = to_string(admin.value().view),
                   .encapsulated = to_bytes(encapsulated.value().view),
                   .ciphertext = to_bytes(ciphertext.value().view)});
  }
  return out;
}

EnvelopeKind read_kind(const Fields& fields) {
  const std::string_view name = as_text(fields.text_view("kind"));
  const auto found = std::ranges::find(kind_names, name);
  if (found != kind_names.end()) return static_cast<EnvelopeKind>(found - kind_names.begin());
  fields.wrong("kind", "is none of sealed, welcome, commit, notify, notice");
  return EnvelopeKind::notice;
}

Envelope read_envelope(const Fields& fields) {
  Envelope out;
  const std::optional<Ulid> id = Ulid::parse(as_text(fields.text_view("id")));
  if (!id) fields.wrong("id", "is not a ULID");
  out.id = id.value_or(Ulid{});
  out.group_id = fields.text("gid");
  out.generation = fields.unsigned_integer("generation");
  out.kind = read_kind(fields);
  out.epoch = fields.unsigned_integer("epoch");
  out.at_ms = fields.integer("at");
  out.to = fields.texts("to");
  if (fields.has("mls")) out.mls = to_bytes(fields.bytes("mls"));
  out.rotation_id = fields.text_or("rotation_id", "");
  out.client_id = fields.text_or("client_id", "");
  out.version_id = fields.text_or("version_id", "");
  if (fields.has("window_ends")) out.window_ends_ms = fields.integer("window_ends");
  out.sealed = read_sealed(fields);
  out.signature = fields.exactly<64>("sig");
  return out;
}

// Everything of a delivered secret but its padding. The sink is counted first and in the arena second.
template <class Sink>
void write_secret(Writer<Sink>& writer, const DeliveredSecret& delivered) {
  writer.text("kind");
  writer.text("secret");
  writer.text("rotation_id");
  writer.text(delivered.rotation_id);
  writer.text("client_id");
  writer.text(delivered.client_id);
  writer.text("version_id");
  writer.text(delivered.version_id);
  writer.text("secret");
  writer.text(as_text(delivered.secret.reveal()));
  writer.text("api_key");
  writer.text(as_text(delivered.api_key.reveal()));
  writer.text("not_before");
  writer.integer(delivered.not_before_ms);
  writer.text("grace_ms");
  writer.integer(delivered.grace_ms);
  writer.text("issued_at");
  writer.integer(delivered.issued_at_ms);
  const policy::Metadata& metadata = delivered.metadata;
  writer.text("metadata");
  writer.map(6);
  writer.text("owner");
  writer.text(metadata.owner);
  writer.text("service");
  writer.text(metadata.service);
  writer.text("environment");
  writer.text(metadata.environment);
  writer.text("tenant");
  writer.text(metadata.tenant);
  writer.text("data_classification");
  writer.text(metadata.data_classification);
  writer.text("rotation_period_ms");
  writer.integer(metadata.rotation_period_ms);
}
constexpr std::size_t secret_fields = 11;  // with `pad`

template <class Sink>
void write_padded(Sink& sink, const DeliveredSecret& delivered, ByteView padding) {
  Writer<Sink> writer(sink);
  writer.map(secret_fields);
  write_secret(writer, delivered);
  writer.text("pad");
  writer.bytes(padding);
}

policy::Metadata read_metadata(const Fields& fields) {
  policy::Metadata out;
  const std::optional<Fields> map = fields.fields("metadata");
  if (!map) {
    fields.wrong("metadata", "is missing");
    return out;
  }
  out.owner = map->text("owner");
  out.service = map->text("service");
  out.environment = map->text("environment");
  out.tenant = map->text("tenant");
  out.data_classification = map->text("data_classification");
  out.rotation_period_ms = map->integer_or("rotation_period_ms", 0);
  return out;
}

}  // namespace

std::string_view name_of(EnvelopeKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

Bytes encode_signed(const Envelope& envelope, const Key& engine_seed) {
  const MapWriter map = unsigned_fields(envelope);
  const Signature signature = ed25519_sign(engine_seed, map.finish());
  Bytes out = map_header(map.entries() + 1);
  append(out, map.body());
  append_signature(out, signature);
  return out;
}

Result<Envelope> decode_signed(ByteView bytes, const PublicKey& engine_key) {
  const Result<Document> document = Document::parse(bytes);
  if (!document) return fail(Code::invalid, "envelope: " + document.error().message);
  const Item root(*document, 0);
  Fault fault;
  const Fields fields(root, "envelope", fault);
  // The version comes first: what a later version signs, and how, is not ours to judge.
  const std::uint64_t version = fields.unsigned_integer("v");
  if (fault.found()) return fail(Code::invalid, fault.message());
  if (version != envelope_version) {
    return fail(Code::invalid, "envelope: version " + std::to_string(version) + " is not known here");
  }
  const std::optional<Bytes> message = signed_part(bytes, root.count());
  if (!message) return fail(Code::invalid, "envelope: does not end in a signature");
  if (!ed25519_verify(engine_key, *message, bytes.last(64))) {
    return fail(Code::unauthorized, "envelope: not signed by the pinned engine");
  }
  Envelope out = read_envelope(fields);
  if (fault.found()) return fail(Code::invalid, fault.message());
  return out;
}

Bytes associated_data(std::string_view group_id, std::string_view rotation_id, std::string_view client_id,
                      std::string_view version_id) {
  GrowingSink out;
  Writer<GrowingSink> writer(out);
  writer.array(4);
  for (const std::string_view id : {group_id, rotation_id, client_id, version_id}) writer.text(id);
  return std::move(out.bytes);
}

Bytes sealed_info(std::string_view group_id, std::string_view admin_id) {
  std::string info = "shearline v1 sealed";
  for (const std::string_view part : {group_id, admin_id}) {
    info.push_back('\0');
    info += part;
  }
  return to_bytes(as_bytes(info));
}

Plaintext encode_secret(const DeliveredSecret& delivered) {
  CountingSink counted;
  write_padded(counted, delivered, {});
  const std::size_t unpadded = counted.size;  // the padding's header is in it
  const std::size_t size = (unpadded + padding_step_bytes - 1) / padding_step_bytes * padding_step_bytes;
  static constexpr std::array<Byte, padding_step_bytes> zeros{};
  Plaintext out = Plaintext::of_size(size);
  FixedSink sink{out.writable()};
  write_padded(sink, delivered, ByteView(zeros).first(size - unpadded));
  return out;
}

Result<DeliveredSecret> decode_secret(const Plaintext& plaintext) {
  if (plaintext.size() % padding_step_bytes != 0) {
    return fail(Code::invalid, "delivered secret: not padded to 256 bytes");
  }
  const Result<Document> document = Document::parse(plaintext.reveal());
  if (!document) return fail(Code::invalid, "delivered secret: " + document.error().message);
  Fault fault;
  const Fields fields(Item(*document, 0), "delivered secret", fault);
  if (as_text(fields.text_view("kind")) != "secret") fields.wrong("kind", "is not `secret`");
  DeliveredSecret out;
  out.rotation_id = fields.text("rotation_id");
  out.client_id = fields.text("client_id");
  out.version_id = fields.text("version_id");
  const ByteView secret = fields.text_view("secret");
  const ByteView api_key = fields.text_view("api_key");
  out.not_before_ms = fields.integer("not_before");
  out.grace_ms = fields.integer("grace_ms");
  out.issued_at_ms = fields.integer("issued_at");
  out.metadata = read_metadata(fields);
  if (secret.empty() || secret.size() > policy::secret_bytes_max) {
    fields.wrong("secret", "must have 1 to 512 bytes");
  }
  if (std::ranges::any_of(fields.bytes("pad"), [](Byte byte) { return byte != 0; })) {
    fields.wrong("pad", "is not all zero");
  }
  if (fault.found()) return fail(Code::invalid, fault.message());
  out.secret = Secret::copy_of(secret);
  out.api_key = Plaintext::copy_of(api_key);
  return out;
}

AckTag ack_tag(const Secret& secret, std::string_view rotation_id, std::string_view admin_id) {
  AckTag out;
  hmac_sha256(secret.reveal(),
              {as_bytes("shearline v1 ack"), zero_byte, as_bytes(rotation_id), zero_byte, as_bytes(admin_id)},
              out.writable());
  return out;
}

}  // namespace shearline::wire
