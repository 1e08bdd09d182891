// RFC 9420 appendix C: how the nodes of a full binary tree are numbered in one array, leaves even, parents
// odd. Used by the ratchet tree and the secret tree. A tree's size is its number of leaves, a power of two.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <vector>

namespace shearline::mls {

struct LeafIndex {
  std::uint32_t value = 0;
  auto operator<=>(const LeafIndex&) const = default;
};
struct NodeIndex {
  std::uint32_t value = 0;
  auto operator<=>(const NodeIndex&) const = default;
};

namespace tree_math {

// Appendix C.
constexpr NodeIndex node_of(LeafIndex leaf) { return {2 * leaf.value}; }
constexpr bool is_leaf(NodeIndex node) { return (node.value & 1) == 0; }
constexpr LeafIndex leaf_of(NodeIndex node) { return {node.value / 2}; }  // of a leaf node

constexpr std::uint32_t level(NodeIndex node) {
  return static_cast<std::uint32_t>(std::countr_one(node.value));
}
constexpr std::uint32_t node_width(std::uint32_t leaves) { return leaves == 0 ? 0 : 2 * leaves - 1; }
constexpr NodeIndex root(std::uint32_t leaves) { return {leaves - 1}; }  // a full tree: its middle

// Of a parent node.
constexpr NodeIndex left(NodeIndex node) { return {node.value ^ (1U << (level(node) - 1))}; }
constexpr NodeIndex right(NodeIndex node) { return {node.value ^ (3U << (level(node) - 1))}; }
// Of any node but the root.
constexpr NodeIndex parent(NodeIndex node) {
  const std::uint32_t k = level(node);
  const std::uint32_t b = (node.value >> (k + 1)) & 1;
  return {(node.value | (1U << k)) ^ (b << (k + 1))};
}
constexpr NodeIndex sibling(NodeIndex node) {
  const NodeIndex above = parent(node);
  return node < above ? right(above) : left(above);
}

// The leaves below a node are first_leaf .. first_leaf + subtree_leaves - 1.
constexpr std::uint32_t subtree_leaves(NodeIndex node) { return 1U << level(node); }
constexpr LeafIndex first_leaf(NodeIndex node) { return {(node.value - (subtree_leaves(node) - 1)) / 2}; }
constexpr bool contains(NodeIndex head, LeafIndex leaf) {
  return leaf >= first_leaf(head) && leaf.value - first_leaf(head).value < subtree_leaves(head);
}

// From the parent of `leaf` to the root.
inline std::vector<NodeIndex> direct_path(LeafIndex leaf, std::uint32_t leaves) {
  std::vector<NodeIndex> path;
  for (NodeIndex node = node_of(leaf); node != root(leaves);) path.push_back(node = parent(node));
  return path;
}

// The lowest node that has both leaves below it.
constexpr NodeIndex common_ancestor(LeafIndex a, LeafIndex b) {
  NodeIndex node = node_of(a);
  while (!contains(node, b)) node = parent(node);
  return node;
}

// The smallest full tree with at least this many leaves.
constexpr std::uint32_t full_size(std::uint32_t leaves) { return std::bit_ceil(leaves); }

}  // namespace tree_math
}  // namespace shearline::mls
