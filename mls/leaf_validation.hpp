// RFC 9420 sections 7.3 and 10.1: when a leaf node or key package is acceptable, on the four occasions the RFC
// names, and the caller's own say about who it is. Used by proposal_list, group and tree_validation.
#pragma once

#include "mls/key_package.hpp"

#include <functional>

namespace shearline::mls {

// When a leaf shows up: in the tree one joins, in an Add, in an Update, in a commit's path.
enum class Occasion { join, add, update, path };

// Section 5.3.1: asks the application whether this credential may appear with this key, and after which one.
struct IdentityQuestion {
  Occasion occasion = Occasion::join;
  const LeafNode& leaf;
  const LeafNode* replaced = nullptr;  // update and path: the member's leaf so far
};
// An error refuses; its message goes to whoever made the operation.
using IdentityCheck = std::function<Status(const IdentityQuestion&)>;

struct LeafRules {
  CipherSuite cipher_suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;
  ByteView group_id;
  const Extensions& group_context_extensions;
  std::uint64_t now_s = 0;                                                // seconds since 1970
  std::uint64_t lifetime_seconds_max = key_package_lifetime_seconds_max;  // section 7.2
  const IdentityCheck& identities;
};

// All of section 7.3 but uniqueness, which is the tree's (tree_validation). `replaced`: the leaf in its place
// so far, for update and path. policy_violation: an X.509 credential.
Status validate_leaf(const LeafNode& leaf, LeafIndex at, const LeafNode* replaced, Occasion occasion,
                     const LeafRules& rules);
// Section 10.1, with the leaf's own rules.
Status validate_key_package(const KeyPackage& key_package, const LeafRules& rules);

// Section 13.4 and 11.1: what the leaf's capabilities must list in a group with these extensions.
Status check_capabilities(const LeafNode& leaf, CipherSuite suite,
                          const Extensions& group_context_extensions);

}  // namespace shearline::mls
