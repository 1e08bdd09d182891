// Every decoder of MLS: the first octet chooses the structure. What is read is written as the very bytes it was read
// from, so that no two encodings mean the same; what is not read is refused with the rule it breaks. Saved states come
// with the right hash between their parts, so that the search gets past it, and a state that is restored can be used.
#include "mls/group.hpp"
#include "mls/hpke_kem.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/mls_structures.hpp"

#include <array>

namespace shearline::mls {
namespace {

using fuzz::expect;
using fuzz::Structure;

// The arena is empty again after each input: nothing that was refused half-way keeps a secret.
class ArenaWatch {
 public:
  ArenaWatch() : before_(arena_state().used_bytes) {}
  ArenaWatch(const ArenaWatch&) = delete;
  ArenaWatch& operator=(const ArenaWatch&) = delete;
  ~ArenaWatch() { expect(arena_state().used_bytes == before_, "every secret is gone"); }

 private:
  std::size_t before_;
};

void expect_rule(const Error& error) {
  expect(error.message.starts_with("RFC 9420 section "), "a refusal names its rule");
}

template <class Read>
void round_trip(ByteView bytes, Read read) {
  const auto value = decode_whole(bytes, read);
  if (!value) return expect_rule(value.error());
  expect(equal(encode([&](Writer& out) { write(out, *value); }), bytes), "what was read is what is written");
}

void message(ByteView bytes) {
  const auto decoded = decode_message(bytes);
  if (!decoded) return expect_rule(decoded.error());
  expect(equal(encode_message(*decoded), bytes), "a message is written as it was read");
}

void own_key_package(ByteView bytes) {
  const auto restored = restore_own_key_package(Key::copy_of(bytes));
  if (!restored) return;
  expect(equal(serialize_own_key_package(*restored).reveal(), bytes), "a key package is saved as it was");
}

// Two octets of length, the public part, and the secret one without its version and the hash of the public part.
void saved_group(ByteView bytes) {
  const auto parts = fuzz::saved_group_of(bytes);
  if (!parts) return;
  const auto restored = Group::restore(*parts, Standing::current);
  if (!restored) return expect_rule(restored.error());
  const SavedGroup again = restored->serialize();
  expect(again.public_state == parts->public_state, "the public part is saved as it was restored");
  expect(equal(again.secret_state.reveal(), parts->secret_state.reveal()), "and so is the secret part");
  // Whatever it holds, using it ends in a value.
  SeededRandom random(1);
  const IdentityCheck anybody;
  const Outside outside{.random = random, .now_s = 1'700'000'000, .identities = anybody};
  static_cast<void>(restored->protect(as_bytes("text"), {}, 0, outside));
  static_cast<void>(restored->propose_update(outside));
  static_cast<void>(restored->commit({}, outside));
  static_cast<void>(restored->accept_commit());
  static_cast<void>(restored->export_secret("label", {}, 32));
}

// What opens and verifies parses keys, points and signatures of others.
void cryptographic_objects(ByteView bytes) {
  if (bytes.size() < 2) return;
  const auto suite = static_cast<CipherSuite>(bytes[0] % 3 + 1);
  const std::size_t key_bytes = std::min<std::size_t>(bytes[1], bytes.size() - 2);
  const ByteView key = bytes.subspan(2, key_bytes);
  const ByteView rest = bytes.subspan(2 + key_bytes);
  SeededRandom random(1);
  const hpke::KeyPair own = hpke::generate_key_pair(hpke_of(suite), random);
  const HpkeCiphertext sealed{.kem_output = to_bytes(key), .ciphertext = to_bytes(rest)};
  expect(!decrypt_with_label(suite, own, "label", {}, sealed), "nobody sealed this for us");
  const bool is_key = hpke::is_public_key(hpke_of(suite).kem, key);
  const bool seals =
      encrypt_with_label(suite, key, "label", {}, rest.first(std::min<std::size_t>(rest.size(), 64)), random)
          .has_value();
  expect(is_key == seals, "a public key is what can be sealed to");
  static_cast<void>(verify_signature(signature_of(suite), key, as_bytes("message"), rest));
  static_cast<void>(SignaturePrivateKey::from(signature_of(suite), Key::copy_of(key)));
}

void decode(Structure structure, ByteView bytes) {
  switch (structure) {
    case Structure::message:
      return message(bytes);
    case Structure::key_package:
      return round_trip(bytes, read_key_package);
    case Structure::leaf_node:
      return round_trip(bytes, read_leaf_node);
    case Structure::ratchet_tree:
      return round_trip(bytes, read_ratchet_tree);
    case Structure::proposal:
      return round_trip(bytes, read_proposal);
    case Structure::commit:
      return round_trip(bytes, read_commit);
    case Structure::framed_content:
      return round_trip(bytes, read_framed_content);
    case Structure::authenticated_content:
      return round_trip(bytes, read_authenticated_content);
    case Structure::group_context:
      return round_trip(bytes, read_group_context);
    case Structure::group_info:
      return round_trip(bytes, read_group_info);
    case Structure::group_secrets:
      return round_trip(bytes, read_group_secrets);
    case Structure::required_capabilities: {
      const Extensions extensions = {{extension_type::required_capabilities, to_bytes(bytes)}};
      const auto required = required_capabilities(extensions);
      if (!required) return expect_rule(required.error());
      expect(equal(encode([&](Writer& out) { write(out, **required); }), bytes), "as it was read");
      return;
    }
    case Structure::own_key_package:
      return own_key_package(bytes);
    case Structure::saved_group:
      return saved_group(bytes);
    case Structure::cryptographic_objects:
      return cryptographic_objects(bytes);
    case Structure::count:
      return;
  }
}

}  // namespace
}  // namespace shearline::mls

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shearline;
  if (size == 0) return 0;
  const mls::ArenaWatch watch;
  mls::decode(static_cast<fuzz::Structure>(data[0] % static_cast<std::uint8_t>(fuzz::Structure::count)),
              {data + 1, size - 1});
  return 0;
}
