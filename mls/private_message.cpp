#include "mls/private_message.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

constexpr std::size_t reuse_guard_bytes = 4;
constexpr std::size_t sender_data_bytes = 4 + 4 + reuse_guard_bytes;

RatchetType ratchet_of(ContentType type) {
  return type == ContentType::application ? RatchetType::application : RatchetType::handshake;
}

AeadNonce nonce_view(ByteView bytes) { return bytes.first<aead_nonce_bytes>(); }

// PrivateContentAAD with authenticated data, SenderDataAAD without.
Bytes aad_of(const PrivateMessage& message, bool with_authenticated_data) {
  return encode([&](Writer& out) {
    out.opaque(message.group_id);
    out.u64(message.epoch);
    out.u8(static_cast<std::uint8_t>(message.content_type));
    if (with_authenticated_data) out.opaque(message.authenticated_data);
  });
}

// ---- 6.3.1 content ----

std::array<Byte, aead_nonce_bytes> guarded_nonce(const MessageKey& key, const SenderData& sender) {
  std::array<Byte, aead_nonce_bytes> nonce;
  std::ranges::copy(key.nonce.reveal(), nonce.begin());
  for (std::size_t i = 0; i < reuse_guard_bytes; ++i) {
    nonce[i] = static_cast<Byte>(nonce[i] ^ sender.reuse_guard[i]);
  }
  return nonce;
}

// PrivateMessageContent; in wiped memory if it holds application data.
Writer content_to_encrypt(const AuthenticatedContent& message, std::size_t padding_bytes) {
  const bool is_secret = message.content.content_type() == ContentType::application;
  Writer out(is_secret ? Writer::Memory::secret : Writer::Memory::ordinary, 512 + padding_bytes);
  write_body(out, message.content);
  write(out, message.auth, message.content.content_type());
  out.zeros(padding_bytes);
  return out;
}

Status read_content(ByteView plaintext, ContentType type, AuthenticatedContent& out) {
  Reader in(plaintext);
  read_body(in, type, out.content);
  out.auth = read_auth_data(in, type);
  const bool zero = std::ranges::all_of(in.rest(), [](Byte byte) { return byte == 0; });
  if (!zero) in.fail("6.3.1", "the padding is not all zero");
  in.raw(in.rest().size());
  return in.finish();
}

// Application data is opened into the arena, whose room a peer must not choose; a handshake message is no
// secret beyond this room and may be larger.
Status open_content(Aead aead, const MessageKey& key, AeadNonce nonce, ByteView aad, ByteView ciphertext,
                    ContentType type, AuthenticatedContent& out) {
  if (ciphertext.size() < aead_tag_bytes) return broken("6.3.1", "the ciphertext is shorter than its tag");
  const std::size_t size = ciphertext.size() - aead_tag_bytes;
  if (type == ContentType::application) {
    if (size > aead_plaintext_bytes_max) return broken("6.3.1", "the ciphertext is longer than 64 KiB");
    Plaintext plaintext = Plaintext::of_size(size);
    if (!aead_open_into(aead, key.key, nonce, aad, ciphertext, plaintext.writable())) {
      return broken("6.3.1", "the content's authentication tag does not fit");
    }
    return read_content(plaintext.reveal(), type, out);
  }
  Bytes plaintext(size);
  if (!aead_open_into(aead, key.key, nonce, aad, ciphertext, plaintext)) {
    return broken("6.3.1", "the content's authentication tag does not fit");
  }
  const Status read = read_content(plaintext, type, out);
  wipe(plaintext);
  return read;
}

// ---- 6.3.2 sender data ----

struct SenderDataKey {
  Key key;
  Key nonce;
};

// The sample is the start of the ciphertext; a shorter ciphertext is used whole.
SenderDataKey sender_data_key(CipherSuite suite, const Key& sender_data_secret, ByteView ciphertext) {
  const ByteView sample = ciphertext.first(std::min(ciphertext.size(), hash_bytes));
  return {.key = expand_with_label(sender_data_secret, "key", sample, aead_key_bytes(aead_of(suite))),
          .nonce = expand_with_label(sender_data_secret, "nonce", sample, aead_nonce_bytes)};
}

