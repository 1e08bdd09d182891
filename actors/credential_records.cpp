#include "actors/credential_records.hpp"

#include <utility>

namespace shearline::actors {

CredentialRecords::CredentialRecords(ActorContext& context,
                                     std::function<std::uint64_t(std::string_view)> known_revision,
                                     AuditMailbox& audit, Timers& timers)
    : context_(context), known_revision_(std::move(known_revision)), audit_(audit), timers_(timers) {}

Result<Loaded> CredentialRecords::load(const std::string& client_id) {
  if (!policy::is_id(client_id)) return fail(Code::invalid, "a client id has 1 to 64 of [A-Za-z0-9._~-]");
  const Result<store::Record> record =
      context_.store.get({store::Kind::credential, client_id}, known_revision_(client_id));
  if (!record) {
    if (record.error().code == Code::not_found) return Loaded{};
    return std::unexpected(record.error());
  }
  Result<policy::Credential> credential = context_.codec.decode_credential(record->payload);
  if (!credential) return std::unexpected(credential.error());
  if (credential->client_id != client_id)
    return fail(Code::internal_error, "the record is another credential's");
  return Loaded{std::move(*credential), record->revision};
}

Result<std::uint64_t> CredentialRecords::put(const policy::Decision& decision,
                                             std::uint64_t expected_revision) {
  store::SealedStore::Put put;
  put.key = {store::Kind::credential, decision.next.client_id};
  put.expected_revision = expected_revision;
  put.payload = context_.codec.encode(decision.next);
  for (const policy::AuditEvent& event : decision.events)
    put.events.push_back(encode_new_event(event, context_));
  const TimeMs due = due_of(decision.next);
  if (due != time_never) put.due_at = due;
  Result<std::uint64_t> revision = context_.store.compare_and_put(put);
  const unsigned partition = put.key.partition();
  if (!revision) {
    // It may have been stored all the same, with a deadline that nobody here knows of.
    if (revision.error().code != Code::conflict) {
      timers_.look_again(partition);
      audit_.send(OutboxGrew{partition});
    }
    return revision;
  }
  if (!put.events.empty()) audit_.send(OutboxGrew{partition});
  // Whoever puts an envelope publishes it at once, and says so when that does not succeed.
  if (!carries_envelope(decision.next)) timers_.note(partition, due);
  return revision;
}

TimeMs CredentialRecords::due_of(const policy::Credential& credential) const {
  return carries_envelope(credential) ? context_.clock.now_ms()
                                      : policy::next_due(credential, context_.rules);
}

}  // namespace shearline::actors
