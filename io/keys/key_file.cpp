// Wrapping and unwrapping, and telling a wrong passphrase from a damaged file.
#include "io/keys/key_file.hpp"

#include "base/encoding.hpp"
#include "base/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::keys {
namespace {

using nlohmann::json;

constexpr int file_version = 1;
constexpr std::size_t key_bytes = 32;
constexpr std::size_t salt_bytes = 16;
// What a file may ask of us before we know whether it is genuine.
constexpr std::uint64_t scrypt_memory_max = 256ULL << 20;
constexpr std::uint32_t scrypt_parallel_max = 16;

Bytes associated_data(std::string_view type, std::string_view purpose) {
  std::string text = "shearline v1 wrap";
  for (const std::string_view part : {type, purpose}) {
    text.push_back('\0');
    text += part;
  }
  return to_bytes(as_bytes(text));
}

// Two keys from one KEK, so that no key serves two algorithms.
struct KekKeys {
  Key wrap;
  Key mac;
};
KekKeys keys_from(const Key& kek) {
  return {.wrap = derive_key(kek, "shearline v1 key wrap"), .mac = derive_key(kek, "shearline v1 key file")};
}

// A name given on the command line may be no UTF-8; the file then holds replacement characters.
std::string text_of(const json& document, int indent) {
  return document.dump(indent, ' ', false, json::error_handler_t::replace);
}

std::string canonical_without(json document, std::initializer_list<const char*> names) {
  for (const char* const name : names) document.erase(name);
  return text_of(document, -1);
}

std::string mac_of(const json& document, const Key& mac_key) {
  const std::string text = canonical_without(document, {"mac", "checksum"});
  return base64url(hmac_sha256(mac_key.reveal(), {as_bytes(text)}));
}

std::string checksum_of(const json& document) {
  const std::string text = canonical_without(document, {"checksum"});
  return base64url(ByteView(sha256(as_bytes(text))).first(12));
}

json wrap(const KeyFileType& type, const PurposedKey& key, const Key& wrap_key, Random& random) {
  std::array<Byte, gcm_nonce_bytes> nonce;
  random.fill(nonce);
  const Bytes wrapped =
      aes256gcm_seal(wrap_key, nonce, associated_data(type.type, key.purpose), key.key.reveal());
  return {{"purpose", key.purpose}, {"nonce", base64url(nonce)}, {"wrapped", base64url(wrapped)}};
}

// ---- reading: every complaint names its place ----

class Reader {
 public:
  Reader(const KeyFileType& type, const json& document) : type_(type), document_(document) {}

  std::unexpected<Error> invalid(const std::string& where, const std::string& how) const {
    return fail(Code::invalid, std::string(type_.what) + ": " + where + " " + how);
  }

  Status check_head() const {
    const auto type = document_.find("type");
    if (type == document_.end() || *type != std::string(type_.type)) {
      return invalid("`type`", "is not \"" + std::string(type_.type) + "\": this is another kind of file");
    }
    const auto version = document_.find("version");
    if (version == document_.end() || !version->is_number_integer()) {
      return invalid("`version`", "is missing");
    }
    if (*version != file_version) return invalid("`version`", version->dump() + " is not known here");
    for (const char* const name : {"kek", "facts", "keys", "mac", "checksum"}) {
      if (!document_.contains(name)) return invalid(std::string("`") + name + "`", "is missing");
    }
    return {};
  }

  Result<std::map<std::string, std::string>> facts() const {
    std::map<std::string, std::string> out;
    const json& facts = document_.at("facts");
    if (!facts.is_object()) return invalid("`facts`", "is not an object");
    for (const auto& [name, value] : facts.items()) {
      if (!value.is_string()) return invalid("`facts." + name + "`", "is not text");
      out.emplace(name, value.get<std::string>());
    }
    return out;
  }

  Result<Bytes> bytes(const json& object, const std::string& place, const char* name,
                      std::size_t size) const {
    const auto found = object.find(name);
    const std::string where = "`" + place + "." + name + "`";
    if (found == object.end() || !found->is_string()) return invalid(where, "is missing");
    std::optional<Bytes> out = from_base64url(found->get_ref<const std::string&>());
    if (!out) return invalid(where, "is not base64url");
    if (out->size() != size) return invalid(where, "does not hold " + std::to_string(size) + " bytes");
    return *std::move(out);
  }

