// Owning handles of OpenSSL objects and the one reaction to a call that cannot fail in a sound installation.
// For base/crypto.cpp and mls/ only: everybody else uses the functions those offer.
#pragma once

#include "base/bytes.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace shearline::openssl {

template <auto function>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};
using MdCtx = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using MacCtx = std::unique_ptr<EVP_MAC_CTX, Freer<EVP_MAC_CTX_free>>;
using CipherCtx = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;
using PKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using PKeyCtx = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using KdfCtx = std::unique_ptr<EVP_KDF_CTX, Freer<EVP_KDF_CTX_free>>;
using BigNum = std::unique_ptr<BIGNUM, Freer<BN_clear_free>>;
using Group = std::unique_ptr<EC_GROUP, Freer<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freer<EC_POINT_clear_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;

// OpenSSL fails on these calls only when memory or the installation is broken: nothing sensible can go on.
inline void must(bool ok, const char* what) {
  if (!ok) {
    ERR_clear_error();
    throw std::runtime_error(std::string("OpenSSL failed: ") + what);
  }
}

// A key of Curve25519 from its halves as RFC 7748 and RFC 8032 write them. Without the public half OpenSSL computes it;
// the private one may be left out too. Null: a half has the wrong length.
enum class RawKey { ed25519, x25519 };
PKey raw_key(RawKey type, ByteView public_key, ByteView private_key = {});

}  // namespace shearline::openssl
