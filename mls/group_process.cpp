// RFC 9420 sections 6, 12.4.2 and 15.3: receiving. Everything is done on a copy, which is given out only when
// the message was genuine in all respects; a forged one leaves nothing behind.
#include "mls/group.hpp"
#include "mls/private_message.hpp"
#include "mls/public_message.hpp"
#include "mls/tree_validation.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

std::unexpected<Error> not_this_epoch(std::string_view what) {
  return fail(Code::conflict, rule_text("14", what));
}

std::unexpected<Error> blank_sender() { return broken("6.3.2", "the sender's leaf is blank"); }
std::unexpected<Error> our_own() { return fail(Code::conflict, rule_text("6", "the message is our own")); }

ApplicationMessage application_message(AuthenticatedContent message, const LeafNode& sender) {
  return {.epoch = message.content.epoch,
          .sender = LeafIndex{message.content.sender.index},
          .credential = sender.credential,
          .data = std::get<Plaintext>(std::move(message.content.body)),
          .authenticated_data = std::move(message.content.authenticated_data)};
}

}  // namespace

Result<Group::Received> Group::process(ByteView message, const Outside& outside) const {
  Result<MlsMessage> decoded = decode_message(message);
  if (!decoded) return pass_on(decoded.error());
  const auto is_ours = [&](const Bytes& id) { return id == group_id(); };
  const auto not_ours = [] { return fail(Code::not_found, rule_text("6", "a message of another group")); };
  if (const auto* const sealed = std::get_if<PrivateMessage>(&*decoded)) {
    if (!is_ours(sealed->group_id)) return not_ours();
    if (sealed->epoch < epoch()) return process_past(*sealed);
    if (sealed->epoch > epoch()) return not_this_epoch("a message of an epoch that we have not entered");
    return process_private(*sealed, outside);
  }
  if (auto* const open = std::get_if<PublicMessage>(&*decoded)) {
    if (!is_ours(open->content.group_id)) return not_ours();
    if (open->content.epoch != epoch()) return not_this_epoch("a handshake message of another epoch");
    return process_public(std::move(*open), outside);
  }
  return broken("6", "neither a PublicMessage nor a PrivateMessage");
}

Status Group::check_sender(LeafIndex sender) const {
  if (epoch_->tree.leaf(sender) == nullptr) return blank_sender();
  if (sender == own_leaf_) return our_own();
  return {};
}

Result<Group::Received> Group::process_private(const PrivateMessage& message, const Outside& outside) const {
  const Result<SenderData> sender =
      open_sender_data(cipher_suite(), message, epoch_->secrets.sender_data_secret);
  if (!sender) return pass_on(sender.error());
  if (const Status known = check_sender(sender->leaf); !known) return pass_on(known.error());
  Group next = clone();
  Result<AuthenticatedContent> opened = unprotect_private(cipher_suite(), message, *sender, next.secrets_);
  if (!opened) return pass_on(opened.error());
  return process_content(std::move(*opened), std::move(next), outside);
}

// Only application messages may come late (section 12.1: a handshake message is of the current epoch). Whose it
// is comes from the leaves of that epoch.
Result<Group::Received> Group::process_past(const PrivateMessage& message) const {
  if (message.content_type != ContentType::application) {
    return not_this_epoch("a handshake message of another epoch");
  }
  const auto found = std::ranges::find(past_, message.epoch, [](const auto& past) { return past->epoch; });
  if (found == past_.end()) return not_this_epoch("a message of an epoch whose keys are gone");
  const PastEpoch& past = **found;
  const Result<SenderData> sender = open_sender_data(cipher_suite(), message, *past.sender_data_secret);
  if (!sender) return pass_on(sender.error());
  if (sender->leaf.value >= past.leaves.size() || past.leaves[sender->leaf.value] == nullptr)
    return blank_sender();
  if (sender->leaf == own_leaf_) return our_own();
  auto spent = std::make_shared<PastEpoch>(past);
  Result<AuthenticatedContent> opened = unprotect_private(cipher_suite(), message, *sender, spent->secrets);
  if (!opened) return pass_on(opened.error());
  const LeafNode& leaf = *past.leaves[sender->leaf.value];
  const Status valid = verify_content(cipher_suite(), leaf.signature_key, *opened, past.encoded_context);
  if (!valid) return pass_on(valid.error());
  Group next = clone();
  next.past_[static_cast<std::size_t>(found - past_.begin())] = std::move(spent);
  return Received{.next = std::move(next), .what = application_message(std::move(*opened), leaf)};
}

Result<Group::Received> Group::process_public(PublicMessage message, const Outside& outside) const {
  const Sender sender = message.content.sender;
  if (sender.type != SenderType::member) return refused("6", "only members may send to this group");
  if (const Status known = check_sender(LeafIndex{sender.index}); !known) return pass_on(known.error());
  Result<AuthenticatedContent> opened =
      unprotect_public(std::move(message), epoch_->secrets.membership_key, epoch_->encoded_context);
  if (!opened) return pass_on(opened.error());
  return process_content(std::move(*opened), clone(), outside);
}

Result<Group::Received> Group::process_content(AuthenticatedContent message, Group next,
                                               const Outside& outside) const {
  const LeafNode& sender = *epoch_->tree.leaf(LeafIndex{message.content.sender.index});
  const Status valid = verify_content(cipher_suite(), sender.signature_key, message, epoch_->encoded_context);
  if (!valid) return pass_on(valid.error());
  const ContentType type = message.content.content_type();
  if (type == ContentType::application) {
    return Received{.next = std::move(next), .what = application_message(std::move(message), sender)};
  }
  if (standing_ == Standing::removed)
    return not_this_epoch("a handshake message after the one that removed us");
  return type == ContentType::proposal ? process_proposal(message, std::move(next), outside)
                                       : process_commit(message, next, outside);
}