  Result<Key> kek(const KekSource& source) const {
    const json& kek = document_.at("kek");
    const json kind = kek.is_object() && kek.contains("kind") ? kek.at("kind") : json();
    if (kind == "key") {
      if (source.kind != KekSource::Kind::key) return wrong_kind("a key", "a passphrase");
      return Key::copy_of(source.material.reveal());
    }
    if (kind != "passphrase") return invalid("`kek.kind`", "is neither \"passphrase\" nor \"key\"");
    if (source.kind != KekSource::Kind::passphrase) return wrong_kind("a passphrase", "a key");
    return from_passphrase(kek, source.material);
  }

 private:
  std::unexpected<Error> wrong_kind(const std::string& needed, const std::string& given) const {
    return fail(Code::unauthorized,
                std::string(type_.what) + ": it opens with " + needed + ", but " + given + " was given");
  }

  Result<Key> from_passphrase(const json& kek, const Plaintext& passphrase) const {
    const json parameters = kek.value("scrypt", json::object());
    if (!parameters.is_object()) return invalid("`kek.scrypt`", "is not an object");
    const auto number = [&](const char* name) -> std::uint64_t {
      const auto found = parameters.find(name);
      return found != parameters.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
    };
    const std::uint64_t n = number("n");
    const std::uint64_t r = number("r");
    const std::uint64_t p = number("p");
    const bool sound = n >= 2 && (n & (n - 1)) == 0 && r >= 1 && p >= 1 && p <= scrypt_parallel_max &&
                       n <= scrypt_memory_max / 128 && r <= scrypt_memory_max / 128 / n;
    if (!sound) return invalid("`kek.scrypt`", "asks for a cost that is out of range");
    const Result<Bytes> salt = bytes(parameters, "kek.scrypt", "salt", salt_bytes);
    if (!salt) return std::unexpected(salt.error());
    return scrypt(passphrase, *salt,
                  {.n = n, .r = static_cast<std::uint32_t>(r), .p = static_cast<std::uint32_t>(p)});
  }

  const KeyFileType& type_;
  const json& document_;
};

struct WrappedKey {
  std::string purpose;
  Bytes nonce;
  Bytes wrapped;
};

Result<std::vector<WrappedKey>> read_wrapped(const Reader& reader, const json& keys) {
  if (!keys.is_array() || keys.empty()) return reader.invalid("`keys`", "is not an array of keys");
  std::vector<WrappedKey> out;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string place = "keys[" + std::to_string(i) + "]";
    const json& key = keys[i];
    if (!key.is_object() || !key.contains("purpose") || !key.at("purpose").is_string()) {
      return reader.invalid("`" + place + ".purpose`", "is missing");
    }
    const std::string purpose = key.at("purpose").get<std::string>();
    if (std::ranges::find(out, purpose, &WrappedKey::purpose) != out.end()) {
      return reader.invalid("`" + place + ".purpose`", "is there twice");
    }
    Result<Bytes> nonce = reader.bytes(key, place, "nonce", gcm_nonce_bytes);
    if (!nonce) return std::unexpected(nonce.error());
    Result<Bytes> wrapped = reader.bytes(key, place, "wrapped", key_bytes + gcm_tag_bytes);
    if (!wrapped) return std::unexpected(wrapped.error());
    out.push_back({purpose, std::move(*nonce), std::move(*wrapped)});
  }
  return out;
}

// Opens what can be opened; `damaged` names the rest.
struct Unwrapped {
  std::vector<PurposedKey> keys;
  std::string damaged;
};
Unwrapped unwrap(const KeyFileType& type, const std::vector<WrappedKey>& wrapped, const Key& wrap_key) {
  Unwrapped out;
  for (const WrappedKey& one : wrapped) {
    const Result<Plaintext> opened = aes256gcm_open(wrap_key, std::span(one.nonce).first<gcm_nonce_bytes>(),
                                                    associated_data(type.type, one.purpose), one.wrapped);
    if (opened) {
      out.keys.push_back({one.purpose, Key::copy_of(opened->reveal())});
    } else {
      out.damaged += (out.damaged.empty() ? "`" : ", `") + one.purpose + "`";
    }
  }
  return out;
}

}  // namespace

