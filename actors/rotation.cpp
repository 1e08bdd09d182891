#include "actors/rotation.hpp"

#include "actors/distribution.hpp"
#include "actors/gate.hpp"
#include "actors/import.hpp"
#include "base/log.hpp"
#include "engine/api_key.hpp"
#include "engine/digest.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "policy/answered.hpp"
#include "policy/authority.hpp"
#include "policy/lifecycle.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace shearline::actors {
namespace {

using policy::Answer;
using policy::AnswerStatus;
using policy::Command;
using policy::Credential;
using policy::Decision;
using policy::Verb;

// A credential with the revision it was read at; 0: there is none yet.
struct Loaded {
  std::optional<Credential> credential;
  std::uint64_t revision = 0;
};

std::string what_happened(const Credential* before, const Credential& after) {
  if (!after.rotation) return std::string(policy::name_of(after.status));
  if (before == nullptr || !before->rotation || before->rotation->state != after.rotation->state) {
    return "the rotation is " + std::string(policy::name_of(after.rotation->state));
  }
  return "done";
}

}  // namespace

struct Rotation::Impl {
  Impl(ActorContext& given, const Directory& known_directory, KnownState known_state,
       DistributionMailbox& given_distribution, AuditMailbox& given_audit)
      : context(given),
        directory(known_directory),
        known(std::move(known_state)),
        distribution(given_distribution),
        audit(given_audit),
        mailbox(given.loop),
        hands(given.loop, "rotation-command", commands_in_flight_max),
        clients(given.loop),
        timers_changed(given.loop) {
    next_due.fill(0);
  }

  // ---- the mailbox ----

  void run() {
    while (std::optional<RotationMessage> message = mailbox.receive()) {
      if (auto* work = std::get_if<CommandWork>(&*message)) {
        take(std::move(*work));
      } else if (auto* lease = std::get_if<LeaseChanged>(&*message)) {
        held = lease->held;
        next_due.fill(0);  // unknown: look
        timers_changed.set();
      } else if (auto* mended = std::get_if<StoreMended>(&*message)) {
        next_due[mended->partition] = 0;
        timers_changed.set();
      }
    }
  }

  void take(CommandWork work) {
    auto shared = std::make_shared<CommandWork>(std::move(work));
    const bool taken = hands.run([this, shared] { shared->reply.set(execute(shared->command)); });
    if (!taken) shared->reply.set(refused(shared->command, {Code::unavailable, "this node is stopping"}));
  }

  // ---- commands ----

  Answer execute(const Command& command) {
    if (command.verb == Verb::credential_import) return execute_import(command);
    const ClientLocks::Held lock = clients.lock(command.credential);
    for (int attempt = 0; attempt < conflict_retries_max; ++attempt) {
      Result<std::optional<Answer>> answer = try_once(command);
      if (!answer) return refused(command, answer.error());
      if (*answer) return std::move(**answer);
    }
    return refused(command, {Code::unavailable, "the credential changes too fast; send the command again"});
  }

  // Empty: somebody else changed the record between our read and our put; decide again on what is there now.
  Result<std::optional<Answer>> try_once(const Command& command) {
    Result<Loaded> loaded = load(command.credential);
    if (!loaded) return std::unexpected(loaded.error());
    if (loaded->credential) {
      const auto earlier = policy::earlier_answer(loaded->credential->answered, command);
      if (!earlier) return std::unexpected(earlier.error());
      if (*earlier != nullptr) return policy::decode_answer((*earlier)->answer);
    }
    if (Status allowed = permit(command, *loaded); !allowed) return std::unexpected(allowed.error());
    Result<Decision> decision = decide(command, *loaded);
    if (!decision) return std::unexpected(decision.error());
    if (decision->needs_secret) {
      if (Status sealed = mint_secret(*decision); !sealed) return std::unexpected(sealed.error());
    }
    attach_notice(loaded->credential ? &*loaded->credential : nullptr, *decision);
    return store_answered(command, *loaded, std::move(*decision));
  }

