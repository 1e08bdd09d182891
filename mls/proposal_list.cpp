#include "mls/proposal_list.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

using List = std::vector<ListedProposal>;

template <class Kind, class Visit>
Status for_each(const List& proposals, Visit visit) {
  for (const ListedProposal& listed : proposals) {
    if (const Kind* const proposal = std::get_if<Kind>(listed.proposal.get())) {
      if (Status sound = visit(*proposal, listed.sender); !sound) return sound;
    }
  }
  return {};
}

// Section 12.2: not the committer's own leaf, and no leaf twice.
Status check_targets(const List& proposals, std::optional<LeafIndex> committer) {
  std::vector<LeafIndex> targets;
  Status sound = for_each<Update>(proposals, [&](const Update&, LeafIndex sender) -> Status {
    if (sender == committer) return broken("12.2", "an Update of the committer's own leaf");
    targets.push_back(sender);
    return {};
  });
  if (!sound) return sound;
  sound = for_each<Remove>(proposals, [&](const Remove& remove, LeafIndex) -> Status {
    if (remove.removed == committer) return broken("12.2", "a Remove of the committer");
    targets.push_back(remove.removed);
    return {};
  });
  if (!sound) return sound;
  std::ranges::sort(targets);
  if (std::ranges::adjacent_find(targets) != targets.end()) {
    return broken("12.2", "two Updates or Removes of one leaf");
  }
  return {};
}

Status apply_extensions(const List& proposals, AppliedProposals& out) {
  bool seen = false;
  return for_each<GroupContextExtensions>(proposals,
                                          [&](const GroupContextExtensions& change, LeafIndex) -> Status {
                                            if (seen)
                                              return broken("12.2", "two GroupContextExtensions proposals");
                                            seen = true;
                                            out.extensions = change.extensions;
                                            return {};
                                          });
}

// Section 12.1.7: whoever is in the group afterwards supports what the new extensions demand.
Status check_all_support(const RatchetTree& tree, const LeafRules& rules, const Extensions& extensions) {
  for (LeafIndex at{0}; at.value < tree.leaf_count(); ++at.value) {
    const LeafNode* const leaf = tree.leaf(at);
    if (leaf == nullptr) continue;
    if (Status sound = check_capabilities(*leaf, rules.cipher_suite, extensions); !sound) return sound;
  }
  return {};
}

Status apply_updates(const List& proposals, RatchetTree& tree, const LeafRules& rules,
                     AppliedProposals& out) {
  return for_each<Update>(proposals, [&](const Update& update, LeafIndex sender) -> Status {
    const LeafNode* const replaced = tree.leaf(sender);
    if (replaced == nullptr) return broken("12.1.2", "an Update from a leaf that is blank");
    if (Status sound = validate_leaf(update.leaf_node, sender, replaced, Occasion::update, rules); !sound) {
      return sound;
    }
    tree.update(sender, update.leaf_node);
    out.updated.push_back(sender);
    return {};
  });
}

Status apply_removes(const List& proposals, RatchetTree& tree, AppliedProposals& out) {
  Status sound = for_each<Remove>(proposals, [&](const Remove& remove, LeafIndex) -> Status {
    if (tree.leaf(remove.removed) == nullptr) return broken("12.1.3", "a Remove of a leaf that is blank");
    tree.remove(remove.removed);
    out.removed.push_back(remove.removed);
    return {};
  });
  tree.truncate();
  return sound;
}

Status apply_adds(const List& proposals, RatchetTree& tree, const LeafRules& rules, AppliedProposals& out) {
  Status sound = for_each<Add>(proposals, [&](const Add& add, LeafIndex) -> Status {
    if (Status valid = validate_key_package(add.key_package, rules); !valid) return valid;
    const Result<LeafIndex> at = tree.add(add.key_package.leaf_node);
    if (!at) return pass_on(at.error());
    out.added.push_back(*at);
    out.added_key_packages.push_back(add.key_package);
    return {};
  });
  return sound;
}

}  // namespace

Status check_proposal_type(const Proposal& proposal) {
  switch (type_of(proposal)) {
    case ProposalType::reinit:
      return refused("12.1.5", "reinitialization is not supported");
    case ProposalType::external_init:
      return refused("12.1.6", "external commits are not supported");
    default:
      return {};
  }
}

bool path_is_required(const std::vector<ListedProposal>& proposals) {
  return proposals.empty() || std::ranges::any_of(proposals, [](const ListedProposal& listed) {
           const ProposalType type = type_of(*listed.proposal);
           return type != ProposalType::add && type != ProposalType::psk && type != ProposalType::reinit;
         });
}

Result<AppliedProposals> apply_proposals(const std::vector<ListedProposal>& proposals,
                                         std::optional<LeafIndex> committer, RatchetTree& tree,
                                         const LeafRules& rules) {
  AppliedProposals out;
  out.extensions = rules.group_context_extensions;
  out.path_required = path_is_required(proposals);
  for (const ListedProposal& listed : proposals) {
    if (const Status sound = check_proposal_type(*listed.proposal); !sound) return pass_on(sound.error());
  }
  if (const Status sound = check_targets(proposals, committer); !sound) return pass_on(sound.error());
  if (const Status sound = apply_extensions(proposals, out); !sound) return pass_on(sound.error());
  // Section 12.3: the new extensions count for the rest of the list.
  const LeafRules new_rules{.cipher_suite = rules.cipher_suite,
                            .group_id = rules.group_id,
                            .group_context_extensions = out.extensions,
                            .now_s = rules.now_s,
                            .lifetime_seconds_max = rules.lifetime_seconds_max,
                            .identities = rules.identities};
  Status sound = apply_updates(proposals, tree, new_rules, out);
  if (sound) sound = apply_removes(proposals, tree, out);
  if (sound) sound = apply_adds(proposals, tree, new_rules, out);
  for (const ListedProposal& listed : proposals) {
    if (const auto* const psk = std::get_if<PreSharedKey>(listed.proposal.get()))
      out.psks.push_back(psk->psk);
  }
  if (sound && out.extensions != rules.group_context_extensions) {
    sound = check_all_support(tree, new_rules, out.extensions);
  }
  if (!sound) return pass_on(sound.error());
  return out;
}

}  // namespace shearline::mls
