// HPKE (RFC 9180) over OpenSSL: what delivery and MLS need. Suites of MLS cipher suites 1, 2 and 3; base mode
// for the product, the other modes where the vectors ask for them.
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

namespace shearline::mls::hpke {

enum class Kem : std::uint16_t { p256_hkdf_sha256 = 0x0010, x25519_hkdf_sha256 = 0x0020 };
enum class Kdf : std::uint16_t { hkdf_sha256 = 0x0001 };
enum class Aead : std::uint16_t { aes_128_gcm = 0x0001, aes_256_gcm = 0x0002, chacha20_poly1305 = 0x0003 };

struct Suite {
  Kem kem = Kem::x25519_hkdf_sha256;
  Kdf kdf = Kdf::hkdf_sha256;
  Aead aead = Aead::aes_128_gcm;
};
inline constexpr Suite default_suite{};  // X25519, HKDF-SHA256, AES-128-GCM (security.md "Sealing")

struct KeyPair {
  Key private_key;
  Bytes public_key;
};
Result<KeyPair> derive_key_pair(Suite suite, ByteView ikm);  // RFC 9180 section 7.1.3
KeyPair generate_key_pair(Suite suite, Random& random);

struct Sealed {
  Bytes encapsulated;  // enc
  Bytes ciphertext;    // with the tag
};
// RFC 9180 section 6.1, single shot. invalid: the public key is not one.
Result<Sealed> seal_base(Suite suite, ByteView recipient_public, ByteView info, ByteView aad,
                         ByteView plaintext, Random& random);
Result<Plaintext> open_base(Suite suite, ByteView encapsulated, const Key& recipient_private, ByteView info,
                            ByteView aad, ByteView ciphertext);

}  // namespace shearline::mls::hpke
