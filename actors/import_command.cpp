#include "actors/import_command.hpp"

#include "actors/answers.hpp"

#include <set>
#include <utility>

namespace shearline::actors {

using policy::Answer;
using policy::AnswerStatus;
using policy::Command;

Importer::Importer(ActorContext& context, const Directory& directory, const KnownState& known,
                   CredentialChanges& changes)
    : context_(context), directory_(directory), known_(known), changes_(changes) {}

// One item that is refused harms no other, and a repeated command finds those that are in.
Answer Importer::execute(const Command& command) {
  ImportReport report;
  // A store that is away would cost every item a time-out of its own; the same command takes up where this one stopped.
  int unheard = 0;
  for (const policy::ImportItem& item : command.params.items) {
    Result<ImportedItem> one =
        unheard < unheard_in_a_row_max
            ? import_one(command, item)
            : fail(Code::unavailable, "not tried, the store is away; send the command again");
    unheard = !one && one.error().code == Code::unavailable ? unheard + 1 : 0;
    report.add(item.client_id, one);
  }
  Answer answer = answer_to(command, context_);
  answer.status =
      report.imported() > 0 || report.refused() == 0 ? AnswerStatus::done : AnswerStatus::rejected;
  answer.code = report.refused() == 0 ? Code::ok : report.first_code();
  answer.detail = report.summary();
  answer.result_json = report.json();
  return answer;
}

Result<ImportedItem> Importer::import_one(const Command& command, const policy::ImportItem& item) {
  bool shared_secret = false;
  const Result<Settled> settled = changes_.carry_out(
      {.command = command,
       .client_id = item.client_id,
       .decide = [&](const Loaded& before) { return decide(command, item, before, shared_secret); },
       .answer = [](const Loaded&, const policy::Decision&) { return std::string(); },
       .tries_max = import_item_tries_max,
       .patience_ms = import_item_patience_ms});
  if (!settled) return std::unexpected(settled.error());
  return ImportedItem{.repeated = settled->repeated, .shared_secret = shared_secret && !settled->repeated};
}

Result<policy::Decision> Importer::decide(const Command& command, const policy::ImportItem& item,
                                          const Loaded& before, bool& shared_secret) const {
  if (directory_.find_group(command.params.group) == nullptr) {
    return fail(Code::not_found, "there is no group " + command.params.group);
  }
  const bool is_api_key = command.params.kind == policy::CredentialKind::api_key;
  Result<policy::Imported> imported =
      open_import(item, command.jti, context_.keyring, is_api_key, before.get());
  if (!imported) return std::unexpected(imported.error());
  shared_secret = known_.fingerprint_known(imported->fingerprint);
  const std::set<std::string> members =
      directory_.active_members(command.params.group, context_.clock.now_ms());
  Result<policy::Decision> decision =
      policy::import(before.get(), command, item, std::move(*imported), lifecycle_context(context_, members));
  if (decision && shared_secret) {
    for (policy::AuditEvent& event : decision->events) event.detail.emplace_back("secret_shared", "true");
  }
  return decision;
}

}  // namespace shearline::actors
