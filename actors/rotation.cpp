#include "actors/rotation.hpp"

#include "actors/answers.hpp"
#include "actors/credential_records.hpp"
#include "actors/gate.hpp"
#include "actors/import.hpp"
#include "actors/minting.hpp"
#include "actors/timers.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "policy/answered.hpp"
#include "policy/authority.hpp"
#include "policy/lifecycle.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

namespace shearline::actors {
namespace {

using policy::Answer;
using policy::AnswerStatus;
using policy::Command;
using policy::Credential;
using policy::Decision;
using policy::Verb;

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
        mailbox(given.loop),
        hands(given.loop, "rotation-command", commands_in_flight_max),
        clients(given.loop),
        timers(given, [this](const std::string& client_id) { return serve_due(client_id); }),
        records(given, known.revision_of, given_audit, timers) {}

  // ---- the mailbox ----

  void run() {
    while (std::optional<RotationMessage> message = mailbox.receive()) {
      if (auto* work = std::get_if<CommandWork>(&*message)) {
        take(std::move(*work));
      } else if (auto* lease = std::get_if<LeaseChanged>(&*message)) {
        timers.hold_lease(lease->held);
      } else if (auto* mended = std::get_if<StoreMended>(&*message)) {
        timers.look_again(mended->partition);
      } else {
        timers.clock_moved();
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
    Result<Loaded> loaded = records.load(command.credential);
    if (!loaded) return std::unexpected(loaded.error());
    if (loaded->credential) {
      const auto earlier = policy::earlier_answer(loaded->credential->answered, command);
      if (!earlier) return std::unexpected(earlier.error());
      if (*earlier != nullptr) {
        timers.look_again(
            store::partition_of(command.credential));  // what we once began may still be waiting
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
    attach_notice(loaded->get(), *decision, context, directory);
    return store_answered(command, *loaded, std::move(*decision));
  }

  Status permit(const Command& command, const Loaded& loaded) {
    const policy::Admin* admin = directory.find_admin(command.kid);
    if (admin == nullptr) return fail(Code::unauthorized, "not allowed");
    // Grants come first: what is outside them is not there for this admin, nor is the group it is for.
    const Status allowed = policy::permit(
        *admin, command, loaded.credential ? &loaded.credential->metadata : nullptr, context.rules,
        {directory.admins_known(), loaded.credential.has_value()}, context.clock.now_ms());
    if (!allowed) return allowed;
    // Holding an enrolled key and being in the credential's group go together (security.md "Commands").
    const std::string& group = loaded.credential ? loaded.credential->group : command.params.group;
    const bool founded =
        loaded.credential || directory.find_group(group) != nullptr;  // else `decide` says so
    if (founded && !directory.members_of(group).contains(command.kid)) {
      return fail(Code::unauthorized,
                  command.kid + " is not in the group " + group + ", which this credential is for");
    }
    return {};
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
    answer.detail = what_happened(loaded.get(), decision.next);
    if (decision.next.rotation)
      answer.rotation_json = policy::rotation_json(decision.next, *decision.next.rotation);
    const policy::Urgency urgency = policy::urgency_of(command, loaded.get());
    const Status kept = policy::remember(decision.next.answered, command, policy::encode_answer(answer),
                                         urgency, context.clock.now_ms());
    if (!kept) return std::unexpected(kept.error());
    const Result<std::uint64_t> revision = records.put(decision, loaded.revision);
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
    const std::int64_t until_ms = context.loop.monotonic_ms() + import_item_patience_ms;
    Result<ImportedItem> one = try_import(command, item);
    while (!one && one.error().code == Code::unavailable && context.loop.monotonic_ms() < until_ms) {
      if (context.store.fence() == 0) break;
      loop::sleep_for_ms(context.loop, attempt_pause_ms);
      one = try_import(command, item);  // a put whose answer was lost has left this command in the record
    }
    return one;
  }

  Result<ImportedItem> try_import(const Command& command, const policy::ImportItem& item) {
    Result<Loaded> loaded = records.load(item.client_id);
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
    const Result<std::uint64_t> revision = records.put(*decision, loaded->revision);
    if (!revision) return std::unexpected(revision.error());
    return ImportedItem{.shared_secret = shared};
  }

  Answer refused(const Command& command, const Error& error) const {
    return refusal_of(command, error, context);
  }

  // ---- what follows by itself: publish what is stored, then whatever time has brought about ----

  enum class Progress { nothing_due, went_on, stuck };

  // Takes steps until nothing is due. stuck: a step could not be taken now and is tried again later.
  Progress carry_on(Credential credential, std::uint64_t revision) {
    const unsigned partition = store::partition_of(credential.client_id);
    const Progress progress = take_steps(std::move(credential), revision);
    if (progress == Progress::stuck) timers.note(partition, context.clock.now_ms() + timer_retry_ms);
    return progress;
  }

  Progress take_steps(Credential credential, std::uint64_t revision) {
    for (Progress progress = Progress::nothing_due;; progress = Progress::went_on) {
      std::optional<Decision> decision;
      if (carries_envelope(credential)) {
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
      const Result<std::uint64_t> next = records.put(*decision, revision);
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

  // ---- what the timers found to be due ----

  bool serve_due(const std::string& client_id) {
    const ClientLocks::Held lock = clients.lock(client_id);
    Result<Loaded> loaded = records.load(client_id);
    if (!loaded || !loaded->credential) {
      if (told_of.size() < due_told_max && told_of.insert(client_id).second) {
        log::error("due_record_unreadable",
                   {{"credential", client_id}, {"why", loaded ? "it is not there" : loaded.error().message}});
      }
      return false;
    }
    if (records.due_of(*loaded->credential) > context.clock.now_ms()) return serve_too_early(*loaded);
    too_early.erase(client_id);
    return carry_on(std::move(*loaded->credential), loaded->revision) == Progress::went_on;
  }

  // The index said now, the record says later. Mostly the record has changed since the index was read, and the index with
  // it. Found like this again without a change, the index is wrong (the record was mended, or the rules changed): the
  // record is right.
  bool serve_too_early(const Loaded& loaded) {
    const std::string& client_id = loaded.credential->client_id;
    if (too_early.size() >= too_early_max) too_early.clear();
    const auto [before, is_first] = too_early.try_emplace(client_id, loaded.revision);
    if (is_first || std::exchange(before->second, loaded.revision) != loaded.revision) return true;
    Decision same;
    same.next = policy::clone(*loaded.credential);
    const Result<std::uint64_t> stored = records.put(same, loaded.revision);
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
  RotationMailbox mailbox;
  Gate hands;
  ClientLocks clients;
  Timers timers;
  CredentialRecords records;
  std::set<std::string> unpublished_told;          // credentials whose envelope waits, each said once
  std::set<std::string> told_of;                   // due entries without a record, each said once
  std::map<std::string, std::uint64_t> too_early;  // credential -> the revision that was not due yet
  boost::fibers::fiber fiber;
};

Rotation::Rotation(ActorContext& context, const Directory& directory, KnownState known,
                   DistributionMailbox& distribution, AuditMailbox& audit)
    : impl_(std::make_unique<Impl>(context, directory, std::move(known), distribution, audit)) {}
Rotation::~Rotation() = default;

void Rotation::start() {
  impl_->fiber = loop::spawn("rotation", [this] { impl_->run(); });
  impl_->timers.start();
}
RotationMailbox& Rotation::mailbox() { return impl_->mailbox; }
void Rotation::stop() {
  impl_->mailbox.close();
  if (impl_->fiber.joinable()) impl_->fiber.join();
  impl_->timers.hold_lease(false);
  impl_->hands.close();
  impl_->timers.stop();
}

}  // namespace shearline::actors
