// Keyrings, the public identity beside them, and admins' key files: three small documents over key_file.
#include "io/keys/keyring.hpp"

#include "base/encoding.hpp"
#include "base/strict_json.hpp"
#include "io/keys/key_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::keys {
namespace {

using nlohmann::json;

constexpr KeyFileType keyring_type{.type = "shearline-keyring", .what = "keyring"};
constexpr KeyFileType admin_type{.type = "shearline-admin-keys", .what = "admin key file"};
constexpr std::string_view identity_type = "shearline-identity";
constexpr int identity_version = 1;
constexpr std::string_view pepper_prefix = "pepper:";

// Reads one value after the other and keeps the first error, so that a decoder stays a list of fields.
class Taker {
 public:
  Taker(const KeyFileType& type, KeyFile& file) : type_(type), file_(file) {}

  Key key(std::string_view purpose) { return keep(take_key(type_, file_, purpose)); }
  std::string fact_or_empty(const std::string& name) { return keep(take_fact(type_, file_, name)); }
  std::string fact(const std::string& name) {
    std::string text = fact_or_empty(name);
    if (text.empty()) note({Code::invalid, std::string(type_.what) + ": `facts." + name + "` is empty"});
    return text;
  }
  PublicKey public_key(const std::string& name) {
    PublicKey out{};
    const std::string text = fact(name);
    const std::optional<Bytes> bytes = from_base64url(text);
    if (bytes && bytes->size() == out.size()) {
      std::ranges::copy(*bytes, out.begin());
    } else {
      note({Code::invalid, std::string(type_.what) + ": `facts." + name + "` is not a public key"});
    }
    return out;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  void note(Error error) {
    if (!error_) error_ = std::move(error);
  }
  template <class T>
  T keep(Result<T> result) {
    if (result) return std::move(*result);
    note(result.error());
    return T();
  }

  const KeyFileType& type_;
  KeyFile& file_;
  std::optional<Error> error_;
};

Bytes sealing_key_statement(std::string_view admin_id, const PublicKey& sealing_key) {
  std::string text = "shearline v1 sealing key";
  text.push_back('\0');
  text += admin_id;
  text.push_back('\0');
  text += as_text(sealing_key);
  return to_bytes(as_bytes(text));
}

Result<PublicKey> identity_key(const json& document, const char* name) {
  const auto found = document.find(name);
  const std::optional<Bytes> bytes = found != document.end() && found->is_string()
                                         ? from_base64url(found->get_ref<const std::string&>())
                                         : std::nullopt;
  PublicKey out{};
  if (!bytes || bytes->size() != out.size()) {
    return fail(Code::invalid, std::string("identity: `") + name + "` is not a public key");
  }
  std::ranges::copy(*bytes, out.begin());
  return out;
}

}  // namespace

const Pepper* Keyring::find(std::string_view id) const {
  const auto found = std::ranges::find(peppers, id, &Pepper::id);
  return found == peppers.end() ? nullptr : &*found;
}

// ---- identity ----

std::string encode_identity(const EngineIdentity& identity) {
  const json document = {{"type", identity_type},
                         {"version", identity_version},
                         {"deployment", identity.deployment},
                         {"signing_key", base64url(identity.signing_key)},
                         {"sealing_key", base64url(identity.sealing_key)}};
  return document.dump(2) + "\n";
}

Result<EngineIdentity> decode_identity(std::string_view text) {
  const Result<json> document = parse_json_object(text, "identity", {.bytes_max = key_file_bytes_max});
  if (!document) return std::unexpected(document.error());
  if (document->value("type", json()) != std::string(identity_type)) {
    return fail(Code::invalid,
                "identity: `type` is not \"shearline-identity\": this is another kind of file");
  }
  if (document->value("version", json()) != identity_version) {
    return fail(Code::invalid, "identity: its `version` is not known here");
  }
  const json deployment = document->value("deployment", json());
  if (!deployment.is_string() || deployment.get_ref<const std::string&>().empty()) {
    return fail(Code::invalid, "identity: `deployment` is missing");
  }
  const Result<PublicKey> signing_key = identity_key(*document, "signing_key");
  if (!signing_key) return std::unexpected(signing_key.error());
  const Result<PublicKey> sealing_key = identity_key(*document, "sealing_key");
  if (!sealing_key) return std::unexpected(sealing_key.error());
  return EngineIdentity{
      .deployment = deployment.get<std::string>(), .signing_key = *signing_key, .sealing_key = *sealing_key};
}

EngineIdentity identity_of(const Keyring& keyring) {
  return {.deployment = keyring.deployment,
          .signing_key = ed25519_public(keyring.signing_seed),
          .sealing_key = x25519_public(keyring.opening_key)};
}

// ---- keyring ----

Keyring make_keyring(std::string_view deployment, Random& random) {
  Keyring out;
  out.deployment = deployment;
  out.peppers.push_back({.id = "p1", .key = random_key(random)});
  out.current_pepper = "p1";
  out.state_key = random_key(random);
  out.signing_seed = random_key(random);
  out.opening_key = random_key(random);
  return out;
}

std::string encode_keyring(const Keyring& keyring, const KekSource& kek, Random& random) {
  KeyFile file;
  file.facts = {{"deployment", keyring.deployment}, {"current_pepper", keyring.current_pepper}};
  for (const Pepper& pepper : keyring.peppers) {
    file.keys.push_back({std::string(pepper_prefix) + pepper.id, pepper.key.clone()});
  }
  file.keys.push_back({"state", keyring.state_key.clone()});
  file.keys.push_back({"signing", keyring.signing_seed.clone()});
  file.keys.push_back({"opening", keyring.opening_key.clone()});
  return encode_key_file(keyring_type, file, kek, random);
}

Result<Keyring> decode_keyring(std::string_view text, const KekSource& kek) {
  Result<KeyFile> file = decode_key_file(keyring_type, text, kek);
  if (!file) return std::unexpected(file.error());
  Taker taker(keyring_type, *file);
  Keyring out;
  out.deployment = taker.fact("deployment");
  out.current_pepper = taker.fact("current_pepper");
  out.state_key = taker.key("state");
  out.signing_seed = taker.key("signing");
  out.opening_key = taker.key("opening");
  if (taker.error()) return std::unexpected(*taker.error());
  for (PurposedKey& left : file->keys) {
    if (!left.purpose.starts_with(pepper_prefix)) {
      return fail(Code::invalid, "keyring: the purpose `" + left.purpose + "` is not known here");
    }
    out.peppers.push_back({.id = left.purpose.substr(pepper_prefix.size()), .key = std::move(left.key)});
  }
  if (out.peppers.size() > peppers_in_use_max) {
    return fail(Code::invalid, "keyring: more than two peppers are in use");
  }
  if (out.find(out.current_pepper) == nullptr) {
    return fail(Code::invalid,
                "keyring: the current pepper `" + out.current_pepper + "` is not among its keys");
  }
  return out;
}

// ---- admins ----

std::string encode_admin_keys(const AdminKeys& keys, const KekSource& kek, Random& random) {
  KeyFile file;
  file.facts = {{"admin_id", keys.admin_id},
                {"person", keys.person},
                {"deployment", keys.engine.deployment},
                {"engine_signing_key", base64url(keys.engine.signing_key)},
                {"engine_sealing_key", base64url(keys.engine.sealing_key)}};
  file.keys.push_back({"signing", keys.signing_seed.clone()});
  file.keys.push_back({"opening", keys.opening_key.clone()});
  return encode_key_file(admin_type, file, kek, random);
}

Result<AdminKeys> decode_admin_keys(std::string_view text, const KekSource& kek) {
  Result<KeyFile> file = decode_key_file(admin_type, text, kek);
  if (!file) return std::unexpected(file.error());
  Taker taker(admin_type, *file);
  AdminKeys out;
  out.admin_id = taker.fact("admin_id");
  out.person = taker.fact_or_empty("person");
  out.engine.deployment = taker.fact("deployment");
  out.engine.signing_key = taker.public_key("engine_signing_key");
  out.engine.sealing_key = taker.public_key("engine_sealing_key");
  out.signing_seed = taker.key("signing");
  out.opening_key = taker.key("opening");
  if (taker.error()) return std::unexpected(*taker.error());
  return out;
}

Signature prove_sealing_key(const Key& signing_seed, std::string_view admin_id,
                            const PublicKey& sealing_key) {
  return ed25519_sign(signing_seed, sealing_key_statement(admin_id, sealing_key));
}

bool sealing_key_proven(const PublicKey& signing_key, std::string_view admin_id, const PublicKey& sealing_key,
                        const Signature& proof) {
  return ed25519_verify(signing_key, sealing_key_statement(admin_id, sealing_key), proof);
}

}  // namespace shearline::keys