Bytes seal_sender_data(CipherSuite suite, const Key& sender_data_secret, const PrivateMessage& message,
                       const SenderData& sender) {
  const SenderDataKey keys = sender_data_key(suite, sender_data_secret, message.ciphertext);
  const Bytes plain = encode([&](Writer& out) {
    out.u32(sender.leaf.value);
    out.u32(sender.generation);
    out.raw(sender.reuse_guard);
  });
  Bytes sealed(plain.size() + aead_tag_bytes);
  aead_seal_into(aead_of(suite), keys.key, nonce_view(keys.nonce.reveal()), aad_of(message, false), plain,
                 sealed);
  return sealed;
}

}  // namespace

Result<SenderData> open_sender_data(CipherSuite suite, const PrivateMessage& message,
                                    const Key& sender_data_secret) {
  if (message.encrypted_sender_data.size() != sender_data_bytes + aead_tag_bytes) {
    return broken("6.3.2", "the sender data has the wrong length");
  }
  const SenderDataKey keys = sender_data_key(suite, sender_data_secret, message.ciphertext);
  std::array<Byte, sender_data_bytes> plain;
  if (!aead_open_into(aead_of(suite), keys.key, nonce_view(keys.nonce.reveal()), aad_of(message, false),
                      message.encrypted_sender_data, plain)) {
    return broken("6.3.2", "the sender data's authentication tag does not fit");
  }
  Reader in(plain);
  SenderData out;
  out.leaf = LeafIndex{in.u32()};
  out.generation = in.u32();
  std::ranges::copy(in.raw(reuse_guard_bytes), out.reuse_guard.begin());
  return out;
}

Result<PrivateMessage> protect_private(CipherSuite suite, const AuthenticatedContent& message,
                                       const Key& sender_data_secret, SecretTree& secrets,
                                       std::size_t padding_bytes, Random& random) {
  if (padding_bytes > padding_bytes_max) return broken("6.3.1", "more than 4 KiB of padding");
  const ContentType type = message.content.content_type();
  SenderData sender{.leaf = LeafIndex{message.content.sender.index}};
  Result<SecretTree::Sent> sent = secrets.next(sender.leaf, ratchet_of(type));
  if (!sent) return pass_on(sent.error());
  sender.generation = sent->generation;
  random.fill(sender.reuse_guard);

  PrivateMessage out{.group_id = message.content.group_id,
                     .epoch = message.content.epoch,
                     .content_type = type,
                     .authenticated_data = message.content.authenticated_data,
                     .encrypted_sender_data = {},
                     .ciphertext = {}};
  const Writer plaintext = content_to_encrypt(message, padding_bytes);
  out.ciphertext.resize(plaintext.view().size() + aead_tag_bytes);
  aead_seal_into(aead_of(suite), sent->key->key, guarded_nonce(*sent->key, sender), aad_of(out, true),
                 plaintext.view(), out.ciphertext);
  out.encrypted_sender_data = seal_sender_data(suite, sender_data_secret, out, sender);
  return out;
}

Result<AuthenticatedContent> unprotect_private(CipherSuite suite, const PrivateMessage& message,
                                               const SenderData& sender, SecretTree& secrets) {
  const auto key = secrets.take(sender.leaf, ratchet_of(message.content_type), sender.generation);
  if (!key) return pass_on(key.error());
  AuthenticatedContent out;
  out.wire_format = WireFormat::private_message;
  out.content.group_id = message.group_id;
  out.content.epoch = message.epoch;
  out.content.sender = member(sender.leaf);
  out.content.authenticated_data = message.authenticated_data;
  const Status opened = open_content(aead_of(suite), **key, guarded_nonce(**key, sender),
                                     aad_of(message, true), message.ciphertext, message.content_type, out);
  if (!opened) return pass_on(opened.error());
  return out;
}

}  // namespace shearline::mls
