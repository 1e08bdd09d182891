// Keyrings and admins' key files: what was wrapped comes back, a wrong passphrase is told from damage, and no
// wrapped key can take another's place.
#include "io/keys/keyring.hpp"

#include "base/encoding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace shearline::keys {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

KekSource key_source(Byte fill = 9) {
  KekSource source{.kind = KekSource::Kind::key, .material = Plaintext::of_size(32)};
  for (Byte& byte : source.material.writable()) byte = fill;
  return source;
}
KekSource passphrase(std::string_view text) { return passphrase_source(Plaintext::copy_of(as_bytes(text))); }

Keyring sample_keyring() {
  SeededRandom random(1);
  Keyring keyring = make_keyring("acme-staging", random);
  keyring.peppers.push_back({.id = "p2", .key = random_key(random)});
  keyring.current_pepper = "p2";
  return keyring;
}
std::string encoded_sample(const KekSource& kek = key_source()) {
  SeededRandom random(2);
  return encode_keyring(sample_keyring(), kek, random);
}

bool same(const Key& a, const Key& b) { return equal_in_constant_time(a.reveal(), b.reveal()); }

void expect_sample(const Keyring& read) {
  const Keyring sent = sample_keyring();
  EXPECT_EQ(read.deployment, sent.deployment);
  EXPECT_EQ(read.current_pepper, "p2");
  ASSERT_EQ(read.peppers.size(), 2U);
  EXPECT_TRUE(same(read.find("p1")->key, sent.find("p1")->key));
  EXPECT_TRUE(same(read.current().key, sent.current().key));
  EXPECT_TRUE(same(read.state_key, sent.state_key));
  EXPECT_TRUE(same(read.signing_seed, sent.signing_seed));
  EXPECT_TRUE(same(read.opening_key, sent.opening_key));
}

TEST(Keyring, ComesBackUnderAKey) {
  const Result<Keyring> read = decode_keyring(encoded_sample(), key_source());
  ASSERT_TRUE(read) << read.error().message;
  expect_sample(*read);
}

TEST(Keyring, ComesBackUnderAPassphrase) {
  const Result<Keyring> read =
      decode_keyring(encoded_sample(passphrase("open sesame")), passphrase("open sesame"));
  ASSERT_TRUE(read) << read.error().message;
  expect_sample(*read);
}

