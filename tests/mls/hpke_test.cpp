// HPKE where no vector looks: what a hostile or broken peer sends, and small vectors typed from RFC 9180 so
// that the tests mean something without the vectors' folder.
#include "mls/hpke.hpp"

#include "base/encoding.hpp"
#include "mls/hpke_context.hpp"
#include "mls/hpke_kem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shearline::mls::hpke {
namespace {

using ::testing::HasSubstr;

constexpr Suite suites[] = {
    {Kem::x25519_hkdf_sha256, Kdf::hkdf_sha256, Aead::aes_128_gcm},
    {Kem::x25519_hkdf_sha256, Kdf::hkdf_sha256, Aead::aes_256_gcm},
    {Kem::x25519_hkdf_sha256, Kdf::hkdf_sha256, Aead::chacha20_poly1305},
    {Kem::p256_hkdf_sha256, Kdf::hkdf_sha256, Aead::aes_128_gcm},
};

Bytes bytes_of(std::string_view text) { return to_bytes(as_bytes(text)); }

struct Delivered {
  KeyPair recipient;
  Sealed sealed;
};
Delivered deliver(Suite suite, std::string_view plaintext = "the new secret") {
  SeededRandom random(7);
  Delivered out{.recipient = generate_key_pair(suite, random), .sealed = {}};
  Result<Sealed> sealed = seal_base(suite, out.recipient.public_key, as_bytes("info"), as_bytes("aad"),
                                    as_bytes(plaintext), random);
  if (sealed) out.sealed = std::move(*sealed);
  return out;
}
Result<Plaintext> open(Suite suite, const Delivered& d, std::string_view info = "info",
                       std::string_view aad = "aad") {
  return open_base(suite, d.sealed.encapsulated, d.recipient.private_key, as_bytes(info), as_bytes(aad),
                   d.sealed.ciphertext);
}

TEST(Hpke, OpensWhatWasSealedInEverySuite) {
  for (const Suite suite : suites) {
    const Delivered delivered = deliver(suite);
    const Result<Plaintext> opened = open(suite, delivered);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(as_text(opened->reveal()), "the new secret");
  }
}

TEST(Hpke, OpensAnEmptyPlaintext) {
  const Result<Plaintext> opened = open(default_suite, deliver(default_suite, ""));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->empty());
}

// RFC 9180 appendix A.1.1, first message.
TEST(Hpke, SealsAsInAppendixA1) {
  const KeyPair ephemeral = *derive_key_pair(
      default_suite, *from_hex("7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234"));
  EXPECT_EQ(hex(ephemeral.public_key), "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
  Result<SenderContext> sender = setup_sender(
      default_suite, *from_hex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"),
      *from_hex("4f6465206f6e2061204772656369616e2055726e"), ephemeral);
  ASSERT_TRUE(sender);
  const Result<Bytes> sealed = sender->seal(as_bytes("Count-0"), as_bytes("Beauty is truth, truth beauty"));
  ASSERT_TRUE(sealed);
  EXPECT_EQ(hex(*sealed),
            "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a");
}

TEST(Hpke, RefusesAnotherInfoOrAssociatedData) {
  const Delivered delivered = deliver(default_suite);
  EXPECT_EQ(open(default_suite, delivered, "other").error().code, Code::invalid);
  EXPECT_EQ(open(default_suite, delivered, "info", "other").error().code, Code::invalid);
}

TEST(Hpke, RefusesAnotherRecipient) {
  Delivered delivered = deliver(default_suite);
  SeededRandom random(8);
  delivered.recipient = generate_key_pair(default_suite, random);
  EXPECT_FALSE(open(default_suite, delivered));
}

TEST(Hpke, RefusesCiphertextCutAtEveryLength) {
  for (const Suite suite : suites) {
    Delivered delivered = deliver(suite);
    const Bytes whole = delivered.sealed.ciphertext;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      delivered.sealed.ciphertext.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(open(suite, delivered).error().code, Code::invalid) << size;
    }
  }
}

TEST(Hpke, RefusesCiphertextWithAnyByteChanged) {
  Delivered delivered = deliver(default_suite);
  for (Byte& byte : delivered.sealed.ciphertext) {
    byte ^= 1;
    EXPECT_FALSE(open(default_suite, delivered));
    byte ^= 1;
  }
  EXPECT_TRUE(open(default_suite, delivered));
}

TEST(Hpke, RefusesEncapsulatedKeysOfAnyOtherLength) {
  for (const Suite suite : suites) {
    Delivered delivered = deliver(suite);
    const Bytes whole = delivered.sealed.encapsulated;
    for (std::size_t size = 0; size <= 70; ++size) {
      if (size == whole.size()) continue;
      delivered.sealed.encapsulated = whole;
      delivered.sealed.encapsulated.resize(size);
      EXPECT_EQ(open(suite, delivered).error().code, Code::invalid) << size;
    }
  }
}

