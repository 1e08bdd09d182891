// credential.import: every item of the command is a change of its own (credential_changes.hpp), and what became of each goes
// into one report. Used by the rotation actor; opening and reporting stand in import.hpp.
#pragma once

#include "actors/context.hpp"
#include "actors/credential_changes.hpp"
#include "actors/directory.hpp"
#include "actors/import.hpp"
#include "actors/known_state.hpp"
#include "policy/command.hpp"

#include <cstdint>

namespace shearline::actors {

// An item whose put was not answered is looked for again so long: a restart of Redis, and no more, because the items of one
// command must not outlast the sender's patience.
inline constexpr std::int64_t import_item_patience_ms = 3000;
inline constexpr int import_item_tries_max = static_cast<int>(import_item_patience_ms / attempt_pause_ms);
inline constexpr int unheard_in_a_row_max = 2;  // items of an import that the store did not answer

class Importer {
 public:
  Importer(ActorContext& context, const Directory& directory, const KnownState& known,
           CredentialChanges& changes);

  policy::Answer execute(const policy::Command& command);

 private:
  Result<ImportedItem> import_one(const policy::Command& command, const policy::ImportItem& item);
  Result<policy::Decision> decide(const policy::Command& command, const policy::ImportItem& item,
                                  const Loaded& before, bool& shared_secret) const;

  ActorContext& context_;
  const Directory& directory_;
  const KnownState& known_;
  CredentialChanges& changes_;
};

}  // namespace shearline::actors
