#include "actors/rotation.hpp"

#include "actors/answers.hpp"
#include "actors/credential_changes.hpp"
#include "actors/credential_records.hpp"
#include "actors/gate.hpp"
#include "actors/import_command.hpp"
#include "actors/minting.hpp"
#include "actors/timers.hpp"
#include "base/log.hpp"
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
        records(given, known.revision_of, given_audit, timers),
        changes(given, known_directory, records, given_distribution, timers, clients,
                [this](Credential stored, std::uint64_t revision) { carry_on(std::move(stored), revision); }),
        importer(given, known_directory, known, changes) {}

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
    if (!taken)
      shared->reply.set(refusal_of(shared->command, {Code::unavailable, "this node is stopping"}, context));
  }

  // ---- commands ----

  Answer execute(const Command& command) {
    if (command.verb == Verb::credential_import) return importer.execute(command);
    const Result<Settled> settled = changes.carry_out(
        {.command = command,
         .client_id = command.credential,
         .decide = [&](const Loaded& before) { return decide(command, before); },
         .answer = [&](const Loaded& before,
                       const Decision& decision) { return answer_text(command, before, decision); }});
    if (!settled) return refusal_of(command, settled.error(), context);
    const Result<Answer> answer = policy::decode_answer(settled->answer);
    return answer ? *answer : refusal_of(command, answer.error(), context);
  }

  Result<Decision> decide(const Command& command, const Loaded& loaded) {
    const std::set<std::string> members =
        active_members(loaded.credential ? loaded.credential->group : command.params.group);
    const policy::Context with = lifecycle_context(context, members);
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

  std::string answer_text(const Command& command, const Loaded& before, const Decision& decision) const {
    const Credential& next = decision.next;
    Answer answer = answer_to(command, context);
    answer.status =
        next.rotation && policy::is_open(next.rotation->state) ? AnswerStatus::accepted : AnswerStatus::done;
    answer.code = Code::ok;
    answer.detail = what_happened(before.get(), next);
    if (next.rotation) answer.rotation_json = policy::rotation_json(next, *next.rotation);
    return policy::encode_answer(answer);
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
        decision = policy::advance(credential, members, lifecycle_context(context, members));
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
    if (credential.rotation->state == policy::RotationState::prepared) {
      const std::set<std::string> members = active_members(credential.group);
      return policy::notified(credential, lifecycle_context(context, members));
    }
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

  std::set<std::string> active_members(const std::string& group_id) const {
    return directory.active_members(group_id, context.clock.now_ms());
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
  CredentialChanges changes;
  Importer importer;
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
