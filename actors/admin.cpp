#include "actors/admin.hpp"

#include "actors/answers.hpp"
#include "actors/credential_changes.hpp"
#include "actors/gate.hpp"
#include "actors/queries.hpp"
#include "actors/rate.hpp"
#include "actors/refusal_record.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "policy/answered.hpp"
#include "policy/authority.hpp"
#include "policy/jws.hpp"
#include "policy/membership.hpp"

#include <optional>

namespace shearline::actors {
namespace {

using policy::Answer;
using policy::AnswerStatus;
using policy::Command;
using policy::Verb;

bool is_read(Verb verb) { return verb == Verb::status || verb == Verb::list || verb == Verb::history; }
bool is_membership(Verb verb) {
  return verb == Verb::group_create || verb == Verb::group_add || verb == Verb::admin_enroll;
}

}  // namespace

struct Admin::Impl {
  Impl(ActorContext& given, Directory& known_directory, KnownState known_state,
       RotationMailbox& given_rotation, AuditMailbox& given_audit, SendAnswer send)
      : context(given),
        directory(known_directory),
        known(std::move(known_state)),
        rotation(given_rotation),
        audit(given_audit),
        send_answer(std::move(send)),
        mailbox(given.loop),
        hands(given.loop, "admin-command", admin_commands_in_flight_max),
        membership(given.loop),
        stopping(given.loop),
        rate(given.rules.commands_per_minute_per_admin),
        urgent_rate(urgent_commands_per_minute),
        strangers(stranger_answers_per_second * 60),
        stale(stale_commands_per_minute),
        refusals(given, given_audit) {}

  void run() {
    while (std::optional<AdminMessage> message = mailbox.receive()) {
      if (const auto* lease = std::get_if<LeaseChanged>(&*message)) {
        held = lease->held;
      } else if (auto* received = std::get_if<CommandReceived>(&*message)) {
        if (held) hands.run([this, jws = std::move(received->jws)] { handle(jws); });
      }
    }
  }

  void handle(const std::string& jws) {
    const TimeMs now = context.clock.now_ms();
    const Result<Command> command = policy::authenticate_sender(
        jws, context.keyring.deployment, [this](std::string_view id) { return directory.find_admin(id); },
        now);
    if (!command) return refuse_stranger(jws, command.error(), now);
    Answer answer;
    if (Status fresh = policy::check_freshness(*command, now); !fresh) {
      // Old commands that somebody plays again must not use up what their signer may still do.
      if (stale.take(command->kid, now) > 0) return;
      answer = answer_again(*command).value_or(refused(*command, fresh.error()));
    } else if (const TimeMs wait = wait_of(*command, now); wait > 0) {
      answer =
          refused(*command, {Code::rate_limited, "too many commands; wait " + std::to_string(wait) + " ms"});
    } else {
      answer = execute(*command);
    }
    // A node that lost the lease meanwhile stays silent: the holder will answer the repeated command.
    if (answer.code == Code::unavailable && context.store.fence() == 0) return;
    if (answer.status == AnswerStatus::rejected) put_on_record(command->kid, answer.code);
    send(answer);
  }

  // What must not wait behind its signer's own flood has a rate of its own once the common one is used up.
  TimeMs wait_of(const Command& command, TimeMs now) {
    const TimeMs wait = rate.take(command.kid, now);
    const bool urgent = policy::urgency_of(command, nullptr) == policy::Urgency::urgent;
    return wait > 0 && urgent ? urgent_rate.take(command.kid, now) : wait;
  }

  // A command may no longer act after its `exp`, but whoever missed the answer may still ask for it (protocols.md section 3).
  std::optional<Answer> answer_again(const Command& command) {
    std::vector<policy::AnsweredCommand> of_record;
    const std::vector<policy::AnsweredCommand>* answered = nullptr;
    if (is_membership(command.verb)) {
      answered = answered_of(command);
    } else if (!is_read(command.verb) && policy::is_id(command.credential)) {
      const Result<store::Record> record =
          context.store.get({store::Kind::credential, command.credential}, 0);
      Result<policy::Credential> credential =
          record ? context.codec.decode_credential(record->payload) : std::unexpected(record.error());
      if (credential) {
        of_record = std::move(credential->answered);
        answered = &of_record;
      }
    }
    if (answered == nullptr) return std::nullopt;
    const auto earlier = policy::earlier_answer(*answered, command);
    if (!earlier || *earlier == nullptr) return std::nullopt;
    const Result<Answer> answer = policy::decode_answer((*earlier)->answer);
    return answer ? std::optional(*answer) : std::nullopt;
  }

