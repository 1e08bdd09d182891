// The primitives against vectors typed from their RFCs; the large published sets are in crypto_vectors_test.cpp.
#include "base/crypto.hpp"

#include "base/encoding.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace shearline {
namespace {

Bytes unhex(std::string_view text) { return *from_hex(text); }
Key key_of(std::string_view text) { return Key::copy_of(unhex(text)); }
PublicKey public_key_of(std::string_view text) {
  PublicKey out{};
  std::ranges::copy(unhex(text), out.begin());
  return out;
}

TEST(Sha256, OfAbc) {
  EXPECT_EQ(hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256({as_bytes("a"), as_bytes(""), as_bytes("bc")}), sha256(as_bytes("abc")));
  EXPECT_EQ(hex(sha256(ByteView{})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 4231 section 4.3, in one part and in three.
TEST(Hmac, FollowsRfc4231) {
  const char* const expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  EXPECT_EQ(hex(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want for nothing?")})), expected);
  EXPECT_EQ(hex(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya"), {}, as_bytes(" want for nothing?")})),
            expected);
}

TEST(Hmac, TakesAnEmptyKey) {
  EXPECT_EQ(hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// RFC 5869 appendix A.1.
TEST(Hkdf, FollowsRfc5869) {
  const Hash prk = hkdf_extract(unhex("000102030405060708090a0b0c"), Bytes(22, 0x0b));
  EXPECT_EQ(hex(prk), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  const Key okm = hkdf_expand(prk, unhex("f0f1f2f3f4f5f6f7f8f9"), 42);
  EXPECT_EQ(hex(okm.reveal()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(DeriveKey, SeparatesPurposes) {
  const Key from = key_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const Key one = derive_key(from, "one");
  const Key two = derive_key(from, "two");
  EXPECT_EQ(one.size(), 32U);
  EXPECT_FALSE(equal_in_constant_time(one.reveal(), two.reveal()));
  EXPECT_TRUE(equal_in_constant_time(one.reveal(), derive_key(from, "one").reveal()));
}

// Test cases 13 and 14 of the GCM specification.
TEST(AesGcm, FollowsTheSpecification) {
  const Key key = Key::of_size(32);
  const std::array<Byte, gcm_nonce_bytes> nonce{};
  EXPECT_EQ(hex(aes256gcm_seal(key, nonce, {}, {})), "530f8afbc74536b9a963b4f1c4cb738b");
  const Bytes sealed = aes256gcm_seal(key, nonce, {}, Bytes(16, 0));
  EXPECT_EQ(hex(sealed), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
  const Result<Plaintext> opened = aes256gcm_open(key, nonce, {}, sealed);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(equal(opened->reveal(), Bytes(16, 0)));
}

TEST(AesGcm, RefusesAnythingChangedOrCut) {
  const Key key = Key::of_size(32);
  const std::array<Byte, gcm_nonce_bytes> nonce{};
  const Bytes sealed = aes256gcm_seal(key, nonce, as_bytes("aad"), as_bytes("plaintext"));
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(aes256gcm_open(key, nonce, as_bytes("aad"), ByteView(sealed).first(size))) << size;
  }
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes changed = sealed;
    changed[at] ^= 1;
    EXPECT_EQ(aes256gcm_open(key, nonce, as_bytes("aad"), changed).error().code, Code::invalid);
  }
  EXPECT_FALSE(aes256gcm_open(key, nonce, as_bytes("aae"), sealed));
  EXPECT_TRUE(aes256gcm_open(key, nonce, as_bytes("aad"), sealed));
}

// RFC 8032 section 7.1, tests 1 and 3.
TEST(Ed25519, FollowsRfc8032) {
  struct Vector {
    const char* seed;
    const char* public_key;
    const char* message;
    const char* signature;
  };
  const Vector vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf"
       "5f0"
       "595bbe24655141438e7a100b"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c1"
       "5e9"
       "716ed28dc027beceea1ec40a"},
  };
  for (const Vector& vector : vectors) {
    const Key seed = key_of(vector.seed);
    EXPECT_EQ(hex(ed25519_public(seed)), vector.public_key);
    const Signature signature = ed25519_sign(seed, unhex(vector.message));
    EXPECT_EQ(hex(signature), vector.signature);
    EXPECT_TRUE(ed25519_verify(ed25519_public(seed), unhex(vector.message), signature));
    EXPECT_FALSE(ed25519_verify(ed25519_public(seed), as_bytes("another message"), signature));
    EXPECT_FALSE(ed25519_verify(ed25519_public(seed), unhex(vector.message), ByteView(signature).first(63)));
  }
}

// RFC 7748 section 6.1.
TEST(X25519, FollowsRfc7748) {
  const Key alice = key_of("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const Key bob = key_of("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  EXPECT_EQ(hex(x25519_public(alice)), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(hex(x25519_public(bob)), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  for (const auto& [own, other] : {std::pair(&alice, &bob), std::pair(&bob, &alice)}) {
    const Result<Key> shared = x25519(*own, x25519_public(*other));
    ASSERT_TRUE(shared);
    EXPECT_EQ(hex(shared->reveal()), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  }
}

TEST(X25519, RefusesKeysOfSmallOrder) {
  const Key own = key_of("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  for (const char* const key : {"0000000000000000000000000000000000000000000000000000000000000000",
                                "0100000000000000000000000000000000000000000000000000000000000000",
                                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    EXPECT_EQ(x25519(own, public_key_of(key)).error().code, Code::invalid) << key;
  }
}

// RFC 7914 section 12, the first 32 of 64 bytes.
TEST(Scrypt, FollowsRfc7914) {
  const Result<Key> key = scrypt(Plaintext::copy_of(as_bytes("pleaseletmein")), as_bytes("SodiumChloride"),
                                 {.n = 16384, .r = 8, .p = 1});
  ASSERT_TRUE(key);
  EXPECT_EQ(hex(key->reveal()), "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
  const Result<Key> empty = scrypt(Plaintext(), {}, {.n = 16, .r = 1, .p = 1});
  ASSERT_TRUE(empty);
  EXPECT_EQ(hex(empty->reveal()), "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442");
}

TEST(Scrypt, RefusesCostsItCannotMeet) {
  const Plaintext passphrase = Plaintext::copy_of(as_bytes("x"));
  EXPECT_EQ(scrypt(passphrase, {}, {.n = 15, .r = 8, .p = 1}).error().code, Code::invalid);
  EXPECT_EQ(scrypt(passphrase, {}, {.n = 1ULL << 40, .r = 8, .p = 1}).error().code, Code::invalid);
}

TEST(Crypto, LeavesNothingInTheArena) {
  const std::size_t before = arena_state().used_bytes;
  {
    SeededRandom random(1);
    const Key key = random_key(random);
    const std::array<Byte, gcm_nonce_bytes> nonce{};
    EXPECT_TRUE(aes256gcm_open(key, nonce, {}, aes256gcm_seal(key, nonce, {}, as_bytes("x"))));
    EXPECT_FALSE(aes256gcm_open(key, nonce, {}, Bytes(32)));
    EXPECT_TRUE(x25519(key, x25519_public(random_key(random))));
  }
  EXPECT_EQ(arena_state().used_bytes, before);
}

}  // namespace
}  // namespace shearline