  Status permit(const Command& command, const Loaded& loaded) {
    const policy::Admin* admin = directory.find_admin(command.kid);
    if (admin == nullptr) return fail(Code::unauthorized, "not allowed");
    const TimeMs now = context.clock.now_ms();
    const policy::Metadata& metadata =
        loaded.credential ? loaded.credential->metadata : command.params.metadata;
    return policy::permit(*admin, command, &metadata, context.rules,
                          {directory.admins_active(now), loaded.credential.has_value()}, now);
  }

  Result<Decision> decide(const Command& command, const Loaded& loaded) {
    const policy::Context with = lifecycle_context();
    if (command.verb == Verb::credential_create) {
      if (loaded.credential) return fail(Code::conflict, "the credential " + command.credential + " exists");
      if (directory.find_group(command.params.group) == nullptr) {
        return fail(Code::not_found,
                    "there is no group " + command.params.group + "; make it with group.create");
      }
      return policy::create(command, with);
    }
    if (!loaded.credential) return fail(Code::not_found, "there is no credential " + command.credential);
    const Credential& credential = *loaded.credential;
    const std::set<std::string> members = active_members(credential.group);
    switch (command.verb) {
      case Verb::rotate:
        return policy::rotate(credential, command, with);
      case Verb::ack:
        return policy::acknowledge(credential, command, members, with);
      case Verb::promote:
        return policy::promote(credential, command, members, with);
      case Verb::cancel:
        return policy::cancel(credential, command, with);
      case Verb::revoke:
        return policy::revoke(credential, command, with);
      default:
        return fail(Code::invalid, "this command does not change a credential");
    }
  }

  // Generates, hashes and seals; the plaintext is gone when this returns (invariant 6).
  Status mint_secret(Decision& decision) {
    Credential& credential = decision.next;
    policy::Rotation& rotation = *credential.rotation;
    policy::Version* version = nullptr;
    for (policy::Version& candidate : credential.versions) {
      if (candidate.version_id == rotation.version_id) version = &candidate;
    }
    if (version == nullptr)
      return fail(Code::internal_error, "the decision names a version it does not have");

    const Key random_bytes = random_key(context.random);
    Secret secret = engine::make_secret(random_bytes.reveal().first<32>());
    const Key& pepper = context.keyring.current().key;
    version->digest = engine::digest_of(pepper, credential.client_id, secret.reveal());

    wire::DeliveredSecret delivered;
    delivered.rotation_id = rotation.rotation_id.text();
    delivered.client_id = credential.client_id;
    delivered.version_id = version->version_id.text();
    if (!credential.api_key_prefix.empty()) {
      delivered.api_key = engine::format_api_key(credential.api_key_prefix, credential.client_id, secret);
    }
    delivered.secret = std::move(secret);
    delivered.not_before_ms = rotation.not_before_ms;
    delivered.grace_ms = rotation.grace_ms;
    delivered.issued_at_ms = context.clock.now_ms();
    delivered.metadata = credential.metadata;

    Reply<Result<Delivery>> reply(context.loop);
    distribution.send(SealWork{std::move(delivered), credential.group, &reply});
    Result<Delivery> delivery = reply.wait();
    if (!delivery) return std::unexpected(delivery.error());
    if (delivery->tags.size() < rotation.quorum_required) {
      return fail(Code::policy_violation,
                  "the group " + credential.group + " has " + std::to_string(delivery->tags.size()) +
                      " members with keys and the quorum is " + std::to_string(rotation.quorum_required));
    }
    rotation.envelope = std::move(delivery->envelope);
    rotation.envelope_id = delivery->envelope_id;
    rotation.ack_tags = std::move(delivery->tags);
    return {};
  }

