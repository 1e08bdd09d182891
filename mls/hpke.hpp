// HPKE (RFC 9180) over OpenSSL: what delivery and MLS need. Suites of MLS cipher suites 1, 2 and 3;
// single-shot base mode here, for the product; contexts, exports and the other modes in hpke_context.hpp.
// Knows bytes and keys, nothing of envelopes.
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "mls/aead.hpp"

namespace shearline::mls::hpke {

using mls::Aead;
enum class Kem : std::uint16_t { p256_hkdf_sha256 = 0x0010, x25519_hkdf_sha256 = 0x0020 };
enum class Kdf : std::uint16_t { hkdf_sha256 = 0x0001 };

struct Suite {
  Kem kem = Kem::x25519_hkdf_sha256;
  Kdf kdf = Kdf::hkdf_sha256;
  Aead aead = Aead::aes_128_gcm;
};
inline constexpr Suite default_suite{};  // X25519, HKDF-SHA256, AES-128-GCM (security.md "Sealing")

inline constexpr std::size_t private_key_bytes = 32;  // of both curves
struct KeyPair {
  Key private_key;
  Bytes public_key;  // X25519: 32 bytes; P-256: 65, uncompressed
  KeyPair clone() const { return {private_key.clone(), public_key}; }
};
// RFC 9180 section 7.1.3. invalid: fewer than 32 bytes of input.
Result<KeyPair> derive_key_pair(Suite suite, ByteView ikm);
KeyPair generate_key_pair(Suite suite, Random& random);

// The key_schedule_context of base mode (RFC 9180 section 5.1): what all messages with one info share.
struct BaseContext {
  Bytes bytes;
};
BaseContext base_context(Suite suite, ByteView info);

struct Sealed {
  Bytes encapsulated;  // enc
  Bytes ciphertext;    // with the tag
};
// RFC 9180 section 6.1, single shot. invalid: the public key is not one, or is of small order.
Result<Sealed> seal_base(Suite suite, ByteView recipient_public, ByteView info, ByteView aad,
                         ByteView plaintext, Random& random);
Result<Sealed> seal_in_context(Suite suite, ByteView recipient_public, const BaseContext& context,
                               ByteView aad, ByteView plaintext, Random& random);
// invalid: enc is not a public key, or the ciphertext is not for this key, info and aad.
Result<Plaintext> open_base(Suite suite, ByteView encapsulated, const Key& recipient_private, ByteView info,
                            ByteView aad, ByteView ciphertext);
// The same for who has the public key at hand, which spares computing it.
Result<Plaintext> open_base(Suite suite, ByteView encapsulated, const KeyPair& recipient, ByteView info,
                            ByteView aad, ByteView ciphertext);

}  // namespace shearline::mls::hpke
