// RFC 9420 sections 12.2 and 12.3: whether the proposals of one commit are valid together, and what they do to
// the ratchet tree. Used by group on both sides of a commit.
#pragma once

#include "mls/leaf_validation.hpp"
#include "mls/proposal.hpp"
#include "mls/ratchet_tree.hpp"

#include <memory>

namespace shearline::mls {

struct ListedProposal {
  std::shared_ptr<const Proposal> proposal;
  LeafIndex sender;
};

struct AppliedProposals {
  std::vector<LeafIndex> added;  // ascending, as they were given leaves
  std::vector<KeyPackage> added_key_packages;
  std::vector<LeafIndex> removed;
  std::vector<LeafIndex> updated;
  std::vector<PreSharedKeyId> psks;
  Extensions extensions;       // the group context's, changed or not
  bool path_required = false;  // section 12.4
};

// Sections 12.2 and 12.3: applies the list in the RFC's order. The tree is worthless after an error. Uniqueness of keys is
// checked once the path is in as well (validate_unique_keys). Nobody is the committer of a proposal that has just come.
// policy_violation: ReInit and ExternalInit. invalid: section 12.2 is broken.
Result<AppliedProposals> apply_proposals(const std::vector<ListedProposal>& proposals,
                                         std::optional<LeafIndex> committer, RatchetTree& tree,
                                         const LeafRules& rules);
// Section 12.4: Add and PreSharedKey do without a path.
bool path_is_required(const std::vector<ListedProposal>& proposals);
// Section 12.1: what can never be applied here, whoever sends it.
Status check_proposal_type(const Proposal& proposal);

}  // namespace shearline::mls
