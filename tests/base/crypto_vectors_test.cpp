// Wycheproof: thousands of cases made to break implementations, for every primitive of base/crypto.
#include "base/crypto.hpp"
#include "tests/vectors.hpp"

#include <algorithm>

namespace shearline {
namespace {

using nlohmann::json;
using testing::for_every_case;
using testing::hex_field;
using testing::is_valid;
using testing::Tally;

PublicKey public_key_field(const json& test, const char* name) {
  const Bytes bytes = hex_field(test, name);
  PublicKey out{};
  EXPECT_EQ(bytes.size(), out.size());
  std::ranges::copy(bytes, out.begin());
  return out;
}

TEST(Wycheproof, HmacSha256) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_hmac_sha256_test.json");
  const Tally tally = for_every_case(file, [](const json& group, const json& test) {
    // Tags may be cut to a shorter size in this set; ours is always whole, so the same bytes are compared.
    const auto tag_bytes = group.at("tagSize").get<std::size_t>() / 8;
    const Hash mac = hmac_sha256(hex_field(test, "key"), {hex_field(test, "msg")});
    const bool fits = equal_in_constant_time(ByteView(mac).first(tag_bytes), hex_field(test, "tag"));
    EXPECT_EQ(fits, is_valid(test));
    return true;
  });
  EXPECT_EQ(tally.checked, 174U);
}

TEST(Wycheproof, HkdfSha256) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_hkdf_sha256_test.json");
  const Tally tally = for_every_case(file, [](const json&, const json& test) {
    const auto size = test.at("size").get<std::size_t>();
    const Hash prk = hkdf_extract(hex_field(test, "salt"), hex_field(test, "ikm"));
    if (!is_valid(test)) {  // longer than HKDF can be: a mistake of ours, never of a peer
      EXPECT_THROW((void)hkdf_expand(prk, hex_field(test, "info"), size), std::runtime_error);
      return true;
    }
    EXPECT_TRUE(equal(hkdf_expand(prk, hex_field(test, "info"), size).reveal(), hex_field(test, "okm")));
    return true;
  });
  EXPECT_EQ(tally.checked, 86U);
}

TEST(Wycheproof, Aes256Gcm) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_aes_gcm_test.json");
  const Tally tally = for_every_case(file, [](const json& group, const json& test) {
    if (group.at("keySize") != 256 || group.at("ivSize") != 96 || group.at("tagSize") != 128) return false;
    const Key key = Key::copy_of(hex_field(test, "key"));
    const Bytes nonce = hex_field(test, "iv");
    const auto nonce_span = std::span(nonce).first<gcm_nonce_bytes>();
    const Bytes aad = hex_field(test, "aad");
    Bytes sealed = hex_field(test, "ct");
    append(sealed, hex_field(test, "tag"));
    const Result<Plaintext> opened = aes256gcm_open(key, nonce_span, aad, sealed);
    EXPECT_EQ(opened.has_value(), is_valid(test));
    if (opened) {
      EXPECT_TRUE(equal(opened->reveal(), hex_field(test, "msg")));
      EXPECT_EQ(aes256gcm_seal(key, nonce_span, aad, opened->reveal()), sealed);
    }
    return true;
  });
  EXPECT_GT(tally.checked, 60U);
}

TEST(Wycheproof, Ed25519) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_ed25519_test.json");
  const Tally tally = for_every_case(file, [](const json& group, const json& test) {
    const PublicKey key = public_key_field(group.at("publicKey"), "pk");
    EXPECT_EQ(ed25519_verify(key, hex_field(test, "msg"), hex_field(test, "sig")), is_valid(test));
    return true;
  });
  EXPECT_EQ(tally.checked, 151U);
}

TEST(Wycheproof, X25519) {
  SHEARLINE_VECTORS_OR_SKIP(file, "crypto/wycheproof_x25519_test.json");
  std::size_t refused = 0;
  const Tally tally = for_every_case(file, [&](const json&, const json& test) {
    const Bytes expected = hex_field(test, "shared");
    const Result<Key> shared =
        x25519(Key::copy_of(hex_field(test, "private")), public_key_field(test, "public"));
    // The set leaves an all-zero result to the implementation ("acceptable"); we refuse every one of them.
    const bool all_zero = std::ranges::all_of(expected, [](Byte byte) { return byte == 0; });
    EXPECT_EQ(shared.has_value(), !all_zero);
    EXPECT_TRUE(!shared || equal(shared->reveal(), expected));
    refused += all_zero ? 1 : 0;
    return true;
  });
  EXPECT_EQ(tally.checked, 518U);
  EXPECT_GT(refused, 10U);
}

}  // namespace
}  // namespace shearline
