// RFC 9420 sections 4 and 7: the public ratchet tree with its evolution (7.7, 12.1), tree hashes (7.8) and
// parent hashes (7.9). Used by treekem, tree_validation and group; knows no private key.
//
// A tree is a value. Nodes are shared among copies and never changed in place, so a copy costs a few pointers
// per node; hashes are kept until something below them changes.
#pragma once

#include "mls/leaf_node.hpp"
#include "mls/tree_math.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace shearline::mls {

// Section 7.1.
struct ParentNode {
  Bytes encryption_key;
  Bytes parent_hash;
  std::vector<LeafIndex> unmerged_leaves;  // ascending
  bool operator==(const ParentNode&) const = default;
};
void write(Writer& out, const ParentNode& value);
ParentNode read_parent_node(Reader& in);

class RatchetTree {
 public:
  RatchetTree() = default;
  explicit RatchetTree(LeafNode creator);  // section 11: one leaf

  // ---- reading ----

  std::uint32_t leaf_count() const { return static_cast<std::uint32_t>(leaves_.size()); }  // a power of two
  std::uint32_t member_count() const;
  bool has(NodeIndex node) const;              // in the tree and not blank
  const LeafNode* leaf(LeafIndex leaf) const;  // null: blank, or outside the tree
  const std::vector<std::shared_ptr<const LeafNode>>& leaves() const { return leaves_; }
  const ParentNode* parent(NodeIndex node) const;     // null: blank; the node is a parent inside the tree
  const Bytes* encryption_key(NodeIndex node) const;  // null: blank
  std::optional<LeafIndex> leftmost_blank_leaf() const;
  // Section 4.1.1, from left to right; `without` (ascending) are left out, as section 7.5 asks for leaves that
  // the same commit adds.
  std::vector<NodeIndex> resolution(NodeIndex node, const std::vector<LeafIndex>& without = {}) const;

  struct PathStep {
    NodeIndex node;    // on the filtered direct path
    NodeIndex copath;  // its child that is not on the direct path
  };
  // Section 4.1.2, from the leaf's parent to the root.
  std::vector<PathStep> filtered_direct_path(LeafIndex leaf) const;

  // ---- 7.7 and 12.1: evolution ----

  // The leftmost blank leaf, extending the tree when there is none. invalid: the tree would be too large.
  Result<LeafIndex> add(LeafNode leaf);
  void update(LeafIndex at, LeafNode leaf);  // the leaf is not blank
  void remove(LeafIndex at);                 // the leaf is not blank; does not shrink the tree
  void truncate();                           // after the last remove
  // 7.5: blanks the direct path. What an update path puts there follows with the next two.
  void blank_path(LeafIndex leaf);
  void set_parent(NodeIndex node, ParentNode parent);
  void replace_leaf(LeafIndex at, LeafNode leaf);  // keeps the path, unlike update

  // ---- 7.8 and 7.9 ----

  Hash tree_hash();  // of the root
  Hash tree_hash(NodeIndex node);
  // The tree hash of `node` as if these leaves (ascending) were blank and unmerged nowhere.
  Hash original_tree_hash(NodeIndex node, const std::vector<LeafIndex>& without);
  // Of the parent node `node`, with the child `copath` as sibling: "parent hash of P with copath child S".
  Bytes parent_hash(NodeIndex node, NodeIndex copath);

  bool operator==(const RatchetTree& other) const;

 private:
  void touch(NodeIndex node);  // forgets the hashes of the node and of all above

  std::vector<std::shared_ptr<const LeafNode>> leaves_;
  std::vector<std::shared_ptr<const ParentNode>> parents_;  // parent node 2i + 1 at i
  std::vector<std::optional<Hash>> hashes_;                 // by node
  friend RatchetTree read_ratchet_tree(Reader& in);
};

// The ratchet_tree extension, section 12.4.3.3. Refused: a blank last node, more than tree_leaves_max leaves,
// a leaf where a parent stands or the reverse.
void write(Writer& out, const RatchetTree& value);
RatchetTree read_ratchet_tree(Reader& in);

}  // namespace shearline::mls
