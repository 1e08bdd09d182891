// The AEADs of HPKE and MLS as two functions over OpenSSL: key, nonce, associated data, bytes. Used by hpke
// and, later, by MLS framing; knows no key schedule.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"

#include <cstdint>

namespace shearline::mls {

// RFC 9180 section 7.3. export_only has neither key nor nonce.
enum class Aead : std::uint16_t {
  aes_128_gcm = 0x0001,
  aes_256_gcm = 0x0002,
  chacha20_poly1305 = 0x0003,
  export_only = 0xffff,
};
inline constexpr std::size_t aead_nonce_bytes = 12;  // Nn
inline constexpr std::size_t aead_tag_bytes = 16;    // Nt
// What is opened lies in the locked arena (1 MiB for the whole process), so a peer must not choose how much.
inline constexpr std::size_t aead_plaintext_bytes_max = 64 * 1024;

constexpr std::size_t aead_key_bytes(Aead aead) {  // Nk
  return aead == Aead::export_only ? 0 : aead == Aead::aes_128_gcm ? 16 : 32;
}

using AeadNonce = std::span<const Byte, aead_nonce_bytes>;

// Into memory of the caller's choice: `out` has aead_tag_bytes more than the plaintext. No bound but OpenSSL's.
void aead_seal_into(Aead aead, const Key& key, AeadNonce nonce, ByteView aad, ByteView plaintext,
                    ByteSpan out);
// `out` has aead_tag_bytes less than `sealed`. invalid: the tag does not fit; `out` is wiped.
Status aead_open_into(Aead aead, const Key& key, AeadNonce nonce, ByteView aad, ByteView sealed,
                      ByteSpan out);

// ciphertext || tag. The caller guarantees a nonce that is fresh under this key. invalid: too long.
Result<Bytes> aead_seal(Aead aead, const Key& key, AeadNonce nonce, ByteView aad, ByteView plaintext);
// invalid: too short, too long, or the tag does not fit.
Result<Plaintext> aead_open(Aead aead, const Key& key, AeadNonce nonce, ByteView aad, ByteView sealed);

}  // namespace shearline::mls
