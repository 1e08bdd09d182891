// The keyring file (design: security.md "Keyring"): peppers, state key and the deployment's identity, each a
// 32-byte key wrapped with AES-256-GCM under a KEK. Made by `shearline pepper init`, unwrapped once at start
// into locked memory. Beside it the files of the same family: the public identity that admins pin, and an
// admin's own keys. Knows keys and files, nothing of what the keys are used for.
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace shearline::keys {

inline constexpr std::size_t peppers_in_use_max = 2;
inline constexpr std::size_t key_file_bytes_max = 64 * 1024;  // a keyring, identity or admin file
inline constexpr std::size_t passphrase_bytes_max = 1024;

struct Pepper {
  std::string id;  // "p1": what a version's mac_key_ref says
  Key key;
};

struct Keyring {
  std::string deployment;
  std::vector<Pepper> peppers;  // at most two in use; the current one is `current_pepper`
  std::string current_pepper;
  Key state_key;
  Key signing_seed;  // Ed25519
  Key opening_key;   // X25519, for what is sealed to the engine
  const Pepper* find(std::string_view id) const;
  const Pepper& current() const { return *find(current_pepper); }  // a decoded keyring always has it
};

// What admins pin: printed by `pepper init`, written beside the keyring as <name>.public.
struct EngineIdentity {
  std::string deployment;
  PublicKey signing_key{};
  PublicKey sealing_key{};
  bool operator==(const EngineIdentity&) const = default;
};
std::string encode_identity(const EngineIdentity& identity);  // JSON, one object
Result<EngineIdentity> decode_identity(std::string_view json);
EngineIdentity identity_of(const Keyring& keyring);

// Where the KEK comes from: "passphrase-file:/path", "passphrase-env:NAME", "key-file:/path" (32 bytes, hex
// or raw), "key-env:NAME" (hex), "systemd:NAME" (a credential in $CREDENTIALS_DIRECTORY: 64 hex digits are a
// key, anything else a passphrase). A passphrase goes through scrypt; one newline at its end is not part of it.
// Files must be private (check_private); pipes and credentials are guarded by who made them.
struct KekSource {
  enum class Kind { passphrase, key } kind = Kind::passphrase;
  Plaintext material;
};
Result<KekSource> read_kek_source(std::string_view spec);
// What can be said of a source without reading it: its form, and that a file it names is there and private.
Status check_kek_source(std::string_view spec);
KekSource passphrase_source(Plaintext passphrase);

// Encoding and decoding with a passphrase run scrypt: about 50 ms, never on a fiber.
Keyring make_keyring(std::string_view deployment, Random& random);
std::string encode_keyring(const Keyring& keyring, const KekSource& kek, Random& random);  // JSON
// unauthorized: the passphrase or key is wrong; invalid: damaged or changed, says where.
Result<Keyring> decode_keyring(std::string_view json, const KekSource& kek);

// Whole files: written with mode 0600 through a temporary name and fsync, never over an existing file unless
// asked (conflict).
Status write_private_file(const std::string& path, ByteView content, bool replace);
// not_found, unavailable with the system's words, or invalid when it is longer than bytes_max. For public and
// wrapped bytes only.
Result<Bytes> read_file(const std::string& path, std::size_t bytes_max);
// Refuses a file that others may read, naming the mode to set.
Status check_private(const std::string& path);

// An admin's own keys in a file under a passphrase, with the pinned engine: made by `shearline admin init`.
struct AdminKeys {
  std::string admin_id;
  std::string person;
  Key signing_seed;  // Ed25519
  Key opening_key;   // X25519
  EngineIdentity engine;
};
std::string encode_admin_keys(const AdminKeys& keys, const KekSource& kek, Random& random);
Result<AdminKeys> decode_admin_keys(std::string_view json, const KekSource& kek);
// Signature of the signing key over "shearline v1 sealing key" || 0x00 || admin_id || 0x00 || sealing key.
Signature prove_sealing_key(const Key& signing_seed, std::string_view admin_id, const PublicKey& sealing_key);
bool sealing_key_proven(const PublicKey& signing_key, std::string_view admin_id, const PublicKey& sealing_key,
                        const Signature& proof);

}  // namespace shearline::keys
