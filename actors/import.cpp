#include "actors/import.hpp"

#include "engine/api_key.hpp"
#include "engine/digest.hpp"
#include "mls/hpke.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace shearline::actors {
namespace {

// Each under the pepper it was made with; one whose pepper is gone cannot be recognised.
std::optional<Ulid> version_with(const policy::Credential& credential, ByteView secret,
                                 const keys::Keyring& keyring) {
  for (const policy::Version& version : credential.versions) {
    const keys::Pepper* pepper = keyring.find(version.mac_key_ref);
    if (pepper == nullptr) continue;
    const Digest digest = engine::digest_of(pepper->key, credential.client_id, secret);
    if (equal_in_constant_time(digest.reveal(), version.digest.reveal())) return version.version_id;
  }
  return std::nullopt;
}

}  // namespace

Result<policy::Imported> open_import(const policy::ImportItem& item, const Ulid& jti,
                                     const keys::Keyring& keyring, bool is_api_key,
                                     const policy::Credential* existing) {
  Bytes aad = to_bytes(as_bytes(jti.text()));
  aad.push_back(0);
  append(aad, as_bytes(item.client_id));
  const Result<Plaintext> secret =
      mls::hpke::open_base(mls::hpke::default_suite, item.encapsulated, keyring.opening_key,
                           as_bytes("shearline v1 import"), aad, item.ciphertext);
  if (!secret) {
    return fail(
        Code::invalid,
        "the sealed secret cannot be opened; seal it to this engine's key, for this jti and client id");
  }
  const Key& pepper = keyring.current().key;
  policy::Imported imported;
  imported.digest = engine::digest_of(pepper, item.client_id, secret->reveal());
  imported.fingerprint = engine::secret_fingerprint(pepper, secret->reveal());
  imported.secret_bytes = secret->size();
  imported.has_own_key_form = engine::parse_api_key(secret->reveal()).has_value();
  if (is_api_key) {
    imported.foreign_key_lookup =
        engine::foreign_key_lookup(engine::derive_lookup_key(pepper), secret->reveal());
  }
  if (existing != nullptr) imported.known_as = version_with(*existing, secret->reveal(), keyring);
  return imported;
}

void ImportReport::add(std::string_view client_id, const Result<ImportedItem>& result) {
  if (!result) {
    ++refused_count_;
    refused_for(result.error()).emplace_back(client_id);
    return;
  }
  ++imported_;
  repeated_ += result->repeated ? 1 : 0;
  if (result->shared_secret) shared_.emplace_back(client_id);
}

std::vector<std::string>& ImportReport::refused_for(const Error& error) {
  const auto find = [this](const Error& wanted) {
    return std::ranges::find_if(refused_, [&wanted](const Refused& refused) {
      return refused.error.code == wanted.code && refused.error.message == wanted.message;
    });
  };
  if (const auto found = find(error); found != refused_.end()) return found->client_ids;
  const bool full = refused_.size() >= import_reasons_told_max;
  const Error told =
      full ? Error{error.code, "for a reason of its own; import it by itself to hear it"} : error;
  if (const auto found = find(told); full && found != refused_.end()) return found->client_ids;
  return refused_.emplace_back(Refused{told, {}}).client_ids;
}

std::string ImportReport::summary() const {
  return std::to_string(imported_) + " imported, " + std::to_string(refused_count_) + " refused";
}

std::string ImportReport::json() const {
  nlohmann::json out = {
      {"imported", imported_}, {"repeated", repeated_}, {"refused", nlohmann::json::array()}};
  for (const Refused& item : refused_) {
    out["refused"].push_back({{"code", code_name(item.error.code)},
                              {"detail", item.error.message},
                              {"client_ids", item.client_ids}});
  }
  if (!shared_.empty()) out["shared_secret"] = shared_;
  return out.dump();
}

}  // namespace shearline::actors
