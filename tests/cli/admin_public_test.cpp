#include "cli/admin_public.hpp"

#include "base/encoding.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

class AdminPublicTest : public testing::Test {
 protected:
  AdminPublicTest() {
    keys_.admin_id = "alice";
    keys_.person = "alice@example.com";
    keys_.signing_seed = random_key(random_);
    keys_.opening_key = random_key(random_);
  }
  SeededRandom random_{5};
  keys::AdminKeys keys_;
};

TEST_F(AdminPublicTest, ReadsBackWhatItWrote) {
  const AdminPublic admin = public_half(keys_);
  const auto again = decode_admin_public(encode_admin_public(admin));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->admin_id, "alice");
  EXPECT_EQ(again->person, "alice@example.com");
  EXPECT_EQ(again->signing_key, ed25519_public(keys_.signing_seed));
  EXPECT_EQ(again->sealing_key, x25519_public(keys_.opening_key));
  EXPECT_EQ(again->sealing_key_proof, admin.sealing_key_proof);
}

TEST_F(AdminPublicTest, HoldsNoPrivateKey) {
  const std::string text = encode_admin_public(public_half(keys_)) + admin_toml(public_half(keys_));
  for (const Key* key : {&keys_.signing_seed, &keys_.opening_key}) {
    EXPECT_EQ(text.find(base64url(key->reveal())), std::string::npos);
    EXPECT_EQ(text.find(hex(key->reveal())), std::string::npos);
  }
}

TEST_F(AdminPublicTest, WithAnotherSealingKeyOrAnotherIdIsRefused) {
  AdminPublic swapped = public_half(keys_);
  swapped.sealing_key = x25519_public(random_key(random_));
  EXPECT_FALSE(decode_admin_public(encode_admin_public(swapped)));
  AdminPublic renamed = public_half(keys_);
  renamed.admin_id = "mallory";
  EXPECT_FALSE(decode_admin_public(encode_admin_public(renamed)));
}

TEST_F(AdminPublicTest, ThatIsSomethingElseIsRefused) {
  AdminPublic nobody = public_half(keys_);
  nobody.person.clear();
  EXPECT_FALSE(decode_admin_public(encode_admin_public(nobody)));
  for (const char* bad : {"", "{}", "[]", R"({"kind":"shearline-admin"})", "not json"}) {
    const auto read = decode_admin_public(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, Code::invalid);
  }
}

TEST_F(AdminPublicTest, PrintsTheBlockOfTheConfiguration) {
  keys_.person = "a \"quoted\" name";
  const AdminPublic admin = public_half(keys_);
  EXPECT_EQ(admin_toml(admin),
            "[[admin]]\nid = \"alice\"\nperson = \"a \\\"quoted\\\" name\"\nsigning_key = \"" +
                base64url(admin.signing_key) + "\"\nsealing_key = \"" + base64url(admin.sealing_key) +
                "\"\nsealing_key_proof = \"" + base64url(admin.sealing_key_proof) + "\"");
}

TEST_F(AdminPublicTest, HasAFingerprintOfBothKeys) {
  AdminPublic admin = public_half(keys_);
  const std::string before = fingerprint(admin);
  EXPECT_EQ(before.size(), 8U * 4 + 7);
  admin.sealing_key[0] ^= 1;
  EXPECT_NE(fingerprint(admin), before);
}

}  // namespace
}  // namespace shearline::cli
