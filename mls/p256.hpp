// Keys of P-256 as OpenSSL objects, for HPKE (hpke_kem) and for ECDSA (signature). Nobody else needs a curve.
#pragma once

#include "base/openssl.hpp"
#include "base/secret.hpp"

namespace shearline::mls::p256 {

inline constexpr std::size_t scalar_bytes = 32;
inline constexpr std::size_t point_bytes = 65;  // uncompressed

// The scalar, when it is one: 1 to order - 1. Null otherwise.
openssl::BigNum scalar_of(const Key& key);
Bytes public_of(const openssl::BigNum& scalar);
// With a scalar: a key pair. Null when the public bytes are no uncompressed point of the curve.
openssl::PKey pkey_of(ByteView public_key, const BIGNUM* scalar);

}  // namespace shearline::mls::p256