// A proposal that is invalid by itself is refused when it comes, so that it cannot spoil a later commit. One that we have
// counts once: a PublicMessage can be sent again by anybody who saw it.
Result<Group::Received> Group::process_proposal(const AuthenticatedContent& message, Group next,
                                                const Outside& outside) const {
  const LeafIndex sender{message.content.sender.index};
  if (proposals_.size() == proposals_pending_max) return broken("12.1", "4096 proposals wait for a commit");
  ProposalRef ref = proposal_ref(message);
  const bool is_known = std::ranges::find(proposals_, ref, &KnownProposal::ref) != proposals_.end();
  auto proposal = std::make_shared<const Proposal>(std::get<Proposal>(message.content.body));
  RatchetTree scratch = epoch_->tree;
  const auto applied = apply_proposals({{proposal, sender}}, std::nullopt, scratch,
                                       rules(epoch_->context.extensions, outside));
  if (!applied) return pass_on(applied.error());
  if (const auto psks = psk_secret(applied->psks, outside.pre_shared_keys); !psks)
    return pass_on(psks.error());
  if (!is_known) {
    next.proposals_.push_back(
        {.ref = std::move(ref), .proposal = proposal, .sender = sender, .own_update = nullptr});
  }
  return Received{.next = std::move(next), .what = ProposalMessage{.sender = sender, .proposal = proposal}};
}

// References become the proposals they name. Where one is our own Update, its key takes our leaf's place.
Result<std::vector<ListedProposal>> Group::resolve(const Commit& commit, LeafIndex committer,
                                                   TreePrivateKeys& keys) const {
  std::vector<ListedProposal> out;
  for (const ProposalOrRef& entry : commit.proposals) {
    if (const Proposal* const by_value = std::get_if<Proposal>(&entry)) {
      out.push_back({std::make_shared<const Proposal>(*by_value), committer});
      continue;
    }
    const auto known = std::ranges::find(proposals_, std::get<ProposalRef>(entry), &KnownProposal::ref);
    if (known == proposals_.end()) return broken("12.4", "the commit names a proposal that we do not have");
    out.push_back({known->proposal, known->sender});
    if (known->own_update) keys.set(tree_math::node_of(own_leaf_), known->own_update->clone());
  }
  return out;
}

// The committer's path (sections 7.5 and 12.4.2): into the tree, and what it gives us.
Result<OpenedPath> Group::follow_path(const UpdatePath& path, LeafIndex committer, RatchetTree& tree,
                                      const AppliedProposals& applied, TreePrivateKeys keys,
                                      const Outside& outside) const {
  const Status valid = validate_leaf(path.leaf_node, committer, tree.leaf(committer), Occasion::path,
                                     rules(applied.extensions, outside));
  if (!valid) return pass_on(valid.error());
  if (const Status keys_valid = validate_path_keys(cipher_suite(), path); !keys_valid) {
    return pass_on(keys_valid.error());
  }
  if (const Status merged = merge_path(tree, committer, path, applied.added); !merged) {
    return pass_on(merged.error());
  }
  if (const Status unique = validate_unique_keys(tree); !unique) return pass_on(unique.error());
  keys.forget_outdated(tree);
  const GroupContext context = provisional_context(tree, applied.extensions);
  return open_path(cipher_suite(), tree, committer, own_leaf_, path, keys,
                   encode([&](Writer& out) { write(out, context); }), applied.added);
}

Result<Group::Received> Group::process_commit(const AuthenticatedContent& message, const Group& next,
                                              const Outside& outside) const {
  const LeafIndex committer{message.content.sender.index};
  const Commit& commit = std::get<Commit>(message.content.body);
  if (epoch() == UINT64_MAX) return broken("8.1", "there is no epoch after this one");
  OpenedPath opened{.keys = keys_, .commit_secret = zero_secret()};
  const auto listed = resolve(commit, committer, opened.keys);
  if (!listed) return pass_on(listed.error());
  RatchetTree tree = epoch_->tree;
  const auto applied = apply_proposals(*listed, committer, tree, rules(epoch_->context.extensions, outside));
  if (!applied) return pass_on(applied.error());
  if (applied->path_required && !commit.path) return broken("12.4", "the commit needs a path and has none");
  if (std::ranges::find(applied->removed, own_leaf_) != applied->removed.end()) {
    return Received{.next = next.leave(), .what = RemovedFromGroup{.committer = committer}};
  }
  if (commit.path) {
    Result<OpenedPath> followed =
        follow_path(*commit.path, committer, tree, *applied, std::move(opened.keys), outside);
    if (!followed) return pass_on(followed.error());
    opened = std::move(*followed);
  } else if (const Status unique = validate_unique_keys(tree); !unique) {
    return pass_on(unique.error());
  }
  opened.keys.forget_outdated(tree);

  const Result<Key> psks = psk_secret(applied->psks, outside.pre_shared_keys);
  if (!psks) return pass_on(psks.error());
  GroupContext context = provisional_context(tree, applied->extensions);
  NewEpoch entered =
      next_epoch(*epoch_, std::move(context), std::move(tree), message, opened.commit_secret, *psks);
  if (!equal_in_constant_time(entered.confirmation_tag, message.auth.confirmation_tag)) {
    return broken("6.1", "the confirmation tag does not fit");
  }
  return Received{
      .next = next.enter(std::move(entered.epoch), std::move(entered.secrets), std::move(opened.keys)),
      .what = EpochChange{.committer = committer,
                          .added = applied->added,
                          .removed = applied->removed,
                          .updated = applied->updated}};
}

}  // namespace shearline::mls
