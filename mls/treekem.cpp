#include "mls/treekem.hpp"

#include "mls/hpke_kem.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

using namespace tree_math;

constexpr std::string_view path_node_label = "UpdatePathNode";

Key next_path_secret(const Key& path_secret) { return derive_secret(path_secret, "path"); }

// Section 7.9: from the root down, because each node's parent hash covers the next one's. Gives the parent
// hash for the leaf.
Bytes place_path(RatchetTree& tree, const std::vector<RatchetTree::PathStep>& steps,
                 const std::vector<const Bytes*>& public_keys) {
  Bytes parent_hash;  // the topmost node's is empty
  for (std::size_t i = steps.size(); i-- > 0;) {
    tree.set_parent(
        steps[i].node,
        {.encryption_key = *public_keys[i], .parent_hash = std::move(parent_hash), .unmerged_leaves = {}});
    parent_hash = tree.parent_hash(steps[i].node, steps[i].copath);
  }
  return parent_hash;
}

// Derives the key pairs of steps[first] and above. Gives the commit secret.
Result<Key> derive_upwards(CipherSuite suite, const RatchetTree& tree,
                           const std::vector<RatchetTree::PathStep>& steps, std::size_t first,
                           Key path_secret, TreePrivateKeys& keys) {
  for (std::size_t i = first; i < steps.size(); ++i) {
    hpke::KeyPair pair = node_key_pair(suite, path_secret);
    const Bytes* const expected = tree.encryption_key(steps[i].node);
    if (expected == nullptr || *expected != pair.public_key) {
      return broken("7.5", "a path secret does not give the public key in the tree");
    }
    keys.set(steps[i].node, std::move(pair));
    path_secret = next_path_secret(path_secret);
  }
  return path_secret;
}

}  // namespace

// ---- private keys ----

const hpke::KeyPair* TreePrivateKeys::find(NodeIndex node) const {
  const auto found = std::ranges::lower_bound(entries_, node, {}, &Entry::node);
  return found == entries_.end() || found->node != node ? nullptr : found->key.get();
}

void TreePrivateKeys::set(NodeIndex node, hpke::KeyPair key) {
  auto shared = std::make_shared<const hpke::KeyPair>(std::move(key));
  const auto at = std::ranges::lower_bound(entries_, node, {}, &Entry::node);
  if (at != entries_.end() && at->node == node) {
    at->key = std::move(shared);
  } else {
    entries_.insert(at, {node, std::move(shared)});
  }
}

void TreePrivateKeys::forget_outdated(const RatchetTree& tree) {
  std::erase_if(entries_, [&](const Entry& entry) {
    const Bytes* const current = tree.encryption_key(entry.node);
    return current == nullptr || *current != entry.key->public_key;
  });
}

void TreePrivateKeys::write_state(Writer& out) const {
  out.vector([&] {
    for (const Entry& entry : entries_) {
      out.u32(entry.node.value);
      out.opaque(entry.key->private_key.reveal());
      out.opaque(entry.key->public_key);
    }
  });
}

TreePrivateKeys TreePrivateKeys::read_state(Reader& in) {
  TreePrivateKeys out;
  in.vector([&](Reader& element) {
    const NodeIndex node{element.u32()};
    if (!out.entries_.empty() && node <= out.entries_.back().node) {
      element.fail("16.6", "saved private keys that are not in the order of their nodes");
    }
    Key private_key = read_saved_key(element, hpke::private_key_bytes);
    out.set(node, {.private_key = std::move(private_key), .public_key = element.opaque()});
  });
  return out;
}

hpke::KeyPair node_key_pair(CipherSuite suite, const Key& path_secret) {
  const Key node_secret = derive_secret(path_secret, "node");
  Result<hpke::KeyPair> pair = hpke::derive_key_pair(hpke_of(suite), node_secret.reveal());
  openssl::must(pair.has_value(), "RFC 9420 section 7.4: node key pair");
  return std::move(*pair);
}

// ---- the committer's side ----

NewPath make_path(CipherSuite suite, RatchetTree& tree, LeafIndex sender, LeafNode leaf,
                  const SignaturePrivateKey& signature_key, ByteView group_id, const TreePrivateKeys& keys,
                  Random& random) {
  NewPath out;
  out.keys = keys;
  const std::vector<RatchetTree::PathStep> steps = tree.filtered_direct_path(sender);
  tree.blank_path(sender);
  std::vector<const Bytes*> public_keys;
  Key path_secret = random_key(random, hash_bytes);
  for (const RatchetTree::PathStep& step : steps) {
    out.keys.set(step.node, node_key_pair(suite, path_secret));
    public_keys.push_back(&out.keys.find(step.node)->public_key);
    Key next = next_path_secret(path_secret);
    out.steps.push_back({step, std::move(path_secret)});
    path_secret = std::move(next);
  }
  out.commit_secret = std::move(path_secret);

  hpke::KeyPair leaf_key = hpke::generate_key_pair(hpke_of(suite), random);
  leaf.source = LeafNodeSource::commit;
  leaf.lifetime = {};
  leaf.encryption_key = leaf_key.public_key;
  leaf.signature_key = signature_key.public_key();
  leaf.parent_hash = place_path(tree, steps, public_keys);
  sign_leaf_node(leaf, signature_key, {.group_id = group_id, .leaf = sender});
  tree.replace_leaf(sender, std::move(leaf));
  out.keys.set(node_of(sender), std::move(leaf_key));
  out.keys.forget_outdated(tree);
  return out;
}

