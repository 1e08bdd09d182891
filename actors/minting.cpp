#include "actors/minting.hpp"

#include "actors/distribution.hpp"
#include "engine/api_key.hpp"
#include "engine/digest.hpp"

namespace shearline::actors {

Status mint_secret(policy::Decision& decision, ActorContext& context, DistributionMailbox& distribution) {
  policy::Credential& credential = decision.next;
  policy::Rotation& rotation = *credential.rotation;
  policy::Version* version = nullptr;
  for (policy::Version& candidate : credential.versions) {
    if (candidate.version_id == rotation.version_id) version = &candidate;
  }
  if (version == nullptr) return fail(Code::internal_error, "the decision names a version it does not have");

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

void attach_notice(const policy::Credential* before, policy::Decision& decision, ActorContext& context,
                   const Directory& directory) {
  policy::Credential& credential = decision.next;
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
      make_notice(credential, *credential.rotation, group == nullptr ? 1 : group->generation, window_ends_ms,
                  context.keyring, now, credential.rotation->envelope_id);
}

}  // namespace shearline::actors
