// RFC 9420 section 5: the published basics of our suites, and what signatures and ciphertexts must refuse.
#include "mls/crypto.hpp"

#include "tests/mls/mls_vectors.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace shearline::mls {
namespace {

using namespace testing;

std::string text(const json& object, const char* name) { return object.at(name).get<std::string>(); }

void check_derivations(const json& test) {
  const json& ref = test.at("ref_hash");
  EXPECT_TRUE(equal(ref_hash(text(ref, "label"), hex_field(ref, "value")), hex_field(ref, "out")));
  const json& expand = test.at("expand_with_label");
  EXPECT_TRUE(same(expand_with_label(key_field(expand, "secret"), text(expand, "label"),
                                     hex_field(expand, "context"), expand.at("length").get<std::size_t>()),
                   hex_field(expand, "out")));
  const json& derive = test.at("derive_secret");
  EXPECT_TRUE(
      same(derive_secret(key_field(derive, "secret"), text(derive, "label")), hex_field(derive, "out")));
  const json& tree = test.at("derive_tree_secret");
  EXPECT_TRUE(same(
      derive_tree_secret(key_field(tree, "secret"), text(tree, "label"),
                         tree.at("generation").get<std::uint32_t>(), tree.at("length").get<std::size_t>()),
      hex_field(tree, "out")));
}

void check_signatures(CipherSuite suite, const json& sign) {
  const Bytes content = hex_field(sign, "content");
  const auto write_content = [&](Writer& out) { out.raw(content); };
  const std::string label = text(sign, "label");
  const Bytes public_key = hex_field(sign, "pub");
  EXPECT_TRUE(verify_with_label(suite, public_key, label, hex_field(sign, "signature"), write_content));
  const auto key = SignaturePrivateKey::from(signature_of(suite), key_field(sign, "priv"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->public_key(), public_key);
  Bytes own = sign_with_label(*key, label, write_content);
  EXPECT_TRUE(verify_with_label(suite, public_key, label, own, write_content));
  EXPECT_FALSE(verify_with_label(suite, public_key, "other", own, write_content));
  own.back() ^= 1;
  EXPECT_FALSE(verify_with_label(suite, public_key, label, own, write_content));
}

void check_encryption(CipherSuite suite, const json& encrypt) {
  SeededRandom random(7);
  const hpke::KeyPair pair{key_field(encrypt, "priv"), hex_field(encrypt, "pub")};
  const Bytes context = hex_field(encrypt, "context");
  const Bytes plaintext = hex_field(encrypt, "plaintext");
  const std::string label = text(encrypt, "label");
  const HpkeCiphertext published{hex_field(encrypt, "kem_output"), hex_field(encrypt, "ciphertext")};
  const Result<Key> opened = decrypt_with_label(suite, pair, label, context, published);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE(same(*opened, plaintext));
  const auto own = encrypt_with_label(suite, pair.public_key, label, context, plaintext, random);
  ASSERT_TRUE(own);
  EXPECT_TRUE(same(*decrypt_with_label(suite, pair, label, context, *own), plaintext));
  EXPECT_FALSE(decrypt_with_label(suite, pair, "other", context, *own));
}

TEST(MlsCrypto, PublishedBasics) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/crypto-basics.json");
  for_our_suites(cases, "", [](CipherSuite suite, const json& test) {
    check_derivations(test);
    check_signatures(suite, test.at("sign_with_label"));
    check_encryption(suite, test.at("encrypt_with_label"));
    return true;
  });
}

TEST(MlsCrypto, SignaturesOfOtherLengthsAreRefused) {
  SeededRandom random(1);
  for (const CipherSuite suite : {CipherSuite{1}, CipherSuite{2}, CipherSuite{3}}) {
    const auto key = SignaturePrivateKey::generate(signature_of(suite), random);
    const auto content = [](Writer& out) { out.u32(1); };
    const Bytes signature = sign_with_label(key, "l", content);
    for (std::size_t size = 0; size < signature.size(); ++size) {
      EXPECT_FALSE(verify_with_label(suite, key.public_key(), "l", ByteView(signature).first(size), content));
    }
    Bytes longer = signature;
    longer.push_back(0);
    EXPECT_FALSE(verify_with_label(suite, key.public_key(), "l", longer, content));
    EXPECT_FALSE(verify_with_label(suite, Bytes(31), "l", signature, content));
    EXPECT_FALSE(verify_with_label(suite, {}, "l", signature, content));
  }
}

// Copies of a group share one key, and a group may go to another thread than its copies.
TEST(MlsCrypto, OneKeySignsOnSeveralThreadsAtOnce) {
  SeededRandom random(1);
  for (const CipherSuite suite : {CipherSuite{1}, CipherSuite{2}}) {
    const auto key = SignaturePrivateKey::generate(signature_of(suite), random);
    std::atomic<int> valid = 0;
    std::vector<std::jthread> threads;
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread, copy = key] {
        for (std::uint32_t i = 0; i < 25; ++i) {
          const auto content = [&](Writer& out) { out.u64(std::uint64_t{thread} << 32 | i); };
          const Bytes signature = sign_with_label(copy, "l", content);
          valid += verify_with_label(suite, copy.public_key(), "l", signature, content) ? 1 : 0;
        }
      });
    }
    threads.clear();
    EXPECT_EQ(valid, 100);
  }
}

TEST(MlsCrypto, APrivateKeyOfAnotherLengthIsRefused) {
  EXPECT_FALSE(SignaturePrivateKey::from(SignatureScheme::ed25519, Key::of_size(31)));
  EXPECT_FALSE(SignaturePrivateKey::from(SignatureScheme::ecdsa_secp256r1_sha256, Key::of_size(32)));
}

}  // namespace
}  // namespace shearline::mls
