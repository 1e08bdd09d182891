#include "actors/import.hpp"

#include "engine/api_key.hpp"
#include "engine/digest.hpp"
#include "mls/hpke.hpp"

#include <nlohmann/json.hpp>

namespace shearline::actors {

Result<policy::Imported> open_import(const policy::ImportItem& item, const Ulid& jti,
                                     const keys::Keyring& keyring, bool is_api_key) {
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
  return imported;
}

void ImportReport::add(std::string_view client_id, const Result<ImportedItem>& result) {
  if (!result) {
    refused_.push_back({std::string(client_id), result.error()});
    return;
  }
  ++imported_;
  repeated_ += result->repeated ? 1 : 0;
  if (result->shared_secret) shared_.emplace_back(client_id);
}

std::string ImportReport::summary() const {
  return std::to_string(imported_) + " imported, " + std::to_string(refused_.size()) + " refused";
}

std::string ImportReport::json() const {
  nlohmann::json out = {
      {"imported", imported_}, {"repeated", repeated_}, {"refused", nlohmann::json::array()}};
  std::size_t bytes = 0;
  std::size_t untold = 0;
  const auto tell = [&](const char* list, nlohmann::json item) {
    bytes += item.dump().size() + 1;
    bytes > report_bytes_max ? static_cast<void>(++untold) : out[list].push_back(std::move(item));
  };
  for (const Refused& item : refused_) {
    tell("refused", {{"client_id", item.client_id},
                     {"code", code_name(item.error.code)},
                     {"detail", item.error.message}});
  }
  for (const std::string& client_id : shared_) tell("shared_secret", client_id);
  if (untold > 0) out["more"] = untold;
  return out.dump();
}

}  // namespace shearline::actors
