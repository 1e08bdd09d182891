#include "mls/signature.hpp"

#include "base/crypto.hpp"
#include "mls/p256.hpp"

namespace shearline::mls {
namespace {

using namespace openssl;

constexpr std::size_t private_key_bytes = 32;
constexpr std::size_t ed25519_public_bytes = 32;
constexpr std::size_t ed25519_signature_bytes = 64;
constexpr std::size_t ecdsa_signature_bytes_max = 72;

const EVP_MD* digest_of(SignatureScheme scheme) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return scheme == SignatureScheme::ed25519 ? nullptr : sha256;
}

PKey private_pkey(SignatureScheme scheme, const Key& secret) {
  if (secret.size() != private_key_bytes) return nullptr;
  if (scheme == SignatureScheme::ed25519) return raw_key(RawKey::ed25519, {}, secret.reveal());
  const BigNum scalar = p256::scalar_of(secret);
  return scalar ? p256::pkey_of(p256::public_of(scalar), scalar.get()) : nullptr;
}

PKey public_pkey(SignatureScheme scheme, ByteView public_key) {
  if (scheme == SignatureScheme::ecdsa_secp256r1_sha256) return p256::pkey_of(public_key, nullptr);
  if (public_key.size() != ed25519_public_bytes) return nullptr;
  return raw_key(RawKey::ed25519, public_key);
}

Bytes public_of(SignatureScheme scheme, EVP_PKEY* pkey, const Key& secret) {
  if (scheme == SignatureScheme::ecdsa_secp256r1_sha256) return p256::public_of(p256::scalar_of(secret));
  Bytes out(ed25519_public_bytes);
  std::size_t size = out.size();
  must(EVP_PKEY_get_raw_public_key(pkey, out.data(), &size) == 1 && size == out.size(), "Ed25519");
  return out;
}

}  // namespace

Result<SignaturePrivateKey> SignaturePrivateKey::from(SignatureScheme scheme, Key secret) {
  const PKey pkey = private_pkey(scheme, secret);
  if (!pkey) return fail(Code::invalid, "not a private key of this signature scheme");
  MdCtx ready(EVP_MD_CTX_new());
  must(ready && EVP_DigestSignInit(ready.get(), nullptr, digest_of(scheme), nullptr, pkey.get()) == 1,
       "signature");
  SignaturePrivateKey out;
  out.scheme_ = scheme;
  out.public_key_ = public_of(scheme, pkey.get(), secret);
  out.ready_ = std::move(ready);
  out.secret_ = std::make_shared<const Key>(std::move(secret));
  return out;
}

SignaturePrivateKey SignaturePrivateKey::generate(SignatureScheme scheme, Random& random) {
  for (;;) {  // a random scalar is out of range once in 2^32 tries
    Result<SignaturePrivateKey> key = from(scheme, random_key(random, private_key_bytes));
    if (key) return std::move(*key);
  }
}

// Copying the context costs a tenth of a microsecond, making it ready two: it looks its algorithm up by name.
Bytes SignaturePrivateKey::sign(ByteView message) const {
  const MdCtx ctx(EVP_MD_CTX_new());
  Bytes out(scheme_ == SignatureScheme::ed25519 ? ed25519_signature_bytes : ecdsa_signature_bytes_max);
  std::size_t size = out.size();
  must(ctx && EVP_MD_CTX_copy_ex(ctx.get(), ready_.get()) == 1 &&
           EVP_DigestSign(ctx.get(), out.data(), &size, message.data(), message.size()) == 1,
       "signature");
  out.resize(size);
  return out;
}

bool verify_signature(SignatureScheme scheme, ByteView public_key, ByteView message, ByteView signature) {
  // Lengths first: an empty or truncated signature never reaches the arithmetic.
  if (scheme == SignatureScheme::ed25519 && signature.size() != ed25519_signature_bytes) return false;
  if (signature.empty()) return false;
  const PKey pkey = public_pkey(scheme, public_key);
  const MdCtx ctx(EVP_MD_CTX_new());
  const bool fits =
      pkey && ctx && EVP_DigestVerifyInit(ctx.get(), nullptr, digest_of(scheme), nullptr, pkey.get()) == 1 &&
      EVP_DigestVerify(ctx.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  if (!fits) ERR_clear_error();
  return fits;
}

}  // namespace shearline::mls
