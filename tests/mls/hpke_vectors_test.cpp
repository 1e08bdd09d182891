// Every case of the published HPKE vectors for the suites we have, all four modes: key pairs, key schedule,
// both directions, sequences and exports. Suites we do not have are counted and printed, never passed over
// silently.
#include "mls/hpke_context.hpp"
#include "mls/hpke_kem.hpp"
#include "tests/vectors.hpp"

#include <cstdio>

namespace shearline::mls::hpke {
namespace {

using nlohmann::json;
using testing::hex_field;

std::optional<Suite> suite_of(const json& test) {
  const int kem = test.at("kem_id").get<int>();
  const int kdf = test.at("kdf_id").get<int>();
  const int aead = test.at("aead_id").get<int>();
  if ((kem != 0x0010 && kem != 0x0020) || kdf != 0x0001) return std::nullopt;
  return Suite{static_cast<Kem>(kem), static_cast<Kdf>(kdf), static_cast<Aead>(aead)};
}

Key key_field(const json& test, const char* name) { return Key::copy_of(hex_field(test, name)); }

// The two files name the same things differently.
Bytes either_field(const json& test, const char* one, const char* other) {
  return hex_field(test, test.contains(one) ? one : other);
}

void expect_same(const Key& key, const Bytes& expected, const char* what) {
  EXPECT_TRUE(equal(key.reveal(), expected)) << what;
}

KeyPair expect_key_pair(Suite suite, const json& test, const char* ikm, const char* private_name,
                        const char* public_name) {
  Result<KeyPair> pair = derive_key_pair(suite, hex_field(test, ikm));
  if (!pair) {
    ADD_FAILURE() << ikm << ": " << pair.error().message;
    return {};
  }
  expect_same(pair->private_key, hex_field(test, private_name), private_name);
  EXPECT_EQ(pair->public_key, hex_field(test, public_name)) << public_name;
  return std::move(*pair);
}

struct Case {
  Suite suite;
  Mode mode = Mode::base;
  KeyPair ephemeral;
  KeyPair recipient;
  KeyPair sender;  // auth modes
  Key psk;         // psk modes
  Bytes psk_id;
  Bytes info;
  Bytes encapsulated;

