// DHKEM (RFC 9180 section 4.1) over X25519 and P-256: from key pairs to a shared secret, with and without the
// sender's authentication. Used by hpke_context only.
#pragma once

#include "mls/hpke.hpp"

namespace shearline::mls::hpke {

constexpr std::size_t public_key_bytes(Kem kem) { return kem == Kem::p256_hkdf_sha256 ? 65 : 32; }

// Whether an exchange with it can succeed: the right length, on the curve, not of small order. Far cheaper than
// the exchange, so that a bad key is refused where it is introduced.
bool is_public_key(Kem kem, ByteView public_key);

// invalid: not a private key of this KEM (wrong length; P-256: zero or not below the order).
Result<Bytes> public_key_of(Kem kem, const Key& private_key);
// invalid: a wrong length, a point that is not on the curve, or a key of small order (all-zero result).
// Takes the whole pair: computing the public half anew would cost as much as the exchange.
Result<Key> diffie_hellman(Kem kem, const KeyPair& own, ByteView peer_public);

// The sender's side: the ephemeral pair is made for this one call and never used again. `sender` is the
// authenticating pair of the auth modes, null in the others.
Result<Key> encapsulate(Kem kem, const KeyPair& ephemeral, ByteView recipient_public, const KeyPair* sender);
// `sender_public` is empty where the sender does not authenticate.
Result<Key> decapsulate(Kem kem, ByteView encapsulated, const KeyPair& recipient, ByteView sender_public);

}  // namespace shearline::mls::hpke
