// RFC 9420 section 12.4.1: making a commit with its Welcome, and what becomes of it.
#include "mls/group.hpp"
#include "mls/transcript_hash.hpp"
#include "mls/tree_validation.hpp"

#include <algorithm>
#include <map>
#include <span>

namespace shearline::mls {
namespace {

Bytes encoded(const GroupContext& context) {
  return encode([&](Writer& out) { write(out, context); });
}

// Which proposals about members go into one commit, by the preferences of section 12.2.
class Chosen {
 public:
  void count(const Proposal& proposal, LeafIndex sender, const void* which) {
    if (const auto* const remove = std::get_if<Remove>(&proposal)) {
      removes_.try_emplace(remove->removed, which);  // one is enough
    } else if (std::holds_alternative<Update>(proposal)) {
      updates_[sender] = which;  // the most recent
    } else if (std::holds_alternative<GroupContextExtensions>(proposal)) {
      extensions_ = which;  // the most recent
    } else if (const auto* const add = std::get_if<Add>(&proposal)) {
      adds_.try_emplace(as_text(add->key_package.leaf_node.signature_key), which);
    }
  }
  bool has(const Proposal& proposal, LeafIndex sender, const void* which) const {
    if (const auto* const remove = std::get_if<Remove>(&proposal))
      return removes_.at(remove->removed) == which;
    if (std::holds_alternative<Update>(proposal)) {
      return !removes_.contains(sender) && updates_.at(sender) == which;
    }
    if (std::holds_alternative<GroupContextExtensions>(proposal)) return extensions_ == which;
    if (const auto* const add = std::get_if<Add>(&proposal)) {
      return adds_.at(as_text(add->key_package.leaf_node.signature_key)) == which;
    }
    return std::holds_alternative<PreSharedKey>(proposal);
  }