TEST(Keyring, WithAWrongPassphraseIsUnauthorizedAndSaysSo) {
  const Result<Keyring> read =
      decode_keyring(encoded_sample(passphrase("open sesame")), passphrase("open sesamf"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::unauthorized);
  EXPECT_EQ(read.error().message, "keyring: the passphrase is wrong");
}

TEST(Keyring, WithAWrongKeyIsUnauthorized) {
  EXPECT_EQ(decode_keyring(encoded_sample(), key_source(10)).error().code, Code::unauthorized);
}

TEST(Keyring, SaysWhenAKeyIsGivenInsteadOfAPassphrase) {
  const Result<Keyring> one = decode_keyring(encoded_sample(passphrase("open sesame")), key_source());
  EXPECT_THAT(one.error().message, HasSubstr("opens with a passphrase, but a key was given"));
  const Result<Keyring> other = decode_keyring(encoded_sample(), passphrase("open sesame"));
  EXPECT_THAT(other.error().message, HasSubstr("opens with a key, but a passphrase was given"));
}

TEST(Keyring, HoldsNoKeyInTheClear) {
  const std::string text = encoded_sample();
  const Keyring keyring = sample_keyring();
  for (const Key* key :
       {&keyring.state_key, &keyring.signing_seed, &keyring.opening_key, &keyring.current().key}) {
    EXPECT_THAT(text, Not(HasSubstr(base64url(key->reveal()))));
    EXPECT_THAT(text, Not(HasSubstr(hex(key->reveal()))));
  }
}

TEST(Keyring, NamesTheKeyThatIsDamaged) {
  json document = json::parse(encoded_sample());
  std::string wrapped = document["keys"][2]["wrapped"];
  wrapped[5] = wrapped[5] == 'A' ? 'B' : 'A';
  document["keys"][2]["wrapped"] = wrapped;
  const Result<Keyring> read = decode_keyring(document.dump(), key_source());
  EXPECT_EQ(read.error().code, Code::invalid);
  EXPECT_EQ(read.error().message, "keyring: `state` is damaged or was replaced");
}

TEST(Keyring, NamesTheFieldThatIsMalformed) {
  json document = json::parse(encoded_sample());
  document["keys"][1]["nonce"] = "not base64url!";
  EXPECT_EQ(decode_keyring(document.dump(), key_source()).error().message,
            "keyring: `keys[1].nonce` is not base64url");
}

TEST(Keyring, RefusesKeysThatChangedPlaces) {
  json document = json::parse(encoded_sample());
  std::swap(document["keys"][0]["wrapped"], document["keys"][1]["wrapped"]);
  std::swap(document["keys"][0]["nonce"], document["keys"][1]["nonce"]);
  const Result<Keyring> read = decode_keyring(document.dump(), key_source());
  EXPECT_EQ(read.error().message, "keyring: `pepper:p1`, `pepper:p2` is damaged or was replaced");
}

// Whoever can write the file can mend its checksum, which has no key; the seal they cannot.
std::string with_checksum(json document) {
  document.erase("checksum");
  document["checksum"] = base64url(ByteView(sha256(as_bytes(document.dump()))).first(12));
  return document.dump();
}

TEST(Keyring, RefusesAnotherCurrentPepperThanTheSealedOne) {
  json document = json::parse(encoded_sample());
  document["facts"]["current_pepper"] = "p1";
  EXPECT_THAT(decode_keyring(document.dump(), key_source()).error().message,
              HasSubstr("checksum does not fit"));
  const Result<Keyring> read = decode_keyring(with_checksum(document), key_source());
  EXPECT_EQ(read.error().code, Code::invalid);
  EXPECT_THAT(read.error().message, HasSubstr("its seal does not fit"));
}

TEST(Keyring, RefusesAKeyThatWasTakenOut) {
  json document = json::parse(encoded_sample());
  document["keys"].erase(0);
  EXPECT_THAT(decode_keyring(with_checksum(document), key_source()).error().message,
              HasSubstr("its seal does not fit"));
}

TEST(Keyring, TellsADamagedSaltFromAWrongPassphrase) {
  json document = json::parse(encoded_sample(passphrase("open sesame")));
  document["kek"]["scrypt"]["salt"] = base64url(Bytes(16, 1));
  const Result<Keyring> read = decode_keyring(document.dump(), passphrase("open sesame"));
  EXPECT_EQ(read.error().code, Code::invalid);
  EXPECT_THAT(read.error().message, HasSubstr("is damaged"));
}

TEST(Keyring, RefusesScryptCostsBeyondItsMemory) {
  json document = json::parse(encoded_sample(passphrase("open sesame")));
  for (const char* const cost : {R"({"n":1099511627776,"r":8,"p":1})", R"({"n":32768,"r":4294967297,"p":1})",
                                 R"({"n":32768,"r":8,"p":4000000000})", R"({"n":32767,"r":8,"p":1})",
                                 R"({"n":0,"r":8,"p":1})", R"({"n":-2,"r":8,"p":1})"}) {
    document["kek"]["scrypt"].update(json::parse(cost));
    const Result<Keyring> read = decode_keyring(document.dump(), passphrase("open sesame"));
    EXPECT_THAT(read.error().message, HasSubstr("cost that is out of range")) << cost;
  }
}

TEST(Keyring, OfAnUnknownVersionIsRefusedByName) {
  json document = json::parse(encoded_sample());
  document["version"] = 2;
  EXPECT_EQ(decode_keyring(document.dump(), key_source()).error().message,
            "keyring: `version` 2 is not known here");
}

TEST(Keyring, RefusesAnotherKindOfFile) {
  SeededRandom random(3);
  const AdminKeys admin{.admin_id = "alice",
                        .person = "alice@example",
                        .signing_seed = random_key(random),
                        .opening_key = random_key(random),
                        .engine = identity_of(sample_keyring())};
  const std::string text = encode_admin_keys(admin, key_source(), random);
  EXPECT_THAT(decode_keyring(text, key_source()).error().message, HasSubstr("another kind of file"));
}

TEST(Keyring, RefusesNamesThatStandTwice) {
  std::string text = encoded_sample();
  text.insert(1, R"("type":"shearline-keyring",)");
  EXPECT_THAT(decode_keyring(text, key_source()).error().message, HasSubstr("twice"));
}

TEST(Keyring, CutAnywhereIsRefused) {
  const std::string text = encoded_sample();
  for (std::size_t size = 0; size + 2 < text.size(); ++size) {  // the last newline is no part of the JSON
    EXPECT_FALSE(decode_keyring(std::string(text.substr(0, size)), key_source())) << size;
  }
}

TEST(Keyring, WithAnyByteChangedIsRefusedOrTheSame) {
  const std::string text = encoded_sample();
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char bits : {'\x01', '\x20'}) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ bits);
      const Result<Keyring> read = decode_keyring(changed, key_source());
      if (!read) continue;
      SCOPED_TRACE(at);  // white space between tokens
      EXPECT_EQ(json::parse(changed), json::parse(text));
      expect_sample(*read);
    }
  }
}

