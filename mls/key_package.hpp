// RFC 9420 section 10: what a client publishes so that others can add it, and the private keys it keeps for
// the Welcome. Used by proposals, group and whoever enrols members.
#pragma once

#include "mls/leaf_node.hpp"

namespace shearline::mls {

struct KeyPackage {
  CipherSuite cipher_suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;
  Bytes init_key;
  LeafNode leaf_node;
  Extensions extensions;
  Bytes signature;
  bool operator==(const KeyPackage&) const = default;
};
void write(Writer& out, const KeyPackage& value);
KeyPackage read_key_package(Reader& in);
Bytes encode_key_package(const KeyPackage& value);  // section 10
Result<KeyPackage> decode_key_package(ByteView bytes);

Hash key_package_ref(const KeyPackage& value);  // section 5.2

// "KeyPackageTBS", section 10.
void sign_key_package(KeyPackage& value, const SignaturePrivateKey& key);
bool key_package_signature_is_valid(const KeyPackage& value);

// A key package with what its owner must keep. Used once: the Welcome takes it (section 16.8).
struct OwnKeyPackage {
  KeyPackage key_package;
  hpke::KeyPair init_key;
  hpke::KeyPair encryption_key;
  SignaturePrivateKey signature_key;
};

// Section 7.2: what this implementation can do, with values of section 13.5 that nobody knows. `extensions` names an
// application's own types to list too.
Capabilities own_capabilities(const Types& extensions = {});

struct KeyPackageRequest {
  CipherSuite cipher_suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;
  Credential credential;
  SignaturePrivateKey signature_key;
  std::uint64_t now_s = 0;  // seconds since 1970
  std::uint64_t lifetime_seconds = 0;
};
// Section 10. invalid: a lifetime of zero, or above key_package_lifetime_seconds_max with the clock skew.
Result<OwnKeyPackage> make_key_package(KeyPackageRequest request, Random& random);

// Section 16.8: secret bytes, for whoever keeps a published key package until its Welcome comes. Versioned.
Key serialize_own_key_package(const OwnKeyPackage& own);
Result<OwnKeyPackage> restore_own_key_package(const Key& saved);

}  // namespace shearline::mls