std::string encode_key_file(const KeyFileType& type, const KeyFile& file, const KekSource& kek,
                            Random& random) {
  json document = {{"type", type.type}, {"version", file_version}, {"facts", file.facts}};
  Key kek_key;
  if (kek.kind == KekSource::Kind::key) {
    document["kek"] = {{"kind", "key"}};
    kek_key = Key::copy_of(kek.material.reveal());
  } else {
    std::array<Byte, salt_bytes> salt;
    random.fill(salt);
    const ScryptCost cost;
    document["kek"] = {{"kind", "passphrase"},
                       {"scrypt", {{"n", cost.n}, {"r", cost.r}, {"p", cost.p}, {"salt", base64url(salt)}}}};
    kek_key = scrypt(kek.material, salt, cost).value();  // our own cost is always accepted
  }
  const KekKeys keys = keys_from(kek_key);
  document["keys"] = json::array();
  for (const PurposedKey& key : file.keys) document["keys"].push_back(wrap(type, key, keys.wrap, random));
  document["mac"] = mac_of(document, keys.mac);
  document["checksum"] = checksum_of(document);
  return text_of(document, 2) + "\n";
}

Result<KeyFile> decode_key_file(const KeyFileType& type, std::string_view text, const KekSource& kek) {
  const Result<json> parsed = parse_json_object(text, type.what, {.bytes_max = key_file_bytes_max});
  if (!parsed) return std::unexpected(parsed.error());
  const json& document = *parsed;
  const Reader reader(type, document);
  if (const Status head = reader.check_head(); !head) return std::unexpected(head.error());
  Result<std::map<std::string, std::string>> facts = reader.facts();
  if (!facts) return std::unexpected(facts.error());
  const Result<std::vector<WrappedKey>> wrapped = read_wrapped(reader, document.at("keys"));
  if (!wrapped) return std::unexpected(wrapped.error());
  const Result<Key> kek_key = reader.kek(kek);
  if (!kek_key) return std::unexpected(kek_key.error());

  const KekKeys keys = keys_from(*kek_key);
  Unwrapped unwrapped = unwrap(type, *wrapped, keys.wrap);
  const bool intact = document.at("checksum") == checksum_of(document);
  if (unwrapped.keys.empty()) {
    if (!intact) return reader.invalid("the file", "is damaged: its checksum does not fit");
    return fail(Code::unauthorized,
                std::string(type.what) +
                    (kek.kind == KekSource::Kind::key ? ": the key is wrong" : ": the passphrase is wrong"));
  }
  if (!unwrapped.damaged.empty()) return reader.invalid(unwrapped.damaged, "is damaged or was replaced");
  if (!intact) return reader.invalid("the file", "is damaged outside its keys: its checksum does not fit");
  const json& mac = document.at("mac");
  if (!mac.is_string() || !equal_in_constant_time(as_bytes(mac.get_ref<const std::string&>()),
                                                  as_bytes(mac_of(document, keys.mac)))) {
    return reader.invalid("the file", "was changed after it was written: its seal does not fit");
  }
  return KeyFile{.facts = std::move(*facts), .keys = std::move(unwrapped.keys)};
}

Result<Key> take_key(const KeyFileType& type, KeyFile& file, std::string_view purpose) {
  const auto found = std::ranges::find(file.keys, purpose, &PurposedKey::purpose);
  if (found == file.keys.end()) {
    return fail(Code::invalid, std::string(type.what) + ": it has no key `" + std::string(purpose) + "`");
  }
  Key key = std::move(found->key);
  file.keys.erase(found);
  return key;
}

Result<std::string> take_fact(const KeyFileType& type, KeyFile& file, const std::string& name) {
  const auto found = file.facts.find(name);
  if (found == file.facts.end()) {
    return fail(Code::invalid, std::string(type.what) + ": `facts." + name + "` is missing");
  }
  return std::move(found->second);
}

}  // namespace shearline::keys
