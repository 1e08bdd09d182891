// The primitives everybody shares, as thin functions over OpenSSL 3: SHA-256, HMAC, HKDF (RFC 5869),
// AES-256-GCM, Ed25519 (RFC 8032), X25519 (RFC 7748), scrypt (RFC 7914). Keys come and go in types that wipe
// themselves. The verification path does not use these; its lanes are in engine/.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

#include <array>
#include <initializer_list>
#include <string_view>

namespace shearline {

using Hash = std::array<Byte, 32>;  // SHA-256 or HMAC-SHA-256 output that is public
using Parts = std::initializer_list<ByteView>;

Hash sha256(ByteView bytes);
Hash sha256(Parts parts);  // of the parts one after another
void hmac_sha256(ByteView key, Parts parts, std::span<Byte, 32> out);
Hash hmac_sha256(ByteView key, Parts parts);

Hash hkdf_extract(ByteView salt, ByteView input);                  // RFC 5869 section 2.2, secret: wipe it
Key hkdf_expand(ByteView prk, ByteView info, std::size_t length);  // RFC 5869 section 2.3
// HKDF with an empty salt: the one way keys are derived from the state key and the pepper.
Key derive_key(const Key& from, std::string_view info, std::size_t length = 32);

inline constexpr std::size_t gcm_nonce_bytes = 12;
inline constexpr std::size_t gcm_tag_bytes = 16;
// Returns ciphertext || tag. The caller guarantees a nonce that is fresh under this key.
Bytes aes256gcm_seal(const Key& key, std::span<const Byte, gcm_nonce_bytes> nonce, ByteView aad,
                     ByteView plaintext);
// invalid when the tag does not fit.
Result<Plaintext> aes256gcm_open(const Key& key, std::span<const Byte, gcm_nonce_bytes> nonce, ByteView aad,
                                 ByteView sealed);

using PublicKey = std::array<Byte, 32>;  // Ed25519 or X25519
using Signature = std::array<Byte, 64>;  // Ed25519
PublicKey ed25519_public(const Key& seed);
Signature ed25519_sign(const Key& seed, ByteView message);
bool ed25519_verify(const PublicKey& key, ByteView message, ByteView signature);

PublicKey x25519_public(const Key& private_key);
// invalid for a peer key of small order (all-zero result, RFC 7748 section 6.1).
Result<Key> x25519(const Key& private_key, const PublicKey& peer);

Key random_key(Random& random, std::size_t size = 32);

struct ScryptCost {
  std::uint64_t n = 1 << 15;
  std::uint32_t r = 8;
  std::uint32_t p = 1;
};
// 32 bytes. About 50 ms and 32 MiB at the default cost: never on a fiber.
Result<Key> scrypt(const Plaintext& passphrase, ByteView salt, ScryptCost cost);

}  // namespace shearline
