#include "base/openssl.hpp"

#include <openssl/core_names.h>

namespace shearline::openssl {
namespace {

// Kept, because finding the algorithm by its name costs as much as making the key. It holds no key, but is not made to
// be shared between threads.
EVP_PKEY_CTX* maker_of(RawKey type) {
  const auto make = [](const char* name) {
    PKeyCtx ctx(EVP_PKEY_CTX_new_from_name(nullptr, name, nullptr));
    must(ctx && EVP_PKEY_fromdata_init(ctx.get()) == 1, name);
    return ctx;
  };
  thread_local const PKeyCtx ed25519 = make("ED25519");
  thread_local const PKeyCtx x25519 = make("X25519");
  return type == RawKey::ed25519 ? ed25519.get() : x25519.get();
}

OSSL_PARAM octets(const char* name, ByteView bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<Byte*>(bytes.data()), bytes.size());
}

}  // namespace

PKey raw_key(RawKey type, ByteView public_key, ByteView private_key) {
  OSSL_PARAM params[3];
  OSSL_PARAM* end = params;
  if (!public_key.empty()) *end++ = octets(OSSL_PKEY_PARAM_PUB_KEY, public_key);
  if (!private_key.empty()) *end++ = octets(OSSL_PKEY_PARAM_PRIV_KEY, private_key);
  *end = OSSL_PARAM_construct_end();
  const int selection = private_key.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_fromdata(maker_of(type), &made, selection, params) != 1) ERR_clear_error();
  return PKey(made);
}

}  // namespace shearline::openssl
