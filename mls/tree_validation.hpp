// RFC 9420 sections 7.9.2 and 12.4.3.1: when a ratchet tree from somebody else may be believed, and which keys
// may not appear twice. Used by group when joining and with every commit.
#pragma once

#include "mls/leaf_validation.hpp"
#include "mls/ratchet_tree.hpp"

namespace shearline::mls {

// Each parent node has exactly one descendant whose parent hash vouches for it (section 7.9.2).
Status validate_parent_hashes(RatchetTree& tree);
// Every parent node's encryption key is one of the suite: whoever commits encrypts to it (section 5.1.1).
Status validate_parent_keys(const RatchetTree& tree, CipherSuite suite);
// Unmerged leaves are descendants, not blank, and known to every parent node in between (section 12.4.3.1).
Status validate_unmerged_leaves(const RatchetTree& tree);
// No encryption key in two nodes, no signature key in two leaves (sections 7.3 and 12.4.3.1).
Status validate_unique_keys(const RatchetTree& tree);
// All of these and every leaf (section 12.4.3.1). Not the tree hash, which the caller compares.
Status validate_tree(RatchetTree& tree, const LeafRules& rules);

}  // namespace shearline::mls
