// The signatures of RFC 9420 section 5.1.2: Ed25519 (RFC 8032) for suites 1 and 3, ECDSA over P-256 with
// SHA-256 (DER) for suite 2. Used through crypto.hpp's labels; knows no label.
#pragma once

#include "base/error.hpp"
#include "base/openssl.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

#include <memory>

namespace shearline::mls {

enum class SignatureScheme { ed25519, ecdsa_secp256r1_sha256 };

// A private key with its public half. Beside the bytes in the arena it keeps an OpenSSL context that is ready to sign,
// whose key OpenSSL wipes when the last copy goes: parsing at every signature would double its cost.
// (The nonce of ECDSA comes from OpenSSL's generator, the only randomness of this room that is not handed in.)
class SignaturePrivateKey {
 public:
  SignaturePrivateKey() = default;
  // `secret`: Ed25519 seed or P-256 scalar, 32 bytes. invalid: it is neither.
  static Result<SignaturePrivateKey> from(SignatureScheme scheme, Key secret);
  static SignaturePrivateKey generate(SignatureScheme scheme, Random& random);

  const Bytes& public_key() const { return public_key_; }
  const Key& secret() const { return *secret_; }
  Bytes sign(ByteView message) const;

 private:
  // Shared among the copies of a group's states: one secret, however many states.
  std::shared_ptr<const Key> secret_;
  std::shared_ptr<const EVP_MD_CTX> ready_;  // never signs itself: each signature is made by a copy
  Bytes public_key_;
  SignatureScheme scheme_ = SignatureScheme::ed25519;
};

bool verify_signature(SignatureScheme scheme, ByteView public_key, ByteView message, ByteView signature);

}  // namespace shearline::mls