  Answer execute(const Command& command) {
    if (is_read(command.verb)) {
      const Result<QueryAnswer> result = answer_query(context, directory, known, command);
      if (!result) return refused(command, result.error());
      Answer answer = answer_to(command, context);
      answer.status = AnswerStatus::done;
      answer.code = Code::ok;
      answer.rotation_json = result->rotation_json;
      answer.result_json = result->result_json;
      return answer;
    }
    if (is_membership(command.verb)) {
      const ClientLocks::Held lock = membership.lock("");  // few and far between: one at a time
      Result<Answer> answer = change_membership(command);
      // A store's answer that was lost is found once the change has come round to us.
      for (int again = 1; !answer && answer.error().code == Code::unavailable && again < attempts_max;
           ++again) {
        if (context.store.fence() == 0) break;
        loop::sleep_for_ms(context.loop, attempt_pause_ms);
        answer = change_membership(command);
      }
      return answer ? *answer : refused(command, answer.error());
    }
    Reply<Answer> reply(context.loop, refused(command, {Code::unavailable, "this node is stopping"}));
    rotation.send(CommandWork{command, &reply});
    return reply.wait();
  }

  // ---- admins and groups ----

  Result<Answer> change_membership(const Command& command) {
    const TimeMs now = context.clock.now_ms();
    const std::vector<policy::AnsweredCommand>* answered = answered_of(command);
    if (answered != nullptr) {
      const auto earlier = policy::earlier_answer(*answered, command);
      if (!earlier) return std::unexpected(earlier.error());
      if (*earlier != nullptr) return policy::decode_answer((*earlier)->answer);
    }
    const policy::Admin* admin = directory.find_admin(command.kid);
    if (admin == nullptr) return fail(Code::unauthorized, "not allowed");
    Status allowed = policy::permit(*admin, command, nullptr, context.rules, {directory.admins_known()}, now);
    if (!allowed) return std::unexpected(allowed.error());

    const policy::MembershipContext with{now, context.node, context.rules.hash};
    if (command.verb == Verb::admin_enroll) return enroll(command, with);
    const policy::Group* group = directory.find_group(command.params.group);
    auto change = command.verb == Verb::group_create ? policy::create_group(group, command, with)
                                                     : policy::add_members(group, command, with);
    if (!change) return std::unexpected(change.error());
    const store::RecordKey key{store::Kind::group, change->next.group_id};
    return store_membership(command, key, directory.group_revision(key.id), std::move(*change));
  }

  const std::vector<policy::AnsweredCommand>* answered_of(const Command& command) const {
    if (command.verb == Verb::admin_enroll) {
      const policy::Admin* admin = directory.find_admin(command.params.admin_id);
      return admin == nullptr ? nullptr : &admin->answered;
    }
    const policy::Group* group = directory.find_group(command.params.group);
    return group == nullptr ? nullptr : &group->answered;
  }

  Result<Answer> enroll(const Command& command, const policy::MembershipContext& with) {
    const policy::Params& params = command.params;
    const policy::EnrollFacts facts{directory.find_admin(params.admin_id) != nullptr,
                                    directory.person_taken(params.person),
                                    keys::sealing_key_proven(params.signing_key, params.admin_id,
                                                             params.sealing_key, params.sealing_key_proof)};
    auto change = policy::enroll_admin(facts, command, with);
    if (!change) return std::unexpected(change.error());
    const store::RecordKey key{store::Kind::admin, params.admin_id};
    return store_membership(command, key, directory.admin_revision(key.id), std::move(*change));
  }