// The points of order 1, 2, 4 and 8 and their other spellings: the result would be all zero whatever our key
// is.
TEST(Hpke, RefusesX25519KeysOfSmallOrder) {
  const char* const small_order[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  SeededRandom random(7);
  const Delivered delivered = deliver(default_suite);
  for (const char* const key : small_order) {
    EXPECT_EQ(seal_base(default_suite, *from_hex(key), {}, {}, as_bytes("x"), random).error().code,
              Code::invalid)
        << key;
    EXPECT_EQ(open_base(default_suite, *from_hex(key), delivered.recipient.private_key, {}, {}, Bytes(32))
                  .error()
                  .code,
              Code::invalid)
        << key;
  }
}

TEST(Hpke, RefusesP256PointsThatAreNotOnTheCurve) {
  const Suite suite = suites[3];
  Delivered delivered = deliver(suite);
  delivered.sealed.encapsulated.back() ^= 1;
  EXPECT_EQ(open(suite, delivered).error().code, Code::invalid);
  delivered.sealed.encapsulated = Bytes(65, 0);  // the point at infinity in a long coat
  EXPECT_EQ(open(suite, delivered).error().code, Code::invalid);
  delivered.sealed.encapsulated[0] = 4;
  EXPECT_EQ(open(suite, delivered).error().code, Code::invalid);
}

TEST(Hpke, RefusesP256PrivateKeysOutsideTheOrder) {
  const char* const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  EXPECT_FALSE(public_key_of(Kem::p256_hkdf_sha256, Key::of_size(32)));
  EXPECT_FALSE(public_key_of(Kem::p256_hkdf_sha256, Key::copy_of(*from_hex(order))));
  EXPECT_FALSE(public_key_of(Kem::p256_hkdf_sha256, Key::of_size(31)));
}

TEST(Hpke, RefusesPrivateKeysOfAnotherLength) {
  const Delivered delivered = deliver(default_suite);
  for (const std::size_t size : {0, 31, 33}) {
    EXPECT_EQ(open_base(default_suite, delivered.sealed.encapsulated, Key::of_size(size), {}, {}, Bytes(32))
                  .error()
                  .code,
              Code::invalid);
  }
}

TEST(Hpke, RefusesPlaintextAndCiphertextBeyondTheArenasShare) {
  SeededRandom random(7);
  const KeyPair recipient = generate_key_pair(default_suite, random);
  const Bytes large(aead_plaintext_bytes_max + 1, 'x');
  EXPECT_EQ(seal_base(default_suite, recipient.public_key, {}, {}, large, random).error().code,
            Code::invalid);
  Delivered delivered = deliver(default_suite);
  delivered.sealed.ciphertext = Bytes(1 << 20, 0);
  EXPECT_THAT(open(default_suite, delivered).error().message, HasSubstr("longer than 64 KiB"));
}

TEST(Hpke, RefusesTooLittleInputForAKeyPair) {
  EXPECT_FALSE(derive_key_pair(default_suite, Bytes(31, 1)));
  EXPECT_TRUE(derive_key_pair(default_suite, Bytes(32, 1)));
}

TEST(HpkeContext, StaysWhereItWasAfterAMessageThatDoesNotOpen) {
  SeededRandom random(7);
  const KeyPair recipient = generate_key_pair(default_suite, random);
  const KeyPair ephemeral = generate_key_pair(default_suite, random);
  SenderContext sender = *setup_sender(default_suite, recipient.public_key, {}, ephemeral);
  ReceiverContext receiver = *setup_receiver(default_suite, ephemeral.public_key, recipient, {});
  const Bytes first = *sender.seal({}, as_bytes("first"));
  Bytes damaged = first;
  damaged[0] ^= 1;
  EXPECT_FALSE(receiver.open({}, damaged));
  EXPECT_TRUE(receiver.open({}, first));
  EXPECT_FALSE(receiver.open({}, first)) << "a repeated message must not open again";
}

TEST(HpkeContext, OfAnExportOnlySuiteNeitherSealsNorOpens) {
  const Suite suite{Kem::x25519_hkdf_sha256, Kdf::hkdf_sha256, Aead::export_only};
  SeededRandom random(7);
  const KeyPair recipient = generate_key_pair(suite, random);
  const KeyPair ephemeral = generate_key_pair(suite, random);
  SenderContext sender = *setup_sender(suite, recipient.public_key, {}, ephemeral);
  ReceiverContext receiver = *setup_receiver(suite, ephemeral.public_key, recipient, {});
  EXPECT_FALSE(sender.seal({}, as_bytes("x")));
  EXPECT_FALSE(receiver.open({}, Bytes(17)));
  EXPECT_TRUE(equal(sender.export_secret({}, 32).reveal(), receiver.export_secret({}, 32).reveal()));
}

TEST(HpkeContext, RefusesShortOrNamelessPreSharedKeys) {
  SeededRandom random(7);
  const KeyPair recipient = generate_key_pair(default_suite, random);
  const KeyPair ephemeral = generate_key_pair(default_suite, random);
  const Key short_psk = Key::of_size(31);
  const Key psk = Key::of_size(32);
  const Bytes id = bytes_of("id");
  const PreShared too_short{short_psk, id};
  const PreShared nameless{psk, {}};
  EXPECT_FALSE(setup_sender(default_suite, recipient.public_key, {}, ephemeral, {.pre_shared = &too_short}));
  EXPECT_FALSE(setup_sender(default_suite, recipient.public_key, {}, ephemeral, {.pre_shared = &nameless}));
}

TEST(Hpke, LeavesNothingInTheArena) {
  const std::size_t before = arena_state().used_bytes;
  for (const Suite suite : suites) EXPECT_TRUE(open(suite, deliver(suite)));
  EXPECT_EQ(arena_state().used_bytes, before);
}

}  // namespace
}  // namespace shearline::mls::hpke
