#include "mls/psk.hpp"

#include "mls/limits.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

// PSKLabel.
Bytes psk_label(const PreSharedKeyId& id, std::size_t index, std::size_t count) {
  return encode([&](Writer& out) {
    write(out, id);
    out.u16(static_cast<std::uint16_t>(index));
    out.u16(static_cast<std::uint16_t>(count));
  });
}

Status check_id(const PreSharedKeyId& id) {
  if (id.type != PskType::external) return refused("8.6", "resumption PSKs are not supported");
  if (id.psk_nonce.size() != hash_bytes) return broken("12.1.4", "the nonce of a PSK is not Nh bytes long");
  return {};
}

}  // namespace

void write(Writer& out, const PreSharedKeyId& value) {
  out.u8(static_cast<std::uint8_t>(value.type));
  if (value.type == PskType::external) {
    out.opaque(value.psk_id);
  } else {
    out.u8(value.usage);
    out.opaque(value.psk_group_id);
    out.u64(value.psk_epoch);
  }
  out.opaque(value.psk_nonce);
}

PreSharedKeyId read_pre_shared_key_id(Reader& in) {
  PreSharedKeyId out;
  out.type = in.enumerated(PskType::external, PskType::resumption, "8.4", "an unknown type of PSK");
  if (out.type == PskType::external) {
    out.psk_id = in.opaque();
  } else {
    out.usage = in.u8();
    if (out.usage < 1 || out.usage > 3) in.fail("8.4", "an unknown usage of a resumption PSK");
    out.psk_group_id = in.opaque();
    out.psk_epoch = in.u64();
  }
  out.psk_nonce = in.opaque();
  return out;
}

Result<Key> psk_secret(const std::vector<PreSharedKeyId>& ids, const PskLookup& lookup) {
  if (ids.size() > pre_shared_keys_max) return broken("8.4", "more than 16 pre-shared keys");
  Key secret = zero_secret();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const Status sound = check_id(ids[i]); !sound) return pass_on(sound.error());
    if (std::count(ids.begin(), ids.end(), ids[i]) != 1) return broken("12.2", "one pre-shared key twice");
    const std::optional<Key> psk = lookup ? lookup(ids[i].psk_id) : std::nullopt;
    if (!psk) return fail(Code::not_found, rule_text("12.4.2", "a pre-shared key that we do not have"));
    const Key extracted = kdf_extract(zero_secret().reveal(), psk->reveal());
    const Key input =
        expand_with_label(extracted, "derived psk", psk_label(ids[i], i, ids.size()), hash_bytes);
    secret = kdf_extract(input.reveal(), secret.reveal());
  }
  return secret;
}

}  // namespace shearline::mls