  // A promotion is told to the group with the actual end of the old version's window. The notice waits in the record like
  // any envelope, so a crash cannot lose it.
  void attach_notice(const Credential* before, Decision& decision) {
    Credential& credential = decision.next;
    if (!credential.rotation || credential.rotation->promoted_at_ms == 0 ||
        !credential.rotation->envelope.empty())
      return;
    const bool was_promoted = before != nullptr && before->rotation &&
                              before->rotation->rotation_id == credential.rotation->rotation_id &&
                              before->rotation->promoted_at_ms != 0;
    if (was_promoted) return;
    TimeMs window_ends_ms = credential.rotation->promoted_at_ms;
    for (const policy::Version& version : credential.versions) {
      if (version.state == policy::VersionState::grace) window_ends_ms = version.not_after_ms;
    }
    const policy::Group* group = directory.find_group(credential.group);
    const TimeMs now = context.clock.now_ms();
    credential.rotation->envelope_id = Ulid::make(now, context.random);
    credential.rotation->envelope =
        make_notice(credential, *credential.rotation, group == nullptr ? 1 : group->generation,
                    window_ends_ms, context.keyring, now, credential.rotation->envelope_id);
  }

  // The answer is part of the record, so that the same command after a crash gets the same answer.
  Result<std::optional<Answer>> store_answered(const Command& command, const Loaded& loaded,
                                               Decision decision) {
    Answer answer = answer_to(command);
    answer.status = decision.next.rotation && policy::is_open(decision.next.rotation->state)
                        ? AnswerStatus::accepted
                        : AnswerStatus::done;
    answer.code = Code::ok;
    answer.detail = what_happened(loaded.credential ? &*loaded.credential : nullptr, decision.next);
    if (decision.next.rotation)
      answer.rotation_json = policy::rotation_json(decision.next, *decision.next.rotation);
    const Status kept = policy::remember(decision.next.answered,
                                         policy::answered_command(command, policy::encode_answer(answer)),
                                         context.clock.now_ms());
    if (!kept) return std::unexpected(kept.error());
    const Result<std::uint64_t> revision = put(decision, loaded.revision);
    if (!revision) {
      if (revision.error().code == Code::conflict) return std::nullopt;
      return std::unexpected(revision.error());
    }
    // The change is durable; what follows is only quicker now than when its timer finds it.
    carry_on(std::move(decision.next), *revision);
    return answer;
  }

  Answer execute_import(const Command& command) {
    const policy::Admin* admin = directory.find_admin(command.kid);
    if (admin == nullptr) return refused(command, {Code::unauthorized, "not allowed"});
    ImportReport report;
    for (const policy::ImportItem& item : command.params.items) {
      report.add(item.client_id, import_one(command, item));
    }
    Answer answer = answer_to(command);
    answer.status =
        report.imported() > 0 || report.refused() == 0 ? AnswerStatus::done : AnswerStatus::rejected;
    answer.code = report.refused() == 0 ? Code::ok : report.first_code();
    answer.detail = report.summary();
    answer.result_json = report.json();
    return answer;
  }

  // Every item is a record of its own: one that is refused harms no other, and a repeated command finds those that are in.
  Result<ImportedItem> import_one(const Command& command, const policy::ImportItem& item) {
    const ClientLocks::Held lock = clients.lock(item.client_id);
    Result<Loaded> loaded = load(item.client_id);
    if (!loaded) return std::unexpected(loaded.error());
    if (loaded->credential) {
      const auto earlier = policy::earlier_answer(loaded->credential->answered, command);
      if (!earlier) return std::unexpected(earlier.error());
      if (*earlier != nullptr) return ImportedItem{.repeated = true};
    }
    if (Status allowed = permit(command, *loaded); !allowed) return std::unexpected(allowed.error());
    if (loaded->credential) return fail(Code::conflict, "the credential exists");
    if (directory.find_group(command.params.group) == nullptr) {
      return fail(Code::not_found, "there is no group " + command.params.group);
    }
    Result<policy::Imported> imported = open_import(item, command.jti, context.keyring,
                                                    command.params.kind == policy::CredentialKind::api_key);
    if (!imported) return std::unexpected(imported.error());
    const bool shared = known.fingerprint_known(imported->fingerprint);
    Result<Decision> decision = policy::import(command, item, std::move(*imported), lifecycle_context());
    if (!decision) return std::unexpected(decision.error());
    if (shared) {
      for (policy::AuditEvent& event : decision->events) event.detail.emplace_back("secret_shared", "true");
    }
    const Status kept = policy::remember(decision->next.answered, policy::answered_command(command, {}),
                                         context.clock.now_ms());
    if (!kept) return std::unexpected(kept.error());
    const Result<std::uint64_t> revision = put(*decision, loaded->revision);
    if (!revision) return std::unexpected(revision.error());
    return ImportedItem{.shared_secret = shared};
  }

