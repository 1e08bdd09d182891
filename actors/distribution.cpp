#include "actors/distribution.hpp"

#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "mls/hpke.hpp"

namespace shearline::actors {

Result<Delivery> seal_for_members(const SealWork& work, const std::vector<const policy::Admin*>& members,
                                  std::uint64_t generation, const keys::Keyring& keyring, TimeMs now,
                                  Random& random) {
  const wire::DeliveredSecret& delivered = work.delivered;
  const Plaintext plaintext = wire::encode_secret(delivered);
  const Bytes aad =
      wire::associated_data(work.group_id, delivered.rotation_id, delivered.client_id, delivered.version_id);

  wire::Envelope envelope;
  envelope.id = Ulid::make(now, random);
  envelope.group_id = work.group_id;
  envelope.generation = generation;
  envelope.kind = wire::EnvelopeKind::sealed;
  envelope.at_ms = now;
  envelope.rotation_id = delivered.rotation_id;
  envelope.client_id = delivered.client_id;
  envelope.version_id = delivered.version_id;

  Delivery delivery;
  delivery.envelope_id = envelope.id;
  for (const policy::Admin* member : members) {
    Result<mls::hpke::Sealed> sealed = mls::hpke::seal_base(
        mls::hpke::default_suite, member->sealing_key, wire::sealed_info(work.group_id, member->admin_id),
        aad, plaintext.reveal(), random);
    // One member's bad key never costs the others their delivery.
    if (!sealed) {
      log::warning("member_cannot_be_sealed_for",
                   {{"admin", member->admin_id}, {"why", sealed.error().message}});
      continue;
    }
    envelope.to.push_back(member->admin_id);
    envelope.sealed.push_back(
        {member->admin_id, std::move(sealed->encapsulated), std::move(sealed->ciphertext)});
    delivery.tags.push_back(
        {member->admin_id, wire::ack_tag(delivered.secret, delivered.rotation_id, member->admin_id)});
  }
  if (delivery.tags.empty()) {
    return fail(Code::policy_violation, "no enrolled member of the group " + work.group_id +
                                            " could receive the secret; enroll one first");
  }
  delivery.envelope = wire::encode_signed(envelope, keyring.signing_seed);
  return delivery;
}

Bytes make_notice(const policy::Credential& credential, const policy::Rotation& rotation,
                  std::uint64_t generation, TimeMs window_ends_ms, const keys::Keyring& keyring, TimeMs now,
                  Ulid id) {
  wire::Envelope notice;
  notice.id = id;
  notice.group_id = credential.group;
  notice.generation = generation;
  notice.kind = wire::EnvelopeKind::notice;
  notice.at_ms = now;
  notice.rotation_id = rotation.rotation_id.text();
  notice.client_id = credential.client_id;
  notice.version_id = rotation.version_id.text();
  notice.window_ends_ms = window_ends_ms;
  return wire::encode_signed(notice, keyring.signing_seed);
}

struct Distribution::Impl {
  Impl(ActorContext& given, const Directory& known) : context(given), directory(known), mailbox(given.loop) {}

  void run() {
    while (std::optional<DistributionMessage> message = mailbox.receive()) {
      if (auto* seal = std::get_if<SealWork>(&*message)) {
        seal->reply.set(this->seal(*seal));
      } else if (auto* publish = std::get_if<PublishWork>(&*message)) {
        publish->reply.set(this->publish(*publish));
      }
    }
  }

  Result<Delivery> seal(const SealWork& work) {
    const policy::Group* group = directory.find_group(work.group_id);
    if (group == nullptr) return fail(Code::not_found, "there is no group " + work.group_id);
    const TimeMs now = context.clock.now_ms();
    std::vector<const policy::Admin*> members;
    for (const std::string& id : group->members) {
      if (directory.is_active(id, now)) members.push_back(directory.find_admin(id));
    }
    return seal_for_members(work, members, group->generation, context.keyring, now, context.random);
  }

  Status publish(const PublishWork& work) {
    const std::uint64_t fence = context.store.fence();
    if (fence == 0) return fail(Code::unavailable, "this node does not hold the control lease");
    if (raised[work.group_id] != fence) {
      if (Status done = context.store.raw().raise_group_fence(work.group_id, fence); !done) return done;
      raised[work.group_id] = fence;
    }
    const Result<store::PutOutcome> outcome = context.store.raw().append(work.group_id, work.envelope, fence);
    if (!outcome) return std::unexpected(outcome.error());
    switch (*outcome) {
      case store::PutOutcome::ok:
        return {};
      case store::PutOutcome::fenced:
        if (context.store.fence() == fence) context.store.set_fence(0);
        return fail(Code::unavailable, "another node holds the control lease now");
      default:
        return fail(Code::internal_error, "the stream of the group " + work.group_id + " is not a stream");
    }
  }

  ActorContext& context;
  const Directory& directory;
  DistributionMailbox mailbox;
  std::map<std::string, std::uint64_t> raised;  // group -> the fence this node raised it to
  boost::fibers::fiber fiber;
};

Distribution::Distribution(ActorContext& context, const Directory& directory)
    : impl_(std::make_unique<Impl>(context, directory)) {}
Distribution::~Distribution() = default;

void Distribution::start() {
  impl_->fiber = loop::spawn("distribution", [this] { impl_->run(); });
}
DistributionMailbox& Distribution::mailbox() { return impl_->mailbox; }
void Distribution::stop() {
  impl_->mailbox.close();
  if (impl_->fiber.joinable()) impl_->fiber.join();
}

}  // namespace shearline::actors
