// RFC 9420 sections 4, 7.1 and 7.7, and the ratchet_tree extension; hashes are in tree_hash.cpp.
#include "mls/ratchet_tree.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

using namespace tree_math;

constexpr std::uint8_t node_type_leaf = 1;
constexpr std::uint8_t node_type_parent = 2;

std::size_t parent_slot(NodeIndex node) { return node.value / 2; }

}  // namespace

void write(Writer& out, const ParentNode& value) {
  out.opaque(value.encryption_key);
  out.opaque(value.parent_hash);
  out.vector([&] {
    for (const LeafIndex leaf : value.unmerged_leaves) out.u32(leaf.value);
  });
}

ParentNode read_parent_node(Reader& in) {
  ParentNode out;
  out.encryption_key = in.opaque();
  out.parent_hash = in.opaque();
  in.vector([&](Reader& element) {
    const LeafIndex leaf{element.u32()};
    if (!out.unmerged_leaves.empty() && leaf <= out.unmerged_leaves.back()) {
      element.fail("7.1", "unmerged leaves that are not in increasing order");
    }
    out.unmerged_leaves.push_back(leaf);
  });
  return out;
}

RatchetTree::RatchetTree(LeafNode creator) : leaves_(1), hashes_(1) {
  leaves_[0] = std::make_shared<const LeafNode>(std::move(creator));
}

// ---- reading ----

std::uint32_t RatchetTree::member_count() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(leaves_, [](const auto& leaf) { return !!leaf; }));
}

bool RatchetTree::has(NodeIndex node) const { return encryption_key(node) != nullptr; }

const LeafNode* RatchetTree::leaf(LeafIndex leaf) const {
  return leaf.value < leaves_.size() ? leaves_[leaf.value].get() : nullptr;
}

const ParentNode* RatchetTree::parent(NodeIndex node) const {
  return parent_slot(node) < parents_.size() ? parents_[parent_slot(node)].get() : nullptr;
}

const Bytes* RatchetTree::encryption_key(NodeIndex node) const {
  if (is_leaf(node)) {
    const LeafNode* const found = leaf(leaf_of(node));
    return found == nullptr ? nullptr : &found->encryption_key;
  }
  const ParentNode* const found = parent(node);
  return found == nullptr ? nullptr : &found->encryption_key;
}

std::optional<LeafIndex> RatchetTree::leftmost_blank_leaf() const {
  const auto blank = std::ranges::find(leaves_, nullptr);
  if (blank == leaves_.end()) return std::nullopt;
  return LeafIndex{static_cast<std::uint32_t>(blank - leaves_.begin())};
}

namespace {

void add_resolution(const RatchetTree& tree, NodeIndex node, const std::vector<LeafIndex>& without,
                    std::vector<NodeIndex>& out) {
  const auto wanted = [&](LeafIndex leaf) { return !std::ranges::binary_search(without, leaf); };
  if (is_leaf(node)) {
    if (tree.leaf(leaf_of(node)) != nullptr && wanted(leaf_of(node))) out.push_back(node);
  } else if (const ParentNode* const parent = tree.parent(node)) {
    out.push_back(node);
    for (const LeafIndex leaf : parent->unmerged_leaves) {
      if (wanted(leaf)) out.push_back(node_of(leaf));
    }
  } else {
    add_resolution(tree, left(node), without, out);
    add_resolution(tree, right(node), without, out);
  }
}

bool resolution_is_empty(const RatchetTree& tree, NodeIndex node) {
  if (tree.has(node)) return false;
  return is_leaf(node) || (resolution_is_empty(tree, left(node)) && resolution_is_empty(tree, right(node)));
}

}  // namespace

std::vector<NodeIndex> RatchetTree::resolution(NodeIndex node, const std::vector<LeafIndex>& without) const {
  std::vector<NodeIndex> out;
  add_resolution(*this, node, without, out);
  return out;
}

std::vector<RatchetTree::PathStep> RatchetTree::filtered_direct_path(LeafIndex leaf) const {
  std::vector<PathStep> path;
  for (NodeIndex node = node_of(leaf); node != root(leaf_count()); node = tree_math::parent(node)) {
    const NodeIndex copath = sibling(node);
    if (!resolution_is_empty(*this, copath)) path.push_back({tree_math::parent(node), copath});
  }
  return path;
}

// ---- evolution ----

void RatchetTree::touch(NodeIndex node) {
  for (;; node = tree_math::parent(node)) {
    hashes_[node.value].reset();
    if (node == root(leaf_count())) return;
  }
}

