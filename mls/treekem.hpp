// RFC 9420 sections 7.4 to 7.6: making an update path, merging one into the tree, and the private keys that a
// member holds on its way to the root. Used by group for commits and Welcomes.
#pragma once

#include "mls/commit.hpp"
#include "mls/ratchet_tree.hpp"

namespace shearline::mls {

// The private keys of one member: its leaf and the nodes above it that it knows (section 4.2). Cheap to copy:
// keys are shared and never changed; a key is wiped when the last copy that has it goes.
class TreePrivateKeys {
 public:
  const hpke::KeyPair* find(NodeIndex node) const;
  void set(NodeIndex node, hpke::KeyPair key);
  // Section 7.5: keys of nodes that are blank now, or hold another key, are outdated.
  void forget_outdated(const RatchetTree& tree);

  void write_state(Writer& out) const;
  static TreePrivateKeys read_state(Reader& in);

 private:
  struct Entry {
    NodeIndex node;
    std::shared_ptr<const hpke::KeyPair> key;
  };
  std::vector<Entry> entries_;  // by node
};

// Section 7.4: node_secret and key pair of one path secret.
hpke::KeyPair node_key_pair(CipherSuite suite, const Key& path_secret);

// ---- the committer's side ----

// What its maker knows of an update path before it is encrypted.
struct NewPath {
  struct Step {
    RatchetTree::PathStep at;
    Key path_secret;
  };
  std::vector<Step> steps;  // the filtered direct path
  TreePrivateKeys keys;     // of the leaf and the steps, over those the maker had
  Key commit_secret;        // one step past the last path secret
};

// Sections 7.4 and 7.5: fresh keys and parent hashes on the sender's filtered direct path, and its leaf, which
// starts from `leaf` and is signed anew. `tree` has the commit's proposals applied already.
NewPath make_path(CipherSuite suite, RatchetTree& tree, LeafIndex sender, LeafNode leaf,
                  const SignaturePrivateKey& signature_key, ByteView group_id, const TreePrivateKeys& keys,
                  Random& random);
// Section 7.6: each path secret for each key below the copath; `added` (ascending) are this commit's new leaves.
// `group_context` is the encoded provisional one. invalid: a key in the tree is no public key.
Result<UpdatePath> encrypt_path(CipherSuite suite, const RatchetTree& tree, LeafIndex sender,
                                const NewPath& path, ByteView group_context,
                                const std::vector<LeafIndex>& added, Random& random);

// ---- the others' side ----

// Of the nodes below us in the path we never see a private key, and yet we shall encrypt to them.
// invalid: a node's key is no public key of the suite (section 5.1.1).
Status validate_path_keys(CipherSuite suite, const UpdatePath& path);
// Section 7.5: puts the path into the tree. invalid: it does not fit the filtered direct path, the leaf's parent
// hash is not the one computed, or a key of it is in the tree already (section 12.4.2).
Status merge_path(RatchetTree& tree, LeafIndex sender, const UpdatePath& path,
                  const std::vector<LeafIndex>& added);

struct OpenedPath {
  TreePrivateKeys keys;
  Key commit_secret;
};
// Section 7.5: decrypts the path secret meant for `own` and derives those above. `tree` has the path merged.
// invalid: nothing in it is for a key that we hold, or what it gives are not the path's public keys.
Result<OpenedPath> open_path(CipherSuite suite, const RatchetTree& tree, LeafIndex sender, LeafIndex own,
                             const UpdatePath& path, const TreePrivateKeys& keys, ByteView group_context,
                             const std::vector<LeafIndex>& added);

// Section 12.4.3.1: the private keys that a Welcome's path secret gives a new member, from the common ancestor
// with the signer to the root. invalid: they do not fit the tree.
Status set_path_secret(CipherSuite suite, const RatchetTree& tree, LeafIndex signer, LeafIndex own,
                       const Key& path_secret, TreePrivateKeys& keys);

}  // namespace shearline::mls
