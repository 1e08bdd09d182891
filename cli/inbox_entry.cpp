#include "cli/inbox_entry.hpp"

#include "cli/redis_refusal.hpp"
#include "mls/hpke.hpp"

#include <algorithm>

namespace shearline::cli {
namespace {

// The plaintext repeats what the envelope says in the clear; both must tell the same story.
bool agrees(const wire::DeliveredSecret& delivered, const wire::Envelope& envelope) {
  return delivered.rotation_id == envelope.rotation_id && delivered.client_id == envelope.client_id &&
         delivered.version_id == envelope.version_id;
}

Result<wire::DeliveredSecret> open_for(const wire::SealedFor& sealed, const wire::Envelope& envelope,
                                       const keys::AdminKeys& keys) {
  const Bytes aad =
      wire::associated_data(envelope.group_id, envelope.rotation_id, envelope.client_id, envelope.version_id);
  const auto plaintext =
      mls::hpke::open_base(mls::hpke::default_suite, sealed.encapsulated, keys.opening_key,
                           wire::sealed_info(envelope.group_id, keys.admin_id), aad, sealed.ciphertext);
  if (!plaintext) return fail(Code::invalid, "the secret cannot be opened with these keys");
  auto delivered = wire::decode_secret(*plaintext);
  if (!delivered) return std::unexpected(delivered.error());
  if (!agrees(*delivered, envelope))
    return fail(Code::invalid, "what is inside is not what the envelope names");
  return delivered;
}

}  // namespace

Result<Entry> judge_entry(ByteView bytes, std::string_view group_id, const GroupPosition& position,
                          const keys::AdminKeys& keys) {
  auto envelope = wire::decode_signed(bytes, keys.engine.signing_key);
  if (!envelope) return std::unexpected(envelope.error());
  if (envelope->group_id != group_id) return fail(Code::unauthorized, "an envelope of another group");
  if (envelope->generation < position.generation) {
    return fail(Code::unauthorized, "an envelope of a generation that has been replaced");
  }
  Entry entry{.kind = EntryKind::not_for_us, .envelope = std::move(*envelope), .delivered = {}};
  if (position.has_seen(entry.envelope.id)) {
    entry.kind = EntryKind::repeated;
    return entry;
  }
  if (entry.envelope.kind == wire::EnvelopeKind::notice) entry.kind = EntryKind::notice;
  if (entry.envelope.kind != wire::EnvelopeKind::sealed) return entry;

  const auto& all = entry.envelope.sealed;
  const auto ours =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.admin_id == keys.admin_id; });
  if (ours == all.end()) return entry;
  auto delivered = open_for(*ours, entry.envelope, keys);
  if (!delivered) return std::unexpected(delivered.error());
  entry.kind = EntryKind::secret;
  entry.delivered = std::move(*delivered);
  return entry;
}

Result<std::vector<StreamItem>> stream_items(const store::RedisReply& reply) {
  using Type = store::RedisReply::Type;
  const auto odd = [] { return fail(Code::invalid, "an answer to XREAD of an unknown form"); };
  std::vector<StreamItem> items;
  if (reply.is_nil()) return items;
  if (reply.is_error()) return std::unexpected(refusal_of("XREAD", reply));
  if (reply.type != Type::array) return odd();
  for (const store::RedisReply& stream : reply.items) {
    if (stream.items.size() != 2 || stream.items[1].type != Type::array) return odd();
    for (const store::RedisReply& entry : stream.items[1].items) {
      if (entry.items.size() != 2 || !is_stream_id(entry.items[0].view())) return odd();
      const auto& fields = entry.items[1].items;
      // An entry without fields is somebody else's: its id is taken, its content refused by whoever judges
      // it.
      items.push_back({.stream = std::string(stream.items[0].view()),
                       .id = std::string(entry.items[0].view()),
                       .envelope = fields.size() >= 2 ? fields[1].text : Bytes{}});
    }
  }
  return items;
}

Result<std::string> stream_end(const store::RedisReply& reply) {
  if (reply.is_error()) return std::unexpected(refusal_of("XREVRANGE", reply));
  if (reply.is_array() && reply.items.empty()) return "0-0";
  const bool is_entry = reply.is_array() && reply.items.size() == 1 && reply.items[0].items.size() == 2;
  if (!is_entry || !is_stream_id(reply.items[0].items[0].view())) {
    return fail(Code::invalid, "an answer to XREVRANGE of an unknown form");
  }
  return std::string(reply.items[0].items[0].view());
}

std::string group_stream_key(std::string_view prefix, std::string_view group_id) {
  return std::string(prefix) + "{g:" + std::string(group_id) + "}:stream";
}

}  // namespace shearline::cli
