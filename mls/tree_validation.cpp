#include "mls/tree_validation.hpp"

#include "mls/hpke_kem.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace shearline::mls {
namespace {

using namespace tree_math;

const Bytes* parent_hash_field(const RatchetTree& tree, NodeIndex node) {
  if (!is_leaf(node)) return &tree.parent(node)->parent_hash;
  const LeafNode* const leaf = tree.leaf(leaf_of(node));
  return leaf->source == LeafNodeSource::commit ? &leaf->parent_hash : nullptr;
}

// Section 7.9.2: D is in the resolution of C, and what else is in it are P's unmerged leaves below C.
bool is_vouched_for(RatchetTree& tree, NodeIndex parent, NodeIndex child, NodeIndex copath) {
  const ParentNode& content = *tree.parent(parent);
  std::vector<NodeIndex> rest = tree.resolution(child);
  std::size_t unmerged = 0;
  std::erase_if(rest, [&](NodeIndex node) {
    const bool is_unmerged =
        is_leaf(node) && std::ranges::binary_search(content.unmerged_leaves, leaf_of(node));
    unmerged += is_unmerged ? 1 : 0;
    return is_unmerged;
  });
  const auto below =
      std::ranges::count_if(content.unmerged_leaves, [&](LeafIndex leaf) { return contains(child, leaf); });
  if (rest.size() != 1 || unmerged != static_cast<std::size_t>(below)) return false;
  const Bytes* const field = parent_hash_field(tree, rest.front());
  return field != nullptr && *field == tree.parent_hash(parent, copath);
}

template <class Visit>
Status for_each_parent(const RatchetTree& tree, Visit visit) {
  for (NodeIndex node{1}; node.value < node_width(tree.leaf_count()); node.value += 2) {
    if (tree.parent(node) == nullptr) continue;
    if (Status sound = visit(node); !sound) return sound;
  }
  return {};
}

Status check_unmerged_leaf(const RatchetTree& tree, NodeIndex parent, LeafIndex leaf) {
  if (!contains(parent, leaf)) return broken("12.4.3.1", "an unmerged leaf is not below its parent node");
  if (tree.leaf(leaf) == nullptr) return broken("12.4.3.1", "an unmerged leaf is blank");
  for (NodeIndex node = tree_math::parent(node_of(leaf)); node != parent; node = tree_math::parent(node)) {
    const ParentNode* const between = tree.parent(node);
    if (between != nullptr && !std::ranges::binary_search(between->unmerged_leaves, leaf)) {
      return broken("12.4.3.1", "an unmerged leaf is merged in a node between it and its parent node");
    }
  }
  return {};
}

// Their first octets tell keys apart that nobody has made alike, and sort far faster.
std::uint64_t head_of(std::string_view key) {
  std::array<Byte, sizeof(std::uint64_t)> head{};
  std::ranges::copy(key.substr(0, head.size()), head.begin());
  return load_be64(head.data());
}

bool has_duplicate(std::vector<std::string_view>& keys) {
  std::vector<std::uint64_t> heads(keys.size());
  std::ranges::transform(keys, heads.begin(), head_of);
  std::ranges::sort(heads);
  if (std::ranges::adjacent_find(heads) == heads.end()) return false;
  std::ranges::sort(keys);
  return std::ranges::adjacent_find(keys) != keys.end();
}

}  // namespace

Status validate_parent_hashes(RatchetTree& tree) {
  return for_each_parent(tree, [&](NodeIndex node) -> Status {
    const bool from_left = is_vouched_for(tree, node, left(node), right(node));
    const bool from_right = is_vouched_for(tree, node, right(node), left(node));
    if (from_left != from_right) return {};
    return broken("7.9.2", "a parent node is not vouched for by exactly one parent hash below it");
  });
}

Status validate_parent_keys(const RatchetTree& tree, CipherSuite suite) {
  return for_each_parent(tree, [&](NodeIndex node) -> Status {
    if (hpke::is_public_key(hpke_of(suite).kem, tree.parent(node)->encryption_key)) return {};
    return broken("5.1.1", "a parent node's encryption key is no public key of the suite");
  });
}

Status validate_unmerged_leaves(const RatchetTree& tree) {
  return for_each_parent(tree, [&](NodeIndex node) -> Status {
    for (const LeafIndex leaf : tree.parent(node)->unmerged_leaves) {
      if (Status sound = check_unmerged_leaf(tree, node, leaf); !sound) return sound;
    }
    return {};
  });
}

Status validate_unique_keys(const RatchetTree& tree) {
  std::vector<std::string_view> encryption_keys;
  std::vector<std::string_view> signature_keys;
  encryption_keys.reserve(2 * tree.leaf_count());
  signature_keys.reserve(tree.leaf_count());
  for (NodeIndex node{0}; node.value < node_width(tree.leaf_count()); ++node.value) {
    if (const Bytes* const key = tree.encryption_key(node)) encryption_keys.push_back(as_text(*key));
    if (!is_leaf(node)) continue;
    if (const LeafNode* const leaf = tree.leaf(leaf_of(node))) {
      signature_keys.push_back(as_text(leaf->signature_key));
    }
  }
  if (has_duplicate(encryption_keys)) return broken("7.3", "an encryption key appears twice in the tree");
  if (has_duplicate(signature_keys)) return broken("7.3", "a signature key appears twice in the tree");
  return {};
}

Status validate_tree(RatchetTree& tree, const LeafRules& rules) {
  if (Status sound = validate_unmerged_leaves(tree); !sound) return sound;
  if (Status sound = validate_unique_keys(tree); !sound) return sound;
  if (Status sound = validate_parent_keys(tree, rules.cipher_suite); !sound) return sound;
  if (Status sound = validate_parent_hashes(tree); !sound) return sound;
  for (LeafIndex at{0}; at.value < tree.leaf_count(); ++at.value) {
    const LeafNode* const leaf = tree.leaf(at);
    if (leaf == nullptr) continue;
    if (Status sound = validate_leaf(*leaf, at, nullptr, Occasion::join, rules); !sound) return sound;
  }
  return {};
}

}  // namespace shearline::mls