  bool has_psk() const { return mode == Mode::psk || mode == Mode::auth_psk; }
  bool authenticated() const { return mode == Mode::auth || mode == Mode::auth_psk; }
};

Case read_case(Suite suite, const json& test) {
  Case out;
  out.suite = suite;
  out.mode = static_cast<Mode>(test.at("mode").get<int>());
  out.ephemeral = expect_key_pair(suite, test, "ikmE", "skEm", "pkEm");
  out.recipient = expect_key_pair(suite, test, "ikmR", "skRm", "pkRm");
  if (out.authenticated()) out.sender = expect_key_pair(suite, test, "ikmS", "skSm", "pkSm");
  if (out.has_psk()) {
    out.psk = key_field(test, "psk");
    out.psk_id = hex_field(test, "psk_id");
  }
  out.info = hex_field(test, "info");
  out.encapsulated = hex_field(test, "enc");
  return out;
}

void check_key_schedule(const Case& c, const json& test, const PreShared* pre_shared) {
  const Result<Key> shared =
      encapsulate(c.suite.kem, c.ephemeral, c.recipient.public_key, c.authenticated() ? &c.sender : nullptr);
  ASSERT_TRUE(shared) << shared.error().message;
  expect_same(*shared, hex_field(test, "shared_secret"), "shared_secret");
  const Result<KeySchedule> schedule = key_schedule(c.suite, c.mode, *shared, c.info, pre_shared);
  ASSERT_TRUE(schedule) << schedule.error().message;
  expect_same(schedule->exporter_secret, hex_field(test, "exporter_secret"), "exporter_secret");
  if (c.suite.aead == Aead::export_only) return;
  expect_same(schedule->key, hex_field(test, "key"), "key");
  expect_same(schedule->base_nonce, hex_field(test, "base_nonce"), "base_nonce");
}

// The vectors pick some of the first 257 sequence numbers; those between are used up with a short message.
std::size_t check_messages(SenderContext& sender, ReceiverContext& receiver, const json& test) {
  std::uint64_t sequence = 0;
  std::size_t checked = 0;
  for (const json& message : test.value("encryptions", json::array())) {  // none: export-only
    const std::uint64_t wanted = message.at("seq").get<std::uint64_t>();
    for (; sequence < wanted; ++sequence) {
      const Result<Bytes> skipped = sender.seal({}, as_bytes("x"));
      EXPECT_TRUE(skipped && receiver.open({}, *skipped));
    }
    const Bytes aad = hex_field(message, "aad");
    const Bytes plaintext = either_field(message, "pt", "plaintext");
    const Bytes expected = either_field(message, "ct", "ciphertext");
    const Result<Bytes> sealed = sender.seal(aad, plaintext);
    EXPECT_TRUE(sealed && *sealed == expected) << "sequence " << sequence;
    const Result<Plaintext> opened = receiver.open(aad, expected);
    EXPECT_TRUE(opened && equal(opened->reveal(), plaintext)) << "sequence " << sequence;
    ++sequence;
    ++checked;
  }
  return checked;
}

void check_exports(const Context& sender, const Context& receiver, const json& test) {
  for (const json& exported : test.at("exports")) {
    const Bytes context = hex_field(exported, "exporter_context");
    const auto length = exported.at("L").get<std::size_t>();
    const Bytes expected = hex_field(exported, "exported_value");
    expect_same(sender.export_secret(context, length), expected, "sender's export");
    expect_same(receiver.export_secret(context, length), expected, "receiver's export");
  }
}

std::size_t check_case(Suite suite, const json& test) {
  const Case c = read_case(suite, test);
  const PreShared given{c.psk, c.psk_id};
  const PreShared* const pre_shared = c.has_psk() ? &given : nullptr;
  check_key_schedule(c, test, pre_shared);
  Result<SenderContext> sender =
      setup_sender(suite, c.recipient.public_key, c.info, c.ephemeral,
                   {.pre_shared = pre_shared, .sender = c.authenticated() ? &c.sender : nullptr});
  Result<ReceiverContext> receiver =
      setup_receiver(suite, c.encapsulated, c.recipient, c.info,
                     {.pre_shared = pre_shared,
                      .sender_public = c.authenticated() ? ByteView(c.sender.public_key) : ByteView{}});
  if (!sender || !receiver) {
    ADD_FAILURE() << "setup failed";
    return 0;
  }
  EXPECT_EQ(c.ephemeral.public_key, c.encapsulated);
  const std::size_t messages = check_messages(*sender, *receiver, test);
  check_exports(*sender, *receiver, test);
  return messages;
}

void check_file(const std::string& name, const json& tests, std::size_t expected_cases) {
  std::size_t checked = 0;
  std::size_t messages = 0;
  std::size_t other_suites = 0;
  for (const json& test : tests) {
    const std::optional<Suite> suite = suite_of(test);
    if (!suite) {
      ++other_suites;
      continue;
    }
    SCOPED_TRACE(::testing::Message() << name << " mode " << test.at("mode") << " kem " << test.at("kem_id")
                                      << " aead " << test.at("aead_id"));
    messages += check_case(*suite, test);
    ++checked;
  }
  std::printf("%s: %zu cases checked with %zu messages; %zu out of scope (P-521, X448 or HKDF-SHA512)\n",
              name.c_str(), checked, messages, other_suites);
  EXPECT_EQ(checked, expected_cases);
  EXPECT_EQ(checked + other_suites, tests.size());
}

TEST(HpkeVectors, AppendixAOfRfc9180) {
  SHEARLINE_VECTORS_OR_SKIP(tests, "crypto/hpke_rfc9180_appendixA.json");
  check_file("hpke_rfc9180_appendixA.json", tests, 20);
}

TEST(HpkeVectors, OfTheReferenceRepository) {
  SHEARLINE_VECTORS_OR_SKIP(tests, "crypto/hpke_779d028_trimmed.json");
  check_file("hpke_779d028_trimmed.json", tests, 32);
}

}  // namespace
}  // namespace shearline::mls::hpke