  Answer answer_to(const Command& command) const {
    Answer answer;
    answer.jti = command.jti;
    answer.command_hash = command.hash;
    answer.durability = context.durability;
    return answer;
  }
  Answer refused(const Command& command, const Error& error) const {
    Answer answer = answer_to(command);
    answer.status = AnswerStatus::rejected;
    answer.code = error.code;
    answer.detail = error.message;
    return answer;
  }

  // ---- the store ----

  Result<Loaded> load(const std::string& client_id) {
    if (!policy::is_id(client_id)) return fail(Code::invalid, "a client id has 1 to 64 of [A-Za-z0-9._~-]");
    const Result<store::Record> record =
        context.store.get({store::Kind::credential, client_id}, known.revision_of(client_id));
    if (!record) {
      if (record.error().code == Code::not_found) return Loaded{};
      return std::unexpected(record.error());
    }
    Result<Credential> credential = context.codec.decode_credential(record->payload);
    if (!credential) return std::unexpected(credential.error());
    if (credential->client_id != client_id)
      return fail(Code::internal_error, "the record is another credential's");
    return Loaded{std::move(*credential), record->revision};
  }

  Result<std::uint64_t> put(const Decision& decision, std::uint64_t expected_revision) {
    store::SealedStore::Put put;
    put.key = {store::Kind::credential, decision.next.client_id};
    put.expected_revision = expected_revision;
    put.payload = context.codec.encode(decision.next);
    for (const policy::AuditEvent& event : decision.events) put.events.push_back(wire::encode_event(event));
    const TimeMs due = due_of(decision.next);
    if (due != time_never) put.due_at = due;
    Result<std::uint64_t> revision = context.store.compare_and_put(put);
    if (!revision) return revision;
    const unsigned partition = put.key.partition();
    if (!put.events.empty()) audit.send(OutboxGrew{partition});
    if (due < next_due[partition]) {
      next_due[partition] = due;
      timers_changed.set();
    }
    return revision;
  }

  TimeMs due_of(const Credential& credential) const {
    if (credential.rotation && !credential.rotation->envelope.empty()) return context.clock.now_ms();
    return policy::next_due(credential, context.rules);
  }

  // ---- what follows by itself: publish what is stored, then whatever time has brought about ----

  // Takes steps until nothing is due. false: a step could not be taken now and must be tried again later.
  bool carry_on(Credential credential, std::uint64_t revision) {
    for (;;) {
      std::optional<Decision> decision;
      if (credential.rotation && !credential.rotation->envelope.empty()) {
        if (Status published = publish(credential); !published) {
          log::warning("envelope_not_published",
                       {{"credential", credential.client_id}, {"why", published.error().message}});
          return false;
        }
        decision = after_publishing(credential);
      } else {
        decision = policy::advance(credential, active_members(credential.group), lifecycle_context());
        if (decision) attach_notice(&credential, *decision);
      }
      if (!decision) return true;
      const Result<std::uint64_t> next = put(*decision, revision);
      if (!next) return next.error().code == Code::conflict;  // conflict: whoever was faster carries on
      credential = std::move(decision->next);
      revision = *next;
    }
  }

  Status publish(const Credential& credential) {
    Reply<Status> reply(context.loop);
    distribution.send(PublishWork{credential.group, credential.rotation->envelope, &reply});
    return reply.wait();
  }

  Decision after_publishing(const Credential& credential) const {
    if (credential.rotation->state == policy::RotationState::prepared)
      return policy::notified(credential, lifecycle_context());
    Decision decision;  // a notice: no state changes, so no event
    decision.next = policy::clone(credential);
    decision.next.rotation->envelope.clear();
    return decision;
  }

