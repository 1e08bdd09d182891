// A PrivateMessage around any plaintext at all and any sender data (RFC 9420 sections 6.3.1 and 6.3.2), as a member can
// make one and protect_private never would.
#pragma once

#include "mls/message.hpp"
#include "mls/private_message.hpp"

#include <algorithm>

namespace shearline::fuzz {

struct OddFrame {
  mls::PrivateMessage head;  // without what is sealed
  mls::SenderData sender;
  Bytes plaintext;
};

inline Bytes seal(mls::CipherSuite suite, OddFrame frame, const mls::MessageKey& key,
                  const Key& sender_data_secret) {
  using namespace mls;
  const auto aad = [&](bool with_authenticated_data) {
    return encode([&](Writer& out) {
      out.opaque(frame.head.group_id);
      out.u64(frame.head.epoch);
      out.u8(static_cast<std::uint8_t>(frame.head.content_type));
      if (with_authenticated_data) out.opaque(frame.head.authenticated_data);
    });
  };
  const Aead aead = aead_of(suite);
  std::array<Byte, aead_nonce_bytes> nonce;
  std::ranges::copy(key.nonce.reveal(), nonce.begin());
  for (std::size_t i = 0; i < frame.sender.reuse_guard.size(); ++i) {
    nonce[i] = static_cast<Byte>(nonce[i] ^ frame.sender.reuse_guard[i]);
  }
  frame.head.ciphertext.resize(frame.plaintext.size() + aead_tag_bytes);
  aead_seal_into(aead, key.key, nonce, aad(true), frame.plaintext, frame.head.ciphertext);

  const ByteView sample =
      ByteView(frame.head.ciphertext).first(std::min(frame.head.ciphertext.size(), hash_bytes));
  const Key data_key = expand_with_label(sender_data_secret, "key", sample, aead_key_bytes(aead));
  const Key data_nonce = expand_with_label(sender_data_secret, "nonce", sample, aead_nonce_bytes);
  const Bytes data = encode([&](Writer& out) {
    out.u32(frame.sender.leaf.value);
    out.u32(frame.sender.generation);
    out.raw(frame.sender.reuse_guard);
  });
  frame.head.encrypted_sender_data.resize(data.size() + aead_tag_bytes);
  aead_seal_into(aead, data_key, data_nonce.reveal().first<aead_nonce_bytes>(), aad(false), data,
                 frame.head.encrypted_sender_data);
  return encode_message(std::move(frame.head));
}

}  // namespace shearline::fuzz
