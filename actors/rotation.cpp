#include "actors/rotation.hpp"

#include "actors/answers.hpp"
#include "actors/due_times.hpp"
#include "actors/gate.hpp"
#include "actors/import.hpp"
#include "actors/minting.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "policy/answered.hpp"
#include "policy/authority.hpp"
#include "policy/lifecycle.hpp"

#include <algorithm>
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
        timers_changed(given.loop) {}

  // ---- the mailbox ----

  void run() {
    while (std::optional<RotationMessage> message = mailbox.receive()) {
      if (auto* work = std::get_if<CommandWork>(&*message)) {
        take(std::move(*work));
      } else if (auto* lease = std::get_if<LeaseChanged>(&*message)) {
        held = lease->held;
        due_times.look_again_everywhere();
        timers_changed.set();
      } else if (auto* mended = std::get_if<StoreMended>(&*message)) {
        look_again(mended->partition);
      } else {
        timers_changed.set();  // ClockMoved
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
    Error last{Code::unavailable, "the credential changes too fast; send the command again"};
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
      Result<std::optional<Answer>> answer = try_once(command);
      if (answer && *answer) return std::move(**answer);
      if (answer) continue;
      last = answer.error();
      // An answer of the store that was lost is found by looking: a command that was carried out has its answer there.
      if (last.code != Code::unavailable || context.store.fence() == 0) break;
      loop::sleep_for_ms(context.loop, attempt_pause_ms);
    }
    return refused(command, last);
  }

  // Empty: somebody else changed the record between our read and our put; decide again on what is there now.
  Result<std::optional<Answer>> try_once(const Command& command) {
    Result<Loaded> loaded = load(command.credential);
    if (!loaded) return std::unexpected(loaded.error());
    if (loaded->credential) {
      const auto earlier = policy::earlier_answer(loaded->credential->answered, command);
      if (!earlier) return std::unexpected(earlier.error());
      if (*earlier != nullptr) {
        look_again(store::partition_of(command.credential));  // what we once began may still be waiting
        return policy::decode_answer((*earlier)->answer);
      }
    }
    if (Status allowed = permit(command, *loaded); !allowed) return std::unexpected(allowed.error());
    Result<Decision> decision = decide(command, *loaded);
    if (!decision) return std::unexpected(decision.error());
    if (decision->needs_secret) {
      if (Status sealed = mint_secret(*decision, context, distribution); !sealed)
        return std::unexpected(sealed.error());
    }
    attach_notice(loaded->credential ? &*loaded->credential : nullptr, *decision, context, directory);
    return store_answered(command, *loaded, std::move(*decision));
  }

  Status permit(const Command& command, const Loaded& loaded) {
    const policy::Admin* admin = directory.find_admin(command.kid);
    if (admin == nullptr) return fail(Code::unauthorized, "not allowed");
    const TimeMs now = context.clock.now_ms();
    const policy::Metadata& metadata =
        loaded.credential ? loaded.credential->metadata : command.params.metadata;
    // Holding an enrolled key and being in the credential's group go together (security.md "Commands").
    const std::string& group = loaded.credential ? loaded.credential->group : command.params.group;
    const bool founded =
        loaded.credential || directory.find_group(group) != nullptr;  // else `decide` says so
    if (founded && !directory.members_of(group).contains(command.kid)) {
      return fail(Code::unauthorized,
                  command.kid + " is not in the group " + group + ", which this credential is for");
    }
    return policy::permit(*admin, command, &metadata, context.rules,
                          {directory.admins_known(), loaded.credential.has_value()}, now);
  }

  bool may_see(const Command& command, const Credential& credential) const {
    const policy::Admin* admin = directory.find_admin(command.kid);
    return admin != nullptr && policy::may_see(*admin, credential.metadata);
  }

  Result<Decision> decide(const Command& command, const Loaded& loaded) {
    const std::set<std::string> members =
        active_members(loaded.credential ? loaded.credential->group : command.params.group);
    const policy::Context with = lifecycle_context(members);
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

  // The answer is part of the record, so that the same command after a crash gets the same answer.
  Result<std::optional<Answer>> store_answered(const Command& command, const Loaded& loaded,
                                               Decision decision) {
    Answer answer = answer_to(command, context);
    answer.status = decision.next.rotation && policy::is_open(decision.next.rotation->state)
                        ? AnswerStatus::accepted
                        : AnswerStatus::done;
    answer.code = Code::ok;
    answer.detail = what_happened(loaded.credential ? &*loaded.credential : nullptr, decision.next);
    if (decision.next.rotation)
      answer.rotation_json = policy::rotation_json(decision.next, *decision.next.rotation);
    const policy::Urgency urgency =
        policy::urgency_of(command, loaded.credential ? &*loaded.credential : nullptr);
    const Status kept = policy::remember(decision.next.answered, command, policy::encode_answer(answer),
                                         urgency, context.clock.now_ms());
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
    Answer answer = answer_to(command, context);
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
    // Told before the rule that importing onto it would need a second party: whoever repeats an import that was
    // interrupted wants to know what is in already.
    if (loaded->credential && may_see(command, *loaded->credential)) {
      return fail(Code::conflict, "the credential exists");
    }
    if (Status allowed = permit(command, *loaded); !allowed) return std::unexpected(allowed.error());
    if (directory.find_group(command.params.group) == nullptr) {
      return fail(Code::not_found, "there is no group " + command.params.group);
    }
    Result<policy::Imported> imported = open_import(item, command.jti, context.keyring,
                                                    command.params.kind == policy::CredentialKind::api_key);
    if (!imported) return std::unexpected(imported.error());
    const bool shared = known.fingerprint_known(imported->fingerprint);
    const std::set<std::string> members = active_members(command.params.group);
    Result<Decision> decision =
        policy::import(command, item, std::move(*imported), lifecycle_context(members));
    if (!decision) return std::unexpected(decision.error());
    if (shared) {
      for (policy::AuditEvent& event : decision->events) event.detail.emplace_back("secret_shared", "true");
    }
    const Status kept = policy::remember(decision->next.answered, command, {}, policy::Urgency::ordinary,
                                         context.clock.now_ms());
    if (!kept) return std::unexpected(kept.error());
    const Result<std::uint64_t> revision = put(*decision, loaded->revision);
    if (!revision) return std::unexpected(revision.error());
    return ImportedItem{.shared_secret = shared};
  }

  Answer refused(const Command& command, const Error& error) const {
    return refusal_of(command, error, context);
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
    for (const policy::AuditEvent& event : decision.events)
      put.events.push_back(encode_new_event(event, context));
    const TimeMs due = due_of(decision.next);
    if (due != time_never) put.due_at = due;
    Result<std::uint64_t> revision = context.store.compare_and_put(put);
    const unsigned partition = put.key.partition();
    if (!revision) {
      // It may have been stored all the same, with a deadline that nobody here knows of.
      if (revision.error().code != Code::conflict) {
        look_again(partition);
        audit.send(OutboxGrew{partition});
      }
      return revision;
    }
    if (!put.events.empty()) audit.send(OutboxGrew{partition});
    if (due_times.note(partition, due)) timers_changed.set();
    return revision;
  }

  void look_again(unsigned partition) {
    due_times.look_again(partition);
    timers_changed.set();
  }

  TimeMs due_of(const Credential& credential) const {
    if (credential.rotation && !credential.rotation->envelope.empty()) return context.clock.now_ms();
    return policy::next_due(credential, context.rules);
  }

  // ---- what follows by itself: publish what is stored, then whatever time has brought about ----

  enum class Progress { nothing_due, went_on, stuck };

  // Takes steps until nothing is due. stuck: a step could not be taken now and must be tried again later.
  Progress carry_on(Credential credential, std::uint64_t revision) {
    for (Progress progress = Progress::nothing_due;; progress = Progress::went_on) {
      std::optional<Decision> decision;
      if (credential.rotation && !credential.rotation->envelope.empty()) {
        if (Status published = publish(credential); !published) {
          tell_unpublished(credential.client_id, published.error());
          return Progress::stuck;
        }
        unpublished_told.erase(credential.client_id);
        decision = after_publishing(credential);
      } else {
        const std::set<std::string> members = active_members(credential.group);
        decision = policy::advance(credential, members, lifecycle_context(members));
        if (decision) attach_notice(&credential, *decision, context, directory);
      }
      if (!decision) return progress;
      const Result<std::uint64_t> next = put(*decision, revision);
      if (!next) {
        const bool outrun = next.error().code == Code::conflict;  // whoever was faster carries on
        return outrun ? Progress::went_on : Progress::stuck;
      }
      credential = std::move(decision->next);
      revision = *next;
    }
  }

  // Once until it is out: the timers try every second for as long as it takes.
  void tell_unpublished(const std::string& client_id, const Error& error) {
    if (unpublished_told.size() >= due_told_max || !unpublished_told.insert(client_id).second) return;
    log::warning("envelope_not_published", {{"credential", client_id}, {"why", error.message}});
  }

  Status publish(const Credential& credential) {
    Reply<Status> reply(context.loop);
    distribution.send(PublishWork{credential.group, credential.rotation->envelope, &reply});
    return reply.wait();
  }

  Decision after_publishing(const Credential& credential) const {
    if (credential.rotation->state == policy::RotationState::prepared)
      return policy::notified(credential, lifecycle_context(active_members(credential.group)));
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
      for (unsigned partition = 0; held && partition < store::credential_partitions; ++partition) {
        if (!due_times.is_due(partition, now)) continue;
        due_times.begin_serving(partition);
        due_times.end_serving(partition, serve(partition, now));
      }
      const TimeMs until = held ? due_times.earliest() : time_never;
      const TimeMs wait = std::clamp<TimeMs>(until - context.clock.now_ms(), 0, timer_wait_max_ms);
      const bool woken = timers_changed.wait(context.loop.monotonic_ms() + wait);
      // The index itself is asked now and then: what we know of it is a cache.
      if (!woken && wait == timer_wait_max_ms) due_times.look_again_everywhere();
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
    const Result<std::optional<TimeMs>> next = context.store.raw().next_due(partition);
    if (stuck > 0 || !next) return now + timer_retry_ms;
    // What was tried and is due all the same must not turn into a loop without a pause.
    const TimeMs least = tried.empty() ? now : now + timer_retry_ms;
    return next->value_or(time_never) <= now ? least : next->value_or(time_never);
  }

  bool serve_one(const std::string& client_id) {
    const ClientLocks::Held lock = clients.lock(client_id);
    Result<Loaded> loaded = load(client_id);
    if (!loaded || !loaded->credential) {
      if (told_of.size() < due_told_max && told_of.insert(client_id).second) {
        log::error("due_record_unreadable",
                   {{"credential", client_id}, {"why", loaded ? "it is not there" : loaded.error().message}});
      }
      return false;
    }
    const TimeMs due = due_of(*loaded->credential);
    const bool too_early = due > context.clock.now_ms();
    if (!too_early) return carry_on(std::move(*loaded->credential), loaded->revision) == Progress::went_on;
    // The index says now, the record says later (it was mended, or the rules changed): the record is right.
    Decision same;
    same.next = policy::clone(*loaded->credential);
    const Result<std::uint64_t> stored = put(same, loaded->revision);
    return stored || stored.error().code == Code::conflict;
  }

  // ---- small things ----

  // members: of the credential's group, alive as long as the context is used.
  policy::Context lifecycle_context(const std::set<std::string>& members) const {
    const TimeMs now = context.clock.now_ms();
    return {
        now,     context.rules, context.node, context.keyring.current_pepper, Ulid::make(now, context.random),
        &members};
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
  DueTimes due_times;
  std::set<std::string> unpublished_told;  // credentials whose envelope waits, each said once
  std::set<std::string> told_of;           // due entries without a record, each said once
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