  template <class T>
  Result<Answer> store_membership(const Command& command, const store::RecordKey& key, std::uint64_t revision,
                                  policy::MembershipChange<T> change) {
    if (context.rules.bootstrap && directory.admins_known() == 1)
      change.event.detail.emplace_back("bootstrap", "true");
    Answer answer = answer_to(command, context);
    answer.status = AnswerStatus::done;
    answer.code = Code::ok;
    answer.detail = change.event.type + " " + key.id;
    const Status kept = policy::remember(change.next.answered, command, policy::encode_answer(answer),
                                         policy::urgency_of(command, nullptr), change.event.at_ms);
    if (!kept) return std::unexpected(kept.error());
    store::SealedStore::Put put;
    put.key = key;
    put.expected_revision = revision;
    put.payload = context.codec.encode(change.next);
    put.events.push_back(encode_new_event(change.event, context));
    const Result<std::uint64_t> stored = context.store.compare_and_put(put);
    audit.send(OutboxGrew{store::system_partition});  // even where its answer was lost
    if (!stored) {
      if (stored.error().code != Code::conflict) return std::unexpected(stored.error());
      return fail(Code::unavailable, "this node is not up to date yet; send the command again");
    }
    // The next command must see this one, whether or not the change stream has come round to us.
    remember(std::move(change.next), *stored);
    return answer;
  }

  void remember(policy::Admin admin, std::uint64_t revision) {
    directory.put_admin(std::move(admin), revision);
  }
  void remember(policy::Group group, std::uint64_t revision) {
    directory.put_group(std::move(group), revision);
  }

  // ---- answers ----

  // Whoever is not authenticated gets an answer only if the bytes name a jti, and only so often.
  void refuse_stranger(const std::string& jws, const Error& error, TimeMs now) {
    put_on_record("", error.code);
    const std::optional<Ulid> jti = policy::claimed_jti(jws);
    if (!jti || strangers.take("", now) > 0) return;
    Answer answer;
    answer.jti = *jti;
    answer.command_hash = sha256(as_bytes(jws));
    answer.code = error.code;
    answer.detail = error.message;
    send(answer);
  }

  Answer refused(const Command& command, const Error& error) const {
    return refusal_of(command, error, context);
  }

  void send(const Answer& answer) {
    std::string jws = signed_form(answer);
    if (jws.size() > policy::jws_bytes_max) {
      Answer instead = answer;
      instead.status = AnswerStatus::rejected;
      instead.code = Code::internal_error;
      instead.detail = "the answer is too long to be sent; ask for less (`limit`)";
      instead.rotation_json.clear();
      instead.result_json.clear();
      jws = signed_form(instead);
    }
    send_answer(answer.jti.text(), jws);
  }
  std::string signed_form(const Answer& answer) const {
    return policy::sign_jws(policy::encode_answer(answer), policy::reply_type, "engine",
                            context.keyring.signing_seed);
  }

  // ---- refusals on record: the first of a kind before its sender hears of it, repetitions counted (ADR 12) ----

  void put_on_record(std::string_view who, Code code) {
    if (refusals.count(who, code)) tell_unless_written(refusals.write());
  }
  void write_repetitions() {
    while (!stopping.wait(context.loop.monotonic_ms() + refusals_written_every_ms)) end_round_of_refusals();
  }
  void end_round_of_refusals() {
    if (held) tell_unless_written(refusals.end_round());
  }
  static void tell_unless_written(const Status& written) {
    if (!written) log::warning("refusals_not_recorded", {{"why", written.error().message}});
  }

  ActorContext& context;
  Directory& directory;
  KnownState known;
  RotationMailbox& rotation;
  AuditMailbox& audit;
  SendAnswer send_answer;
  AdminMailbox mailbox;
  Gate hands;
  ClientLocks membership;
  loop::Event stopping;
  CommandRate rate;
  CommandRate urgent_rate;
  CommandRate strangers;
  CommandRate stale;
  RefusalRecord refusals;
  bool held = false;
  boost::fibers::fiber fiber;
  boost::fibers::fiber refusal_writer;
};

Admin::Admin(ActorContext& context, Directory& directory, KnownState known, RotationMailbox& rotation,
             AuditMailbox& audit, SendAnswer send_answer)
    : impl_(std::make_unique<Impl>(context, directory, std::move(known), rotation, audit,
                                   std::move(send_answer))) {}
Admin::~Admin() = default;

void Admin::start() {
  impl_->fiber = loop::spawn("admin", [this] { impl_->run(); });
  impl_->refusal_writer = loop::spawn("admin-refusals", [this] { impl_->write_repetitions(); });
}
AdminMailbox& Admin::mailbox() { return impl_->mailbox; }
void Admin::stop() {
  impl_->mailbox.close();
  if (impl_->fiber.joinable()) impl_->fiber.join();
  impl_->hands.close();
  impl_->stopping.set();
  if (impl_->refusal_writer.joinable()) impl_->refusal_writer.join();
  impl_->end_round_of_refusals();
}

}  // namespace shearline::actors
