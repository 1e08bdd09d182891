// AEADs over EVP, each cipher fetched once.
#include "mls/aead.hpp"

#include "base/openssl.hpp"

#include <climits>

namespace shearline::mls {
namespace {

using namespace openssl;

const EVP_CIPHER* cipher_of(Aead aead) {
  static const EVP_CIPHER* const aes_128 = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  static const EVP_CIPHER* const aes_256 = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  static const EVP_CIPHER* const chacha20 = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  switch (aead) {
    case Aead::aes_128_gcm:
      return aes_128;
    case Aead::aes_256_gcm:
      return aes_256;
    case Aead::chacha20_poly1305:
      return chacha20;
    case Aead::export_only:
      break;
  }
  return nullptr;
}

// A suite without a cipher, or a key of another suite, is a mistake of the caller and never of a peer.
const EVP_CIPHER* checked_cipher(Aead aead, const Key& key) {
  const EVP_CIPHER* const cipher = cipher_of(aead);
  must(cipher != nullptr && key.size() == aead_key_bytes(aead), "AEAD key");
  return cipher;
}

int length_of(ByteView bytes) {
  must(bytes.size() <= INT_MAX, "AEAD length");
  return static_cast<int>(bytes.size());
}

}  // namespace

void aead_seal_into(Aead aead, const Key& key, AeadNonce nonce, ByteView aad, ByteView plaintext,
                    ByteSpan out) {
  const EVP_CIPHER* const cipher = checked_cipher(aead, key);
  must(out.size() == plaintext.size() + aead_tag_bytes, "AEAD output");
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  must(ctx && EVP_EncryptInit_ex2(ctx.get(), cipher, key.reveal().data(), nonce.data(), nullptr) == 1,
       "AEAD");
  must(EVP_EncryptUpdate(ctx.get(), nullptr, &size, aad.data(), length_of(aad)) == 1, "AEAD");
  must(EVP_EncryptUpdate(ctx.get(), out.data(), &size, plaintext.data(), length_of(plaintext)) == 1, "AEAD");
  must(EVP_EncryptFinal_ex(ctx.get(), out.data() + plaintext.size(), &size) == 1, "AEAD");
  must(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, aead_tag_bytes, out.data() + plaintext.size()) ==
           1,
       "AEAD");
}

Status aead_open_into(Aead aead, const Key& key, AeadNonce nonce, ByteView aad, ByteView sealed,
                      ByteSpan out) {
  const EVP_CIPHER* const cipher = checked_cipher(aead, key);
  if (sealed.size() < aead_tag_bytes) return fail(Code::invalid, "the ciphertext is shorter than its tag");
  must(out.size() == sealed.size() - aead_tag_bytes, "AEAD output");
  std::array<Byte, aead_tag_bytes> tag;
  std::memcpy(tag.data(), sealed.data() + out.size(), tag.size());
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  must(ctx && EVP_DecryptInit_ex2(ctx.get(), cipher, key.reveal().data(), nonce.data(), nullptr) == 1,
       "AEAD");
  must(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, aead_tag_bytes, tag.data()) == 1, "AEAD");
  must(EVP_DecryptUpdate(ctx.get(), nullptr, &size, aad.data(), length_of(aad)) == 1, "AEAD");
  must(EVP_DecryptUpdate(ctx.get(), out.data(), &size, sealed.data(), length_of(sealed.first(out.size()))) ==
           1,
       "AEAD");
  Byte nothing[16];
  if (EVP_DecryptFinal_ex(ctx.get(), nothing, &size) != 1) {
    ERR_clear_error();
    wipe(out);
    return fail(Code::invalid, "the authentication tag does not fit");
  }
  return {};
}

Result<Bytes> aead_seal(Aead aead, const Key& key, AeadNonce nonce, ByteView aad, ByteView plaintext) {
  if (plaintext.size() > aead_plaintext_bytes_max) {
    return fail(Code::invalid, "the plaintext is longer than 64 KiB");
  }
  Bytes out(plaintext.size() + aead_tag_bytes);
  aead_seal_into(aead, key, nonce, aad, plaintext, out);
  return out;
}

Result<Plaintext> aead_open(Aead aead, const Key& key, AeadNonce nonce, ByteView aad, ByteView sealed) {
  if (sealed.size() < aead_tag_bytes) return fail(Code::invalid, "the ciphertext is shorter than its tag");
  if (sealed.size() - aead_tag_bytes > aead_plaintext_bytes_max) {
    return fail(Code::invalid, "the ciphertext is longer than 64 KiB");
  }
  Plaintext out = Plaintext::of_size(sealed.size() - aead_tag_bytes);
  if (const Status opened = aead_open_into(aead, key, nonce, aad, sealed, out.writable()); !opened) {
    return std::unexpected(opened.error());
  }
  return out;
}

}  // namespace shearline::mls