Result<UpdatePath> encrypt_path(CipherSuite suite, const RatchetTree& tree, LeafIndex sender,
                                const NewPath& path, ByteView group_context,
                                const std::vector<LeafIndex>& added, Random& random) {
  UpdatePath out;
  out.leaf_node = *tree.leaf(sender);
  const EncryptContext context = encrypt_context(suite, path_node_label, group_context);
  for (const NewPath::Step& step : path.steps) {
    UpdatePathNode node{.encryption_key = *tree.encryption_key(step.at.node), .encrypted_path_secrets = {}};
    for (const NodeIndex recipient : tree.resolution(step.at.copath, added)) {
      Result<HpkeCiphertext> sealed =
          encrypt_with_label(context, *tree.encryption_key(recipient), step.path_secret.reveal(), random);
      if (!sealed) return pass_on(sealed.error());
      node.encrypted_path_secrets.push_back(std::move(*sealed));
    }
    out.nodes.push_back(std::move(node));
  }
  return out;
}

// ---- the others' side ----

namespace {

Status check_path_keys_are_new(const RatchetTree& tree, const UpdatePath& path) {
  const auto is_new = [&](const Bytes& key) {
    for (NodeIndex node{0}; node.value < node_width(tree.leaf_count()); ++node.value) {
      const Bytes* const present = tree.encryption_key(node);
      if (present != nullptr && *present == key) return false;
    }
    return true;
  };
  const bool all_new = is_new(path.leaf_node.encryption_key) &&
                       std::ranges::all_of(path.nodes, is_new, &UpdatePathNode::encryption_key);
  if (!all_new) return broken("12.4.2", "a key of the update path is in the tree already");
  return {};
}

}  // namespace

Status validate_path_keys(CipherSuite suite, const UpdatePath& path) {
  const auto is_key = [&](const Bytes& key) { return hpke::is_public_key(hpke_of(suite).kem, key); };
  if (std::ranges::all_of(path.nodes, is_key, &UpdatePathNode::encryption_key)) return {};
  return broken("5.1.1", "a key of the update path is no public key of the suite");
}

Status merge_path(RatchetTree& tree, LeafIndex sender, const UpdatePath& path,
                  const std::vector<LeafIndex>& added) {
  const std::vector<RatchetTree::PathStep> steps = tree.filtered_direct_path(sender);
  if (path.nodes.size() != steps.size()) {
    return broken("7.5", "the update path is not as long as the sender's filtered direct path");
  }
  if (Status sound = check_path_keys_are_new(tree, path); !sound) return sound;
  std::vector<const Bytes*> public_keys;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (path.nodes[i].encrypted_path_secrets.size() != tree.resolution(steps[i].copath, added).size()) {
      return broken("7.6", "a path secret is not encrypted once for each node of the copath's resolution");
    }
    public_keys.push_back(&path.nodes[i].encryption_key);
  }
  tree.blank_path(sender);
  if (place_path(tree, steps, public_keys) != path.leaf_node.parent_hash) {
    return broken("7.9.2", "the parent hash of the committer's leaf is not the one computed");
  }
  tree.replace_leaf(sender, path.leaf_node);
  return {};
}

Result<OpenedPath> open_path(CipherSuite suite, const RatchetTree& tree, LeafIndex sender, LeafIndex own,
                             const UpdatePath& path, const TreePrivateKeys& keys, ByteView group_context,
                             const std::vector<LeafIndex>& added) {
  const std::vector<RatchetTree::PathStep> steps = tree.filtered_direct_path(sender);
  const auto above_us =
      std::ranges::find_if(steps, [&](const auto& step) { return contains(step.copath, own); });
  if (above_us == steps.end()) return broken("7.5", "the update path does not reach our leaf");
  const auto index = static_cast<std::size_t>(above_us - steps.begin());
  const std::vector<NodeIndex> recipients = tree.resolution(above_us->copath, added);
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    const hpke::KeyPair* const pair = keys.find(recipients[i]);
    if (pair == nullptr) continue;
    Result<Key> path_secret = decrypt_with_label(suite, *pair, path_node_label, group_context,
                                                 path.nodes[index].encrypted_path_secrets[i]);
    if (!path_secret) return pass_on(path_secret.error());
    if (path_secret->size() != hash_bytes) return broken("7.4", "a path secret is not Nh bytes long");
    OpenedPath out{.keys = keys, .commit_secret = {}};
    Result<Key> commit_secret = derive_upwards(suite, tree, steps, index, std::move(*path_secret), out.keys);
    if (!commit_secret) return pass_on(commit_secret.error());
    out.commit_secret = std::move(*commit_secret);
    out.keys.forget_outdated(tree);
    return out;
  }
  return broken("7.5", "the update path has nothing for a key that we hold");
}

Status set_path_secret(CipherSuite suite, const RatchetTree& tree, LeafIndex signer, LeafIndex own,
                       const Key& path_secret, TreePrivateKeys& keys) {
  if (path_secret.size() != hash_bytes) return broken("7.4", "a path secret is not Nh bytes long");
  const NodeIndex ancestor = common_ancestor(signer, own);
  const std::vector<RatchetTree::PathStep> steps = tree.filtered_direct_path(signer);
  const auto from = std::ranges::find(steps, ancestor, &RatchetTree::PathStep::node);
  if (from == steps.end()) return broken("12.4.3.1", "the common ancestor is not on the signer's path");
  const Result<Key> done = derive_upwards(suite, tree, steps, static_cast<std::size_t>(from - steps.begin()),
                                          path_secret.clone(), keys);
  if (!done) return pass_on(done.error());
  return {};
}

}  // namespace shearline::mls
