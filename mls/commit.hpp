// RFC 9420 sections 7.6 and 12.4: a commit and the update path it may carry, as messages. treekem makes and
// applies paths, group makes and applies commits.
#pragma once

#include "mls/proposal.hpp"

#include <optional>

namespace shearline::mls {

// Section 7.6.
struct UpdatePathNode {
  Bytes encryption_key;
  std::vector<HpkeCiphertext> encrypted_path_secrets;  // one per node of the copath child's resolution
  bool operator==(const UpdatePathNode&) const = default;
};
struct UpdatePath {
  LeafNode leaf_node;
  std::vector<UpdatePathNode> nodes;  // in the order of the filtered direct path
  bool operator==(const UpdatePath&) const = default;
};
void write(Writer& out, const UpdatePath& value);
UpdatePath read_update_path(Reader& in);

// Section 12.4.
struct Commit {
  std::vector<ProposalOrRef> proposals;
  std::optional<UpdatePath> path;
  bool operator==(const Commit&) const = default;
};
void write(Writer& out, const Commit& value);
Commit read_commit(Reader& in);

}  // namespace shearline::mls