  // ---- timers: derived from stored times, never kept ----

  void run_timers() {
    while (!hands.closed()) {
      timers_changed.reset();
      const TimeMs now = context.clock.now_ms();
      TimeMs wake_at = now + timer_wait_max_ms;
      for (unsigned partition = 0; held && partition < store::credential_partitions; ++partition) {
        if (next_due[partition] <= now) next_due[partition] = serve(partition, now);
        wake_at = std::min(wake_at, next_due[partition]);
      }
      const TimeMs wait = std::max<TimeMs>(wake_at - context.clock.now_ms(), 0);
      timers_changed.wait(context.loop.monotonic_ms() + wait);
    }
  }

  // Serves what is due in one partition and says when to look again.
  TimeMs serve(unsigned partition, TimeMs now) {
    std::set<std::string> tried;
    std::size_t stuck = 0;
    // Those that are stuck stay at the front of the index; asking for as many more keeps them from starving the rest.
    for (bool found = true; found && held;) {
      const auto entries = context.store.raw().due(partition, now, due_page + stuck);
      if (!entries) return now + timer_retry_ms;
      found = false;
      for (const store::DueEntry& entry : *entries) {
        if (!held) break;
        if (!tried.insert(entry.field).second) continue;
        found = true;
        const std::optional<store::RecordKey> key = store::RecordKey::from_field(entry.field);
        if (!key || key->kind != store::Kind::credential || !serve_one(key->id)) ++stuck;
      }
    }
    if (stuck > 0) return now + timer_retry_ms;
    const Result<std::optional<TimeMs>> next = context.store.raw().next_due(partition);
    if (!next) return now + timer_retry_ms;
    return next->value_or(time_never);
  }

  bool serve_one(const std::string& client_id) {
    const ClientLocks::Held lock = clients.lock(client_id);
    Result<Loaded> loaded = load(client_id);
    if (!loaded || !loaded->credential) {
      log::error("due_record_unreadable",
                 {{"credential", client_id}, {"why", loaded ? "it is not there" : loaded.error().message}});
      return false;
    }
    return carry_on(std::move(*loaded->credential), loaded->revision);
  }

  // ---- small things ----

  policy::Context lifecycle_context() const {
    const TimeMs now = context.clock.now_ms();
    return {now, context.rules, context.node, context.keyring.current_pepper,
            Ulid::make(now, context.random)};
  }

  std::set<std::string> active_members(const std::string& group_id) const {
    std::set<std::string> members = directory.members_of(group_id);
    const TimeMs now = context.clock.now_ms();
    std::erase_if(members, [&](const std::string& id) { return !directory.is_active(id, now); });
    return members;
  }

  ActorContext& context;
  const Directory& directory;
  KnownState known;
  DistributionMailbox& distribution;
  AuditMailbox& audit;
  RotationMailbox mailbox;
  Gate hands;
  ClientLocks clients;
  loop::Event timers_changed;
  std::array<TimeMs, store::partition_count> next_due{};  // 0: unknown, look
  bool held = false;
  boost::fibers::fiber fiber;
  boost::fibers::fiber timers;
};

Rotation::Rotation(ActorContext& context, const Directory& directory, KnownState known,
                   DistributionMailbox& distribution, AuditMailbox& audit)
    : impl_(std::make_unique<Impl>(context, directory, std::move(known), distribution, audit)) {}
Rotation::~Rotation() = default;

void Rotation::start() {
  impl_->fiber = loop::spawn("rotation", [this] { impl_->run(); });
  impl_->timers = loop::spawn("rotation-timers", [this] { impl_->run_timers(); });
}
RotationMailbox& Rotation::mailbox() { return impl_->mailbox; }
void Rotation::stop() {
  impl_->mailbox.close();
  if (impl_->fiber.joinable()) impl_->fiber.join();
  impl_->held = false;
  impl_->hands.close();
  impl_->timers_changed.set();
  if (impl_->timers.joinable()) impl_->timers.join();
}

}  // namespace shearline::actors
