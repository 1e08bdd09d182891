#include "actors/credential_changes.hpp"

#include "actors/minting.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "policy/answered.hpp"
#include "policy/authority.hpp"

#include <utility>

namespace shearline::actors {

CredentialChanges::CredentialChanges(ActorContext& context, const Directory& directory,
                                     CredentialRecords& records, DistributionMailbox& distribution,
                                     Timers& timers, ClientLocks& clients, CarryOn carry_on)
    : context_(context),
      directory_(directory),
      records_(records),
      distribution_(distribution),
      timers_(timers),
      clients_(clients),
      carry_on_(std::move(carry_on)) {}

Result<Settled> CredentialChanges::carry_out(const ChangeOrder& order) {
  const ClientLocks::Held lock = clients_.lock(order.client_id);
  const std::int64_t until_ms = context_.loop.monotonic_ms() + order.patience_ms;
  Error last{Code::unavailable, "the credential changes too fast; send the command again"};
  for (int tried = 0; tried == 0 || (tried < order.tries_max && context_.loop.monotonic_ms() < until_ms);
       ++tried) {
    Result<std::optional<Settled>> settled = try_once(order);
    if (settled && *settled) return std::move(**settled);
    if (settled) continue;
    last = settled.error();
    // An answer of the store that was lost is found by looking: a command that was carried out has its answer there.
    if (last.code != Code::unavailable || context_.store.fence() == 0) break;
    loop::sleep_for_ms(context_.loop, attempt_pause_ms);
  }
  return std::unexpected(std::move(last));
}

// Empty: somebody else changed the record between our read and our put; decide again on what is there now.
Result<std::optional<Settled>> CredentialChanges::try_once(const ChangeOrder& order) {
  Result<Loaded> loaded = records_.load(order.client_id);
  if (!loaded) return std::unexpected(loaded.error());
  Result<std::optional<Settled>> before = earlier(order, *loaded);
  if (!before || *before) return before;
  if (Status allowed = permit(order.command, *loaded); !allowed) return std::unexpected(allowed.error());
  Result<policy::Decision> decision = order.decide(*loaded);
  if (!decision) return std::unexpected(decision.error());
  if (decision->needs_secret) {
    if (Status sealed = mint_secret(*decision, context_, distribution_); !sealed)
      return std::unexpected(sealed.error());
  }
  attach_notice(loaded->get(), *decision, context_, directory_);
  return store(order, *loaded, std::move(*decision));
}

Result<std::optional<Settled>> CredentialChanges::earlier(const ChangeOrder& order, const Loaded& loaded) {
  if (!loaded.credential) return std::nullopt;
  const auto answered = policy::earlier_answer(loaded.credential->answered, order.command);
  if (!answered) return std::unexpected(answered.error());
  if (*answered == nullptr) return std::nullopt;
  timers_.look_again(store::partition_of(order.client_id));  // what we once began may still be waiting
  return Settled{.answer = (*answered)->answer, .repeated = true};
}

Status CredentialChanges::permit(const policy::Command& command, const Loaded& loaded) const {
  const policy::Admin* admin = directory_.find_admin(command.kid);
  if (admin == nullptr) return fail(Code::unauthorized, "not allowed");
  // Grants come first: what is outside them is not there for this admin, nor is the group it is for.
  const Status allowed =
      policy::permit(*admin, command, loaded.credential ? &loaded.credential->metadata : nullptr,
                     context_.rules, {directory_.admins_known()}, context_.clock.now_ms());
  if (!allowed) return allowed;
  // Holding an enrolled key and being in the credential's group go together (security.md "Commands").
  const std::string& group = loaded.credential ? loaded.credential->group : command.params.group;
  const bool founded = loaded.credential || directory_.find_group(group) != nullptr;  // else `decide` says so
  if (founded && !directory_.members_of(group).contains(command.kid)) {
    return fail(Code::unauthorized,
                command.kid + " is not in the group " + group + ", which this credential is for");
  }
  return {};
}

// The answer is part of the record, so that the same command after a crash gets the same answer.
Result<std::optional<Settled>> CredentialChanges::store(const ChangeOrder& order, const Loaded& loaded,
                                                        policy::Decision decision) {
  Settled settled{.answer = order.answer(loaded, decision)};
  const policy::Urgency urgency = policy::urgency_of(order.command, loaded.get());
  const Status kept = policy::remember(decision.next.answered, order.command, settled.answer, urgency,
                                       context_.clock.now_ms());
  if (!kept) return std::unexpected(kept.error());
  const Result<std::uint64_t> revision = records_.put(decision, loaded.revision);
  if (!revision) {
    if (revision.error().code == Code::conflict) return std::nullopt;
    return std::unexpected(revision.error());
  }
  // The change is durable; what follows is only quicker now than when its timer finds it.
  carry_on_(std::move(decision.next), *revision);
  return settled;
}

}  // namespace shearline::actors
