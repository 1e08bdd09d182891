// RFC 9420 sections 5.3 and 7.2: credentials, capabilities and the leaf nodes that carry them. Used by key
// packages and the ratchet tree; leaf_validation.hpp says when one is acceptable.
#pragma once

#include "mls/extension.hpp"
#include "mls/tree_math.hpp"

namespace shearline::mls {

// ---- 5.3 credentials ----

namespace credential_type {
inline constexpr std::uint16_t basic = 1;
inline constexpr std::uint16_t x509 = 2;
}  // namespace credential_type

// X.509 is read and written, and refused where a leaf is validated: identities here are pinned keys.
struct Credential {
  std::uint16_t type = credential_type::basic;
  Bytes identity;                   // basic
  std::vector<Bytes> certificates;  // x509
  bool operator==(const Credential&) const = default;
};
Credential basic_credential(ByteView identity);
void write(Writer& out, const Credential& value);
Credential read_credential(Reader& in);

// ---- 7.2 leaf node contents ----

struct Capabilities {
  Types versions;
  Types cipher_suites;
  Types extensions;
  Types proposals;
  Types credentials;
  bool operator==(const Capabilities&) const = default;
};
void write(Writer& out, const Capabilities& value);
Capabilities read_capabilities(Reader& in);

struct Lifetime {
  std::uint64_t not_before = 0;  // seconds since 1970
  std::uint64_t not_after = 0;
  bool operator==(const Lifetime&) const = default;
};

enum class LeafNodeSource : std::uint8_t { key_package = 1, update = 2, commit = 3 };

struct LeafNode {
  Bytes encryption_key;
  Bytes signature_key;
  Credential credential;
  Capabilities capabilities;
  LeafNodeSource source = LeafNodeSource::key_package;
  Lifetime lifetime;  // source key_package
  Bytes parent_hash;  // source commit
  Extensions extensions;
  Bytes signature;
  bool operator==(const LeafNode&) const = default;
};
void write(Writer& out, const LeafNode& value);
LeafNode read_leaf_node(Reader& in);

// Where a leaf of source update or commit stands; its signature covers it.
struct LeafPosition {
  ByteView group_id;
  LeafIndex leaf;
};
// "LeafNodeTBS", section 7.2. `position` is not looked at for source key_package.
void sign_leaf_node(LeafNode& leaf, const SignaturePrivateKey& key, const LeafPosition& position);
bool leaf_signature_is_valid(CipherSuite suite, const LeafNode& leaf, const LeafPosition& position);

}  // namespace shearline::mls