Result<LeafIndex> RatchetTree::add(LeafNode leaf) {
  std::optional<LeafIndex> at = leftmost_blank_leaf();
  if (!at) {
    if (leaves_.size() == tree_leaves_max) return broken("7.7", "the tree has 4096 leaves already");
    at = LeafIndex{leaf_count()};
    leaves_.resize(2 * leaves_.size());
    parents_.resize(leaves_.size() - 1);
    hashes_.resize(node_width(leaf_count()));
  }
  for (const NodeIndex node : direct_path(*at, leaf_count())) {
    const ParentNode* const above = parent(node);
    if (above == nullptr) continue;
    ParentNode changed = *above;
    changed.unmerged_leaves.insert(std::ranges::lower_bound(changed.unmerged_leaves, *at), *at);
    parents_[parent_slot(node)] = std::make_shared<const ParentNode>(std::move(changed));
  }
  replace_leaf(*at, std::move(leaf));
  return *at;
}

void RatchetTree::update(LeafIndex at, LeafNode leaf) {
  replace_leaf(at, std::move(leaf));
  blank_path(at);
}

void RatchetTree::remove(LeafIndex at) {
  leaves_[at.value].reset();
  touch(node_of(at));
  blank_path(at);
}

void RatchetTree::truncate() {
  const auto is_blank = [](const auto& leaf) { return leaf == nullptr; };
  while (leaves_.size() > 1 && std::all_of(leaves_.begin() + static_cast<std::ptrdiff_t>(leaves_.size() / 2),
                                           leaves_.end(), is_blank)) {
    leaves_.resize(leaves_.size() / 2);
    parents_.resize(leaves_.size() - 1);
    hashes_.resize(node_width(leaf_count()));
  }
}

void RatchetTree::blank_path(LeafIndex leaf) {
  for (const NodeIndex node : direct_path(leaf, leaf_count())) parents_[parent_slot(node)].reset();
  touch(node_of(leaf));
}

void RatchetTree::set_parent(NodeIndex node, ParentNode parent) {
  parents_[parent_slot(node)] = std::make_shared<const ParentNode>(std::move(parent));
  touch(node);
}

void RatchetTree::replace_leaf(LeafIndex at, LeafNode leaf) {
  leaves_[at.value] = std::make_shared<const LeafNode>(std::move(leaf));
  touch(node_of(at));
}

bool RatchetTree::operator==(const RatchetTree& other) const {
  const auto same = [](const auto& a, const auto& b) { return a == b || (a && b && *a == *b); };
  return std::ranges::equal(leaves_, other.leaves_, same) &&
         std::ranges::equal(parents_, other.parents_, same);
}

// ---- the ratchet_tree extension ----

void write(Writer& out, const RatchetTree& value) {
  std::uint32_t width = node_width(value.leaf_count());
  while (width > 0 && !value.has({width - 1})) --width;  // blanks after the last node are not sent
  out.vector([&] {
    for (NodeIndex node{0}; node.value < width; ++node.value) {
      out.u8(value.has(node) ? 1 : 0);
      if (!value.has(node)) continue;
      out.u8(is_leaf(node) ? node_type_leaf : node_type_parent);
      if (is_leaf(node)) {
        write(out, *value.leaf(leaf_of(node)));
      } else {
        write(out, *value.parent(node));
      }
    }
  });
}

RatchetTree read_ratchet_tree(Reader& in) {
  RatchetTree out;
  bool last_is_blank = true;
  std::uint32_t width = 0;
  in.vector([&](Reader& element) {
    const NodeIndex node{width++};
    if (width > node_width(tree_leaves_max)) element.fail("12.4.3.3", "the tree has more than 4096 leaves");
    if (!element.ok()) return;
    if (is_leaf(node)) out.leaves_.emplace_back();
    if (!is_leaf(node)) out.parents_.emplace_back();
    last_is_blank = !element.present();
    if (last_is_blank) return;
    if (element.u8() != (is_leaf(node) ? node_type_leaf : node_type_parent)) {
      element.fail("12.4.3.3", "a leaf where a parent node stands, or the reverse");
    }
    if (is_leaf(node)) {
      out.leaves_.back() = std::make_shared<const LeafNode>(read_leaf_node(element));
    } else {
      out.parents_.back() = std::make_shared<const ParentNode>(read_parent_node(element));
    }
  });
  if (last_is_blank) in.fail("12.4.3.3", "the last node of the tree is blank");
  if (!in.ok()) return RatchetTree();
  out.leaves_.resize(full_size(width / 2 + 1));  // the smallest full tree of at least that many nodes
  out.parents_.resize(out.leaves_.size() - 1);
  out.hashes_.resize(node_width(out.leaf_count()));
  return out;
}

}  // namespace shearline::mls
