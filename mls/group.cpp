// RFC 9420 sections 11, 12.1 and 15: creating a group, proposing, and application messages. The other halves of
// Group are in group_commit.cpp, group_process.cpp, group_join.cpp and group_state.cpp.
#include "mls/group.hpp"

#include "mls/private_message.hpp"
#include "mls/transcript_hash.hpp"
#include "mls/tree_validation.hpp"

#include <algorithm>

namespace shearline::mls {

// ---- shared by the halves ----

Status Group::may_send() const {
  if (standing_ == Standing::current) return {};
  return fail(Code::conflict, standing_ == Standing::possibly_old
                                  ? "this group state may be old: it reads, but neither commits nor sends"
                                  : "we were removed from this group");
}

LeafRules Group::rules(const Extensions& extensions, const Outside& outside) const {
  return {.cipher_suite = cipher_suite(),
          .group_id = group_id(),
          .group_context_extensions = extensions,
          .now_s = outside.now_s,
          .lifetime_seconds_max = outside.lifetime_seconds_max,
          .identities = outside.identities};
}

// Section 6.1, from us, in this epoch.
AuthenticatedContent Group::framed(std::variant<Plaintext, Proposal, Commit> body,
                                   ByteView authenticated_data) const {
  AuthenticatedContent out;
  out.wire_format = WireFormat::private_message;
  out.content = {.group_id = group_id(),
                 .epoch = epoch(),
                 .sender = member(own_leaf_),
                 .authenticated_data = to_bytes(authenticated_data),
                 .body = std::move(body)};
  out.auth.signature = sign_content(signature_key_, out.wire_format, out.content, epoch_->encoded_context);
  return out;
}

Result<Bytes> Group::seal(const AuthenticatedContent& message, std::size_t padding_bytes, Random& random) {
  Result<PrivateMessage> sealed = protect_private(cipher_suite(), message, epoch_->secrets.sender_data_secret,
                                                  secrets_, padding_bytes, random);
  if (!sealed) return pass_on(sealed.error());
  return encode_message(std::move(*sealed));
}

Group::NewEpoch Group::start_epoch(GroupContext context, Bytes encoded_context, RatchetTree tree,
                                   EpochSecrets secrets) {
  NewEpoch out;
  out.confirmation_tag = confirmation_tag(secrets.confirmation_key, context.confirmed_transcript_hash);
  out.secrets = SecretTree(context.cipher_suite, tree.leaf_count(), std::move(secrets.encryption_secret));
  secrets.confirmation_key = Key();
  Bytes interim = to_bytes(interim_transcript_hash(context.confirmed_transcript_hash, out.confirmation_tag));
  out.epoch = std::make_shared<const Epoch>(Epoch{.context = std::move(context),
                                                  .encoded_context = std::move(encoded_context),
                                                  .tree = std::move(tree),
                                                  .interim_transcript_hash = std::move(interim),
                                                  .secrets = std::move(secrets)});
  return out;
}

// The state of the new epoch. Of the old one stays what late application messages need, and no more.
Group Group::enter(std::shared_ptr<const Epoch> epoch, SecretTree secrets, TreePrivateKeys keys) const {
  Group out = clone();
  auto past = std::make_shared<PastEpoch>();
  past->epoch = this->epoch();
  past->encoded_context = epoch_->encoded_context;
  past->leaves = epoch_->tree.leaves();
  past->sender_data_secret = std::make_shared<const Key>(epoch_->secrets.sender_data_secret.clone());
  past->secrets = secrets_;
  past->secrets.end_epoch(own_leaf_);
  out.past_.push_back(std::move(past));
  if (out.past_.size() > retained_epochs_max) out.past_.erase(out.past_.begin());
  out.epoch_ = std::move(epoch);
  out.secrets_ = std::move(secrets);
  out.keys_ = std::move(keys);
  out.proposals_.clear();
  out.pending_.reset();
  return out;
}

// The state of a member whom a commit removed: what it would need to follow another commit is gone.
Group Group::leave() const {
  Group out = clone();
  out.standing_ = Standing::removed;
  out.keys_ = TreePrivateKeys();
  out.proposals_.clear();
  out.pending_.reset();
  return out;
}

// ---- 11 ----

Result<Group> Group::create(const OwnKeyPackage& own, ByteView group_id, Extensions extensions,
                            const Outside& outside) {
  if (group_id.size() > identity_bytes_max) return broken("8.1", "the group id is longer than 4 KiB");
  const CipherSuite suite = own.key_package.cipher_suite;
  const Status valid =
      validate_key_package(own.key_package, {.cipher_suite = suite,
                                             .group_id = group_id,
                                             .group_context_extensions = extensions,
                                             .now_s = outside.now_s,
                                             .lifetime_seconds_max = outside.lifetime_seconds_max,
                                             .identities = outside.identities});
  if (!valid) return pass_on(valid.error());
  RatchetTree tree(own.key_package.leaf_node);
  GroupContext context{.cipher_suite = suite,
                       .group_id = to_bytes(group_id),
                       .epoch = 0,
                       .tree_hash = to_bytes(tree.tree_hash()),
                       .confirmed_transcript_hash = {},
                       .extensions = std::move(extensions)};
  Bytes encoded = encode([&](Writer& out) { write(out, context); });
  const Key epoch_secret = random_key(outside.random, hash_bytes);
  NewEpoch first = start_epoch(std::move(context), std::move(encoded), std::move(tree),
                               derive_epoch_secrets(epoch_secret));
  Group out;
  out.epoch_ = std::move(first.epoch);
  out.secrets_ = std::move(first.secrets);
  out.signature_key_ = own.signature_key;
  out.keys_.set({0}, own.encryption_key.clone());
  return out;
}

// ---- 12.1 ----

Result<Group::Sent> Group::propose(Proposal proposal, std::shared_ptr<const hpke::KeyPair> own_update,
                                   const Outside& outside) const {
  if (const Status allowed = may_send(); !allowed) return pass_on(allowed.error());
  if (proposals_.size() == proposals_pending_max) return broken("12.1", "4096 proposals wait for a commit");
  Group next = clone();
  const AuthenticatedContent message = framed(proposal, {});
  Result<Bytes> sealed = next.seal(message, 0, outside.random);
  if (!sealed) return pass_on(sealed.error());
  ProposalRef ref = proposal_ref(message);
  if (std::ranges::find(proposals_, ref, &KnownProposal::ref) == proposals_.end()) {
    next.proposals_.push_back({.ref = std::move(ref),
                               .proposal = std::make_shared<const Proposal>(std::move(proposal)),
                               .sender = own_leaf_,
                               .own_update = std::move(own_update)});
  }
  return Sent{.next = std::move(next), .message = std::move(*sealed)};
}

Result<Group::Sent> Group::propose_add(const KeyPackage& key_package, const Outside& outside) const {
  const Status valid = validate_key_package(key_package, rules(epoch_->context.extensions, outside));
  if (!valid) return pass_on(valid.error());
  return propose(Add{key_package}, nullptr, outside);
}

Result<Group::Sent> Group::propose_update(const Outside& outside) const {
  if (const Status allowed = may_send(); !allowed) return pass_on(allowed.error());
  auto key =
      std::make_shared<const hpke::KeyPair>(hpke::generate_key_pair(hpke_of(cipher_suite()), outside.random));
  LeafNode leaf = *epoch_->tree.leaf(own_leaf_);
  leaf.source = LeafNodeSource::update;
  leaf.lifetime = {};
  leaf.parent_hash.clear();
  leaf.encryption_key = key->public_key;
  sign_leaf_node(leaf, signature_key_, {.group_id = group_id(), .leaf = own_leaf_});
  return propose(Update{std::move(leaf)}, std::move(key), outside);
}

Result<Group::Sent> Group::propose_remove(LeafIndex leaf, const Outside& outside) const {
  if (epoch_->tree.leaf(leaf) == nullptr) return broken("12.1.3", "a Remove of a leaf that is blank");
  return propose(Remove{leaf}, nullptr, outside);
}

Group Group::forget_proposals() const {
  Group out = clone();
  out.proposals_.clear();
  return out;
}

// ---- 15 ----

Result<Group::Sent> Group::protect(ByteView application_data, ByteView authenticated_data,
                                   std::size_t padding_bytes, const Outside& outside) const {
  if (const Status allowed = may_send(); !allowed) return pass_on(allowed.error());
  if (!proposals_.empty()) {
    return fail(Code::conflict,
                rule_text("12.4", "proposals wait: commit them before application data is sent"));
  }
  if (application_data.size() > application_data_bytes_max) {
    return broken("15", "application data longer than 60 KiB");
  }
  if (authenticated_data.size() > authenticated_data_bytes_max) {
    return broken("6", "authenticated data longer than 64 KiB");
  }
  Group next = clone();
  Result<Bytes> sealed = next.seal(framed(Plaintext::copy_of(application_data), authenticated_data),
                                   padding_bytes, outside.random);
  if (!sealed) return pass_on(sealed.error());
  return Sent{.next = std::move(next), .message = std::move(*sealed)};
}

// ---- reading ----

std::vector<Member> Group::members() const {
  std::vector<Member> out;
  for (LeafIndex at{0}; at.value < epoch_->tree.leaf_count(); ++at.value) {
    const LeafNode* const leaf = epoch_->tree.leaf(at);
    if (leaf != nullptr) {
      out.push_back({.leaf = at, .credential = leaf->credential, .signature_key = leaf->signature_key});
    }
  }
  return out;
}

std::uint32_t Group::sent_in_epoch() const {
  return secrets_.next_generation(own_leaf_, RatchetType::application);
}

Key Group::export_secret(std::string_view label, ByteView context, std::size_t length) const {
  return mls_exporter(epoch_->secrets.exporter_secret, label, context, length);
}

}  // namespace shearline::mls
