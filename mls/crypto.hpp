// The cryptographic objects of RFC 9420 section 5: cipher suites, and signing, encrypting, hashing and
// deriving with labels. Used by every chapter of this room; knows bytes, keys and labels, no message.
#pragma once

#include "base/crypto.hpp"
#include "mls/codec.hpp"
#include "mls/hpke.hpp"
#include "mls/signature.hpp"

#include <optional>

namespace shearline::mls {

// Section 17.1. The three that are built; all use SHA-256, so Nh is 32 everywhere.
enum class CipherSuite : std::uint16_t {
  x25519_aes128gcm_sha256_ed25519 = 1,
  p256_aes128gcm_sha256_p256 = 2,
  x25519_chacha20poly1305_sha256_ed25519 = 3,
};
inline constexpr std::size_t hash_bytes = 32;  // KDF.Nh

constexpr bool is_built(std::uint16_t suite) { return suite >= 1 && suite <= 3; }

constexpr Aead aead_of(CipherSuite suite) {
  return suite == CipherSuite::x25519_chacha20poly1305_sha256_ed25519 ? Aead::chacha20_poly1305
                                                                      : Aead::aes_128_gcm;
}
constexpr hpke::Suite hpke_of(CipherSuite suite) {
  return {.kem = suite == CipherSuite::p256_aes128gcm_sha256_p256 ? hpke::Kem::p256_hkdf_sha256
                                                                  : hpke::Kem::x25519_hkdf_sha256,
          .kdf = hpke::Kdf::hkdf_sha256,
          .aead = aead_of(suite)};
}
constexpr SignatureScheme signature_of(CipherSuite suite) {
  return suite == CipherSuite::p256_aes128gcm_sha256_p256 ? SignatureScheme::ecdsa_secp256r1_sha256
                                                          : SignatureScheme::ed25519;
}

// ---- 5.1.2 signing ----

// `write` puts the content into the writer it is given. Content with application data is built in secret
// memory; all other may be large and is no secret.
template <class Write>
Writer labeled_content(std::string_view label, Write write, Writer::Memory memory) {
  Writer content(memory, 1024);
  content.opaque(as_bytes("MLS 1.0 "), as_bytes(label));
  content.vector([&] { write(content); });
  return content;
}
template <class Write>
Bytes sign_with_label(const SignaturePrivateKey& key, std::string_view label, Write write,
                      Writer::Memory memory = Writer::Memory::ordinary) {
  return key.sign(labeled_content(label, write, memory).view());
}
template <class Write>
bool verify_with_label(CipherSuite suite, ByteView public_key, std::string_view label, ByteView signature,
                       Write write, Writer::Memory memory = Writer::Memory::ordinary) {
  return verify_signature(signature_of(suite), public_key, labeled_content(label, write, memory).view(),
                          signature);
}

// ---- 5.1.3 public key encryption ----

struct HpkeCiphertext {
  Bytes kem_output;
  Bytes ciphertext;
  bool operator==(const HpkeCiphertext&) const = default;
};
void write(Writer& out, const HpkeCiphertext& value);
HpkeCiphertext read_hpke_ciphertext(Reader& in);

// What all encryptions with one label and context share; the context may be large (a Welcome's GroupInfo).
struct EncryptContext {
  CipherSuite suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;
  hpke::BaseContext hpke;
};
EncryptContext encrypt_context(CipherSuite suite, std::string_view label, ByteView context);
// EncryptWithLabel. invalid: not a public key of the suite.
Result<HpkeCiphertext> encrypt_with_label(const EncryptContext& context, ByteView public_key,
                                          ByteView plaintext, Random& random);
Result<HpkeCiphertext> encrypt_with_label(CipherSuite suite, ByteView public_key, std::string_view label,
                                          ByteView context, ByteView plaintext, Random& random);
// invalid: the ciphertext is not for this key, label and context.
Result<Key> decrypt_with_label(CipherSuite suite, const hpke::KeyPair& key, std::string_view label,
                               ByteView context, const HpkeCiphertext& ciphertext);

// ---- 5.2 hash-based identifiers ----

Hash ref_hash(std::string_view label, ByteView value);

// ---- 8 deriving ----

Key kdf_extract(ByteView salt, ByteView ikm);
Key expand_with_label(const Key& secret, std::string_view label, ByteView context, std::size_t length);
Key derive_secret(const Key& secret, std::string_view label);  // Nh bytes
// Section 9.1.
Key derive_tree_secret(const Key& secret, std::string_view label, std::uint32_t generation,
                       std::size_t length);
Hash mac(const Key& key, ByteView data);  // HMAC; the tag is public
// A key of a saved state; anything but that many bytes makes the reader fail.
Key read_saved_key(Reader& in, std::size_t bytes);
Key zero_secret();  // Nh zero bytes, the "0" of the key schedule

}  // namespace shearline::mls
