// Packs imported secrets into credential.import commands of at most 1,000 items and 64 KiB of JWS. Each
// secret is sealed to the engine (HPKE, design: security.md "Sealing") under the jti of the command that
// carries it, so a batch knows its jti from the start and is asked whether an item still fits before it is
// sealed. Does not sign and does not send.
#pragma once

#include "base/crypto.hpp"
#include "base/random.hpp"
#include "cli/import_lines.hpp"
#include "policy/command.hpp"

namespace shearline::cli {

inline constexpr std::size_t weak_secret_characters = 22;  // shorter ones need --insist (security.md)

class ImportBatch {
 public:
  // `base` is the command without items: metadata, group, jti, times. insist: on secrets that are short.
  ImportBatch(policy::Command base, bool insist);

  bool fits(const ImportLine& line) const;
  // The item must fit. invalid: the engine's sealing key is not one.
  Status add(const ImportLine& line, const PublicKey& engine_key, Random& random);

  bool empty() const { return command_.params.items.empty(); }
  std::size_t size() const { return command_.params.items.size(); }
  policy::Command& command() { return command_; }

 private:
  std::size_t bytes_of(const ImportLine& line) const;

  policy::Command command_;
  bool insist_;
  std::size_t claims_bytes_ = 0;  // as encoded so far, an upper bound
  std::size_t item_bytes_ = 0;    // of an item without its id and sealed bytes, its comma included
};

// Where in the JWS a given number of claims bytes leads; the header is counted at its longest.
std::size_t jws_bytes_for(std::size_t claims_bytes, std::string_view kid);

}  // namespace shearline::cli
