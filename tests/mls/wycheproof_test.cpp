// Wycheproof for what this room has of its own beside base/crypto: AEADs, signatures and Diffie-Hellman of its suites.
#include "mls/aead.hpp"
#include "mls/hpke_kem.hpp"
#include "mls/signature.hpp"
#include "tests/vectors.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

using nlohmann::json;
using testing::for_every_case;
using testing::hex_field;
using testing::is_valid;
using testing::Tally;

void check_aead(Aead aead, const json& test) {
  const Key key = Key::copy_of(hex_field(test, "key"));
  const Bytes nonce = hex_field(test, "iv");
  const AeadNonce nonce_span = std::span(nonce).first<aead_nonce_bytes>();
  const Bytes aad = hex_field(test, "aad");
  Bytes sealed = hex_field(test, "ct");
  append(sealed, hex_field(test, "tag"));
  const Result<Plaintext> opened = aead_open(aead, key, nonce_span, aad, sealed);
  EXPECT_EQ(opened.has_value(), is_valid(test));
  if (!opened) return;
  EXPECT_TRUE(equal(opened->reveal(), hex_field(test, "msg")));
  const Result<Bytes> again = aead_seal(aead, key, nonce_span, aad, opened->reveal());
  EXPECT_TRUE(again && *again == sealed);
}

bool has_our_sizes(const json& group) { return group.at("ivSize") == 96 && group.at("tagSize") == 128; }

TEST(Wycheproof, AesGcmOf128And256Bits) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_aes_gcm_test.json");
  const Tally tally = for_every_case(file, [](const json& group, const json& test) {
    const bool is_ours = has_our_sizes(group) && (group.at("keySize") == 128 || group.at("keySize") == 256);
    if (is_ours) check_aead(group.at("keySize") == 128 ? Aead::aes_128_gcm : Aead::aes_256_gcm, test);
    return is_ours;
  });
  EXPECT_GT(tally.checked, 100U);
}

TEST(Wycheproof, ChaCha20Poly1305) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_chacha20_poly1305_test.json");
  const Tally tally = for_every_case(file, [](const json& group, const json& test) {
    if (has_our_sizes(group)) check_aead(Aead::chacha20_poly1305, test);
    return has_our_sizes(group);
  });
  EXPECT_GT(tally.checked, 250U);
}

// The point inside a SubjectPublicKeyInfo of exactly the usual form; HPKE sends points without any.
std::optional<Bytes> uncompressed_point(const Bytes& der) {
  const Bytes prefix = *from_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
  if (der.size() != prefix.size() + 65 || !std::equal(prefix.begin(), prefix.end(), der.begin())) {
    return std::nullopt;
  }
  return Bytes(der.end() - 65, der.end());
}

// Private keys are written as integers there: with a zero byte in front, or shorter than 32 bytes.
Key scalar_of(const Bytes& integer) {
  Key out = Key::of_size(32);
  const std::size_t size = std::min<std::size_t>(integer.size(), 32);
  std::copy(integer.end() - static_cast<std::ptrdiff_t>(size), integer.end(),
            out.writable().end() - static_cast<std::ptrdiff_t>(size));
  return out;
}

TEST(Wycheproof, DiffieHellmanOnP256) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_ecdh_secp256r1_test.json");
  const Tally tally = for_every_case(file, [](const json&, const json& test) {
    const std::optional<Bytes> point = uncompressed_point(hex_field(test, "public"));
    if (!point) return false;  // other encodings of the key
    Key scalar = scalar_of(hex_field(test, "private"));
    const Result<Bytes> own_public = hpke::public_key_of(hpke::Kem::p256_hkdf_sha256, scalar);
    if (!own_public) throw std::runtime_error("not a scalar: " + own_public.error().message);
    const Result<Key> shared =
        hpke::diffie_hellman(hpke::Kem::p256_hkdf_sha256, {std::move(scalar), *own_public}, *point);
    EXPECT_EQ(shared.has_value(), is_valid(test));
    EXPECT_TRUE(!shared || equal(shared->reveal(), hex_field(test, "shared")));
    return true;
  });
  EXPECT_GT(tally.checked, 200U);
}

// The set leaves an all-zero result to the implementation ("acceptable"); we refuse it, and the key where it comes in.
TEST(Wycheproof, DiffieHellmanOnCurve25519) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_x25519_test.json");
  constexpr auto kem = hpke::Kem::x25519_hkdf_sha256;
  std::size_t refused = 0;
  const Tally tally = for_every_case(file, [&](const json&, const json& test) {
    const Bytes expected = hex_field(test, "shared");
    const Bytes peer = hex_field(test, "public");
    Key scalar = Key::copy_of(hex_field(test, "private"));
    const Bytes own_public = hpke::public_key_of(kem, scalar).value();
    const Result<Key> shared = hpke::diffie_hellman(kem, {std::move(scalar), own_public}, peer);
    const bool all_zero = std::ranges::all_of(expected, [](Byte byte) { return byte == 0; });
    EXPECT_EQ(shared.has_value(), !all_zero);
    EXPECT_EQ(hpke::is_public_key(kem, peer), !all_zero);
    EXPECT_TRUE(!shared || equal(shared->reveal(), expected));
    refused += all_zero ? 1 : 0;
    return true;
  });
  EXPECT_EQ(tally.checked, 518U);
  EXPECT_GT(refused, 10U);
}

void check_signatures(const json& file, SignatureScheme scheme, const char* key_field, std::size_t cases) {
  const Tally tally = for_every_case(file, [&](const json& group, const json& test) {
    EXPECT_EQ(verify_signature(scheme, hex_field(group.at("publicKey"), key_field), hex_field(test, "msg"),
                               hex_field(test, "sig")),
              is_valid(test));
    return true;
  });
  EXPECT_EQ(tally.checked, cases);
}

TEST(Wycheproof, Ed25519Signatures) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_ed25519_test.json");
  check_signatures(file, SignatureScheme::ed25519, "pk", 151);
}

TEST(Wycheproof, EcdsaSignaturesOnP256) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_ecdsa_secp256r1_sha256_test.json");
  check_signatures(file, SignatureScheme::ecdsa_secp256r1_sha256, "uncompressed", 484);
}

}  // namespace
}  // namespace shearline::mls