 private:
  std::map<LeafIndex, const void*> removes_;
  std::map<LeafIndex, const void*> updates_;
  std::map<std::string_view, const void*> adds_;  // by signature key
  const void* extensions_ = nullptr;
};

}  // namespace

// Ours by value come first where two say the same: the caller asked for them just now. Our own Update and our
// own removal are never ours to commit.
std::vector<Group::KnownProposal> Group::committable_proposals(const std::vector<Proposal>& by_value) const {
  const auto is_ours_to_commit = [&](const KnownProposal& known) {
    if (std::holds_alternative<Update>(*known.proposal)) return known.sender != own_leaf_;
    const auto* const remove = std::get_if<Remove>(known.proposal.get());
    return remove == nullptr || remove->removed != own_leaf_;
  };
  Chosen chosen;
  for (const Proposal& proposal : by_value) chosen.count(proposal, own_leaf_, &proposal);
  for (const KnownProposal& known : proposals_) {
    if (is_ours_to_commit(known)) chosen.count(*known.proposal, known.sender, &known);
  }
  for (const Proposal& proposal : by_value) {  // the last word on extensions
    if (std::holds_alternative<GroupContextExtensions>(proposal))
      chosen.count(proposal, own_leaf_, &proposal);
  }
  std::vector<KnownProposal> out;
  for (const KnownProposal& known : proposals_) {
    if (is_ours_to_commit(known) && chosen.has(*known.proposal, known.sender, &known)) out.push_back(known);
  }
  return out;
}

// Section 12.4.1: the next epoch's, but with the confirmed transcript of this one.
GroupContext Group::provisional_context(RatchetTree& tree, const Extensions& extensions) const {
  GroupContext out = epoch_->context;
  ++out.epoch;
  out.extensions = extensions;
  out.tree_hash = to_bytes(tree.tree_hash());
  return out;
}

// Sections 8 and 8.2: `context` has the new epoch, tree hash and extensions, and the old confirmed transcript.
Group::NewEpoch Group::next_epoch(const Epoch& old, GroupContext context, RatchetTree tree,
                                  const AuthenticatedContent& commit, const Key& commit_secret,
                                  const Key& psk_secret) {
  context.confirmed_transcript_hash =
      to_bytes(confirmed_transcript_hash(old.interim_transcript_hash, commit));
  Bytes encoded_context = encoded(context);
  Key joiner_secret = derive_joiner_secret(old.secrets.init_secret, commit_secret, encoded_context);
  const Key epoch_secret = derive_epoch_secret(joiner_secret, psk_secret, encoded_context);
  NewEpoch out = start_epoch(std::move(context), std::move(encoded_context), std::move(tree),
                             derive_epoch_secrets(epoch_secret));
  out.joiner_secret = std::move(joiner_secret);
  return out;
}

// What becomes a commit, step by step.
struct Group::Draft {
  Commit body;
  AppliedProposals applied;
  RatchetTree tree;
  GroupContext context;  // provisional, section 12.4.1
  std::optional<NewPath> path;
  Key psk_secret;
};

Result<Group::Draft> Group::draft_commit(const CommitRequest& request, const Outside& outside) const {
  if (!request.with_received_proposals) return draft_of({}, request.proposals, outside);
  const std::vector<KnownProposal> received = committable_proposals(request.proposals);
  Result<Draft> all = draft_of(received, request.proposals, outside);
  if (all || received.empty()) return all;
  return draft_of(valid_together(received, request.proposals, outside), request.proposals, outside);
}

// Each was valid when it came, but time has passed, and one may be in another's way. Nobody must be able to stop the
// commits of an epoch with that, so halves are tried where a whole is not valid.
std::vector<Group::KnownProposal> Group::valid_together(const std::vector<KnownProposal>& received,
                                                        const std::vector<Proposal>& by_value,
                                                        const Outside& outside) const {
  std::vector<KnownProposal> chosen;
  std::vector<std::span<const KnownProposal>> left = {received};  // the next one last
  for (std::size_t trials = 0; !left.empty() && trials < commit_trials_max; ++trials) {
    const std::span<const KnownProposal> part = left.back();
    left.pop_back();
    std::vector<KnownProposal> with_part = chosen;
    with_part.insert(with_part.end(), part.begin(), part.end());
    if (draft_of(with_part, by_value, outside)) {
      chosen = std::move(with_part);
    } else if (part.size() > 1) {
      left.push_back(part.subspan(part.size() / 2));
      left.push_back(part.first(part.size() / 2));
    }
  }
  return chosen;
}

Result<Group::Draft> Group::draft_of(const std::vector<KnownProposal>& received,
                                     const std::vector<Proposal>& by_value, const Outside& outside) const {
  Draft out;
  std::vector<ListedProposal> listed;
  for (const KnownProposal& known : received) {
    out.body.proposals.emplace_back(known.ref);
    listed.push_back({known.proposal, known.sender});
  }
  for (const Proposal& proposal : by_value) {
    out.body.proposals.emplace_back(proposal);
    listed.push_back({std::make_shared<const Proposal>(proposal), own_leaf_});
  }
  if (listed.size() > proposals_per_commit_max) return broken("12.4", "more than 4096 proposals");
  out.tree = epoch_->tree;
  Result<AppliedProposals> applied =
      apply_proposals(listed, own_leaf_, out.tree, rules(epoch_->context.extensions, outside));
  if (!applied) return pass_on(applied.error());
  if (Status unique = validate_unique_keys(out.tree); !unique) return pass_on(unique.error());
  Result<Key> psks = mls::psk_secret(applied->psks, outside.pre_shared_keys);
  if (!psks) return pass_on(psks.error());
  out.applied = std::move(*applied);
  out.psk_secret = std::move(*psks);
  return out;
}

// Sections 7.4 to 7.6, in the order of section 12.4.1: keys and parent hashes, tree hash,
// provisional context, encryption.
Status Group::draft_path(Draft& draft, bool with_path, const Outside& outside) const {
  if (with_path || draft.applied.path_required) {
    draft.path = make_path(cipher_suite(), draft.tree, own_leaf_, *draft.tree.leaf(own_leaf_), signature_key_,
                           group_id(), keys_, outside.random);
  }
  draft.context = provisional_context(draft.tree, draft.applied.extensions);
  if (!draft.path) return {};
  Result<UpdatePath> encrypted = encrypt_path(cipher_suite(), draft.tree, own_leaf_, *draft.path,
                                              encoded(draft.context), draft.applied.added, outside.random);
  if (!encrypted) return pass_on(encrypted.error());
  draft.body.path = std::move(*encrypted);
  return {};
}

Result<Group::Committed> Group::commit(const CommitRequest& request, const Outside& outside) const {
  if (const Status allowed = may_send(); !allowed) return pass_on(allowed.error());
  if (pending_) return fail(Code::conflict, "a commit is pending: accept or clear it before making another");
  if (epoch() == UINT64_MAX) return broken("8.1", "there is no epoch after this one");
  Result<Draft> draft = draft_commit(request, outside);
  if (!draft) return pass_on(draft.error());
  if (const Status path = draft_path(*draft, request.with_path, outside); !path) return pass_on(path.error());
  const NewPath* const path = draft->path ? &*draft->path : nullptr;

  AuthenticatedContent message = framed(std::move(draft->body), {});
  NewEpoch entered =
      next_epoch(*epoch_, std::move(draft->context), std::move(draft->tree), message,
                 path != nullptr ? path->commit_secret.clone() : zero_secret(), draft->psk_secret);
  message.auth.confirmation_tag = entered.confirmation_tag;
  auto pending = std::make_shared<PendingCommit>();
  if (!draft->applied.added.empty()) {
    Result<Bytes> welcome = make_welcome(entered, draft->applied, path, draft->psk_secret, outside.random);
    if (!welcome) return pass_on(welcome.error());
    pending->welcome = std::move(*welcome);
  }
  pending->keys = path != nullptr ? path->keys : keys_;
  pending->keys.forget_outdated(entered.epoch->tree);
  pending->epoch = std::move(entered.epoch);
  pending->secrets = std::move(entered.secrets);

  Group next = clone();
  Result<Bytes> sealed = next.seal(message, 0, outside.random);
  if (!sealed) return pass_on(sealed.error());
  pending->message = *sealed;
  next.pending_ = std::move(pending);
  return Committed{.next = std::move(next), .message = std::move(*sealed)};
}

// Section 12.4.3: one Welcome for all, with the tree in it.
Result<Bytes> Group::make_welcome(const NewEpoch& next, const AppliedProposals& applied, const NewPath* path,
                                  const Key& psk_secret, Random& random) const {
  GroupInfo info{.group_context = next.epoch->context,
                 .extensions = {{extension_type::ratchet_tree,
                                 encode([&](Writer& out) { write(out, next.epoch->tree); })}},
                 .confirmation_tag = next.confirmation_tag,
                 .signer = own_leaf_,
                 .signature = {}};
  sign_group_info(info, signature_key_);
  Welcome welcome{.cipher_suite = cipher_suite(), .secrets = {}, .encrypted_group_info = {}};
  welcome.encrypted_group_info =
      seal_group_info(cipher_suite(), info, derive_welcome_secret(next.joiner_secret, psk_secret));
  const EncryptContext context = welcome_context(cipher_suite(), welcome.encrypted_group_info);
  for (std::size_t i = 0; i < applied.added.size(); ++i) {
    GroupSecrets secrets;
    secrets.joiner_secret = next.joiner_secret.clone();
    secrets.psks = applied.psks;
    if (path != nullptr) {
      // The path secret of the lowest node above both the committer and the new member.
      const NodeIndex ancestor = tree_math::common_ancestor(own_leaf_, applied.added[i]);
      const auto step =
          std::ranges::find(path->steps, ancestor, [](const NewPath::Step& one) { return one.at.node; });
      openssl::must(step != path->steps.end(), "RFC 9420 section 12.4.3: a new member's path secret");
      secrets.path_secret = step->path_secret.clone();
    }
    Result<EncryptedGroupSecrets> sealed =
        seal_group_secrets(context, applied.added_key_packages[i], secrets, random);
    if (!sealed) return pass_on(sealed.error());
    welcome.secrets.push_back(std::move(*sealed));
  }
  return encode_message(std::move(welcome));
}

const Bytes& Group::pending_commit() const {
  openssl::must(pending_ != nullptr, "no commit is pending");
  return pending_->message;
}

Result<Group::Accepted> Group::accept_commit() const {
  if (const Status allowed = may_send(); !allowed) return pass_on(allowed.error());
  if (!pending_) return fail(Code::conflict, "no commit is pending");
  return Accepted{.next = enter(pending_->epoch, pending_->secrets, pending_->keys),
                  .welcome = pending_->welcome};
}

Group Group::clear_commit() const {
  Group out = clone();
  out.pending_.reset();
  return out;
}

}  // namespace shearline::mls