TEST(Keyring, RefusesThreePeppers) {
  Keyring keyring = sample_keyring();
  SeededRandom random(4);
  keyring.peppers.push_back({.id = "p3", .key = random_key(random)});
  const std::string text = encode_keyring(keyring, key_source(), random);
  EXPECT_THAT(decode_keyring(text, key_source()).error().message, HasSubstr("more than two peppers"));
}

TEST(Keyring, RefusesACurrentPepperItDoesNotHave) {
  Keyring keyring = sample_keyring();
  keyring.current_pepper = "p9";
  SeededRandom random(4);
  const std::string text = encode_keyring(keyring, key_source(), random);
  EXPECT_THAT(decode_keyring(text, key_source()).error().message, HasSubstr("`p9`"));
}

TEST(Keyring, LeavesNothingInTheArena) {
  const std::size_t before = arena_state().used_bytes;
  {
    EXPECT_TRUE(decode_keyring(encoded_sample(), key_source()));
    EXPECT_FALSE(decode_keyring(encoded_sample(), key_source(10)));
  }
  EXPECT_EQ(arena_state().used_bytes, before);
}

TEST(Identity, ComesBackAsItWasWritten) {
  const EngineIdentity sent = identity_of(sample_keyring());
  const Result<EngineIdentity> read = decode_identity(encode_identity(sent));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, sent);
}

TEST(Identity, IsThePublicHalfOfTheKeyring) {
  const Keyring keyring = sample_keyring();
  const EngineIdentity identity = identity_of(keyring);
  const Signature signature = ed25519_sign(keyring.signing_seed, as_bytes("x"));
  EXPECT_TRUE(ed25519_verify(identity.signing_key, as_bytes("x"), signature));
  EXPECT_EQ(identity.sealing_key, x25519_public(keyring.opening_key));
}

TEST(Identity, NamesWhatIsWrong) {
  const json whole = json::parse(encode_identity(identity_of(sample_keyring())));
  for (const char* const field : {"type", "version", "deployment", "signing_key", "sealing_key"}) {
    json without = whole;
    without.erase(field);
    EXPECT_THAT(decode_identity(without.dump()).error().message, HasSubstr(field));
    json wrong = whole;
    wrong[field] = json::array();
    EXPECT_THAT(decode_identity(wrong.dump()).error().message, HasSubstr(field));
  }
  EXPECT_EQ(decode_identity("not json").error().code, Code::invalid);
}

TEST(AdminKeys, ComeBackAsTheyWereWritten) {
  SeededRandom random(5);
  const AdminKeys sent{.admin_id = "alice",
                       .person = "alice@example",
                       .signing_seed = random_key(random),
                       .opening_key = random_key(random),
                       .engine = identity_of(sample_keyring())};
  const std::string text = encode_admin_keys(sent, passphrase("mine"), random);
  const Result<AdminKeys> read = decode_admin_keys(text, passphrase("mine"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->admin_id, "alice");
  EXPECT_EQ(read->person, "alice@example");
  EXPECT_TRUE(same(read->signing_seed, sent.signing_seed));
  EXPECT_TRUE(same(read->opening_key, sent.opening_key));
  EXPECT_EQ(read->engine, sent.engine);
  EXPECT_EQ(decode_admin_keys(text, passphrase("yours")).error().message,
            "admin key file: the passphrase is wrong");
}

TEST(AdminKeys, RefuseAnotherPinnedEngineThanTheSealedOne) {
  SeededRandom random(5);
  const AdminKeys sent{.admin_id = "alice",
                       .person = "alice@example",
                       .signing_seed = random_key(random),
                       .opening_key = random_key(random),
                       .engine = identity_of(sample_keyring())};
  json document = json::parse(encode_admin_keys(sent, key_source(), random));
  document["facts"]["engine_signing_key"] = base64url(Bytes(32, 1));
  EXPECT_THAT(decode_admin_keys(with_checksum(document), key_source()).error().message,
              HasSubstr("its seal does not fit"));
}

TEST(SealingKey, CountsOnlyWithTheProofOfItsAdmin) {
  SeededRandom random(6);
  const Key seed = random_key(random);
  const PublicKey sealing_key = x25519_public(random_key(random));
  const Signature proof = prove_sealing_key(seed, "alice", sealing_key);
  const PublicKey signing_key = ed25519_public(seed);
  EXPECT_TRUE(sealing_key_proven(signing_key, "alice", sealing_key, proof));
  EXPECT_FALSE(sealing_key_proven(signing_key, "bob", sealing_key, proof));
  PublicKey other = sealing_key;
  other[0] ^= 1;
  EXPECT_FALSE(sealing_key_proven(signing_key, "alice", other, proof));
  EXPECT_FALSE(sealing_key_proven(ed25519_public(random_key(random)), "alice", sealing_key, proof));
}

}  // namespace
}  // namespace shearline::keys
