// RFC 9420 sections 7.8 and 7.9: tree hashes and parent hashes of a ratchet tree.
#include "mls/ratchet_tree.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

using namespace tree_math;

constexpr std::uint8_t hash_input_leaf = 1;
constexpr std::uint8_t hash_input_parent = 2;

Hash hash_leaf(LeafIndex index, const LeafNode* content) {
  Writer input(Writer::Memory::ordinary, 512);
  input.u8(hash_input_leaf);
  input.u32(index.value);
  input.u8(content != nullptr ? 1 : 0);
  if (content != nullptr) write(input, *content);
  return sha256(input.view());
}

Hash hash_parent(const ParentNode* content, ByteView left_hash, ByteView right_hash) {
  Writer input(Writer::Memory::ordinary, 256);
  input.u8(hash_input_parent);
  input.u8(content != nullptr ? 1 : 0);
  if (content != nullptr) write(input, *content);
  input.opaque(left_hash);
  input.opaque(right_hash);
  return sha256(input.view());
}

bool any_below(NodeIndex node, const std::vector<LeafIndex>& leaves) {
  const auto first = std::ranges::lower_bound(leaves, first_leaf(node));
  return first != leaves.end() && contains(node, *first);
}

}  // namespace

Hash RatchetTree::tree_hash() { return tree_hash(root(leaf_count())); }

Hash RatchetTree::tree_hash(NodeIndex node) {
  std::optional<Hash>& kept = hashes_[node.value];
  if (!kept) {
    kept = is_leaf(node) ? hash_leaf(leaf_of(node), leaf(leaf_of(node)))
                         : hash_parent(parent(node), tree_hash(left(node)), tree_hash(right(node)));
  }
  return *kept;
}

// Wherever none of the leaves lies below, the tree hash itself serves: unmerged leaves are descendants.
Hash RatchetTree::original_tree_hash(NodeIndex node, const std::vector<LeafIndex>& without) {
  if (!any_below(node, without)) return tree_hash(node);
  if (is_leaf(node)) return hash_leaf(leaf_of(node), nullptr);
  const Hash left_hash = original_tree_hash(left(node), without);
  const Hash right_hash = original_tree_hash(right(node), without);
  const ParentNode* const content = parent(node);
  if (content == nullptr) return hash_parent(nullptr, left_hash, right_hash);
  ParentNode original = *content;
  std::erase_if(original.unmerged_leaves,
                [&](LeafIndex leaf) { return std::ranges::binary_search(without, leaf); });
  return hash_parent(&original, left_hash, right_hash);
}

Bytes RatchetTree::parent_hash(NodeIndex node, NodeIndex copath) {
  const ParentNode& content = *parent(node);
  Writer input;
  input.opaque(content.encryption_key);
  input.opaque(content.parent_hash);
  input.opaque(original_tree_hash(copath, content.unmerged_leaves));
  return to_bytes(sha256(input.view()));
}

}  // namespace shearline::mls
