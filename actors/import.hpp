// What an import of existing secrets needs beside the lifecycle: opening what was sealed to the engine, and a report per
// item. Used by the rotation actor; the opened secret lives only within open_import.
#pragma once

#include "base/error.hpp"
#include "io/keys/keyring.hpp"
#include "policy/command.hpp"
#include "policy/lifecycle.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace shearline::actors {

// HPKE base mode to the engine: info "shearline v1 import", aad jti || 0x00 || client_id (security.md "Sealing").
// invalid: it cannot be opened for this command and client, or is no secret (length, bytes). existing: what stands under
// the client id, to see whether it has this secret already; null: nothing.
Result<policy::Imported> open_import(const policy::ImportItem& item, const Ulid& jti,
                                     const keys::Keyring& keyring, bool is_api_key,
                                     const policy::Credential* existing);

struct ImportedItem {
  bool repeated = false;       // it was in already, from this very command
  bool shared_secret = false;  // another credential was imported with the same secret
};

// What became of each item. Items refused for one reason are told together, and of reasons only so many: an answer must
// fit into a JWS whatever a command of that size brings in.
inline constexpr std::size_t import_reasons_told_max = 16;

class ImportReport {
 public:
  void add(std::string_view client_id, const Result<ImportedItem>& result);
  std::size_t imported() const { return imported_; }
  std::size_t refused() const { return refused_count_; }
  Code first_code() const { return refused_.empty() ? Code::ok : refused_.front().error.code; }
  std::string summary() const;  // "120 imported, 2 refused"
  // {"imported":N,"repeated":N,"refused":[{"code","detail","client_ids":[..]}],"shared_secret":[..]}
  std::string json() const;

 private:
  struct Refused {
    Error error;
    std::vector<std::string> client_ids;
  };
  std::vector<std::string>& refused_for(const Error& error);

  std::size_t imported_ = 0;
  std::size_t repeated_ = 0;
  std::size_t refused_count_ = 0;
  std::vector<Refused> refused_;
  std::vector<std::string> shared_;
};

}  // namespace shearline::actors
