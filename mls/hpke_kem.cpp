// DHKEM over OpenSSL. X25519 is base/crypto's; P-256 is here because only HPKE and MLS suite 2 know it.
#include "mls/hpke_kem.hpp"

#include "base/openssl.hpp"
#include "mls/hpke_kdf.hpp"

#include <openssl/core_names.h>
#include <openssl/obj_mac.h>

#include <algorithm>

namespace shearline::mls::hpke {
namespace {

using namespace openssl;

constexpr std::size_t private_key_bytes = 32;    // both curves
constexpr std::size_t shared_secret_bytes = 32;  // Nsecret
constexpr Byte uncompressed_point = 0x04;

Error not_a_public_key() { return {Code::invalid, "not a public key of this HPKE suite"}; }
Error not_a_private_key() { return {Code::invalid, "not a private key of this HPKE suite"}; }

// ---- P-256 ----

const EC_GROUP* p256() {
  static const EC_GROUP* const group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  return group;
}

// The scalar, when it is one: 1 to order - 1.
BigNum p256_scalar(const Key& key) {
  if (key.size() != private_key_bytes) return nullptr;
  BigNum scalar(BN_bin2bn(key.reveal().data(), static_cast<int>(key.size()), nullptr));
  must(scalar != nullptr, "P-256 scalar");
  BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
  const bool in_range = !BN_is_zero(scalar.get()) && BN_cmp(scalar.get(), EC_GROUP_get0_order(p256())) < 0;
  return in_range ? std::move(scalar) : nullptr;
}

Bytes p256_public_of(const BigNum& scalar) {
  const Point point(EC_POINT_new(p256()));
  must(point && EC_POINT_mul(p256(), point.get(), scalar.get(), nullptr, nullptr, nullptr) == 1, "P-256");
  Bytes out(public_key_bytes(Kem::p256_hkdf_sha256));
  must(EC_POINT_point2oct(p256(), point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(), out.size(),
                          nullptr) == out.size(),
       "P-256");
  return out;
}

// Null when the public bytes are no point of the curve.
PKey p256_pkey(ByteView public_key, const BIGNUM* scalar) {
  static const char group_name[] = "prime256v1";
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  must(builder &&
           OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group_name, 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, public_key.data(),
                                            public_key.size()) == 1,
       "P-256 parameters");
  if (scalar != nullptr) {
    must(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1, "P-256 parameters");
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PKeyCtx ctx(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  must(params && ctx && EVP_PKEY_fromdata_init(ctx.get()) == 1, "P-256");
  EVP_PKEY* made = nullptr;
  const int selection = scalar != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  const bool ok = EVP_PKEY_fromdata(ctx.get(), &made, selection, params.get()) == 1;
  // The parameters hold a copy of the scalar in ordinary memory.
  if (scalar != nullptr) {
    if (OSSL_PARAM* copy = OSSL_PARAM_locate(params.get(), OSSL_PKEY_PARAM_PRIV_KEY)) {
      wipe({static_cast<Byte*>(copy->data), copy->data_size});
    }
  }
  if (!ok) ERR_clear_error();
  return PKey(ok ? made : nullptr);
}

Result<Key> p256_diffie_hellman(const Key& private_key, ByteView peer_public) {
  const BigNum scalar = p256_scalar(private_key);
  if (!scalar) return std::unexpected(not_a_private_key());
  if (peer_public.size() != public_key_bytes(Kem::p256_hkdf_sha256) || peer_public[0] != uncompressed_point) {
    return std::unexpected(not_a_public_key());
  }
  const PKey peer = p256_pkey(peer_public, nullptr);
  if (!peer) return std::unexpected(not_a_public_key());
  const PKey own = p256_pkey(p256_public_of(scalar), scalar.get());
  must(own != nullptr, "P-256 private key");
  const PKeyCtx ctx(EVP_PKEY_CTX_new(own.get(), nullptr));
  must(ctx && EVP_PKEY_derive_init(ctx.get()) == 1, "P-256");
  Key out = Key::of_size(32);  // Ndh: the x-coordinate
  std::size_t size = out.size();
  if (EVP_PKEY_derive_set_peer(ctx.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(ctx.get(), out.writable().data(), &size) != 1 || size != out.size()) {
    ERR_clear_error();
    return std::unexpected(not_a_public_key());
  }
  return out;
}

// ---- DeriveKeyPair, RFC 9180 section 7.1.3 ----

Result<Key> derive_private_key(Kem kem, const Key& dkp_prk) {
  const Bytes suite_id = kem_suite_id(kem);
  if (kem == Kem::x25519_hkdf_sha256) {
    return labeled_expand(suite_id, dkp_prk, "sk", {}, private_key_bytes);
  }
  for (int counter = 0; counter < 256; ++counter) {
    const Byte counter_byte = static_cast<Byte>(counter);
    Key candidate =
        labeled_expand(suite_id, dkp_prk, "candidate", ByteView(&counter_byte, 1), private_key_bytes);
    if (p256_scalar(candidate)) return candidate;
  }
  return fail(Code::internal_error, "HPKE: no private key derived in 256 attempts");  // never: 2^-8192
}

Key shared_secret(Kem kem, const Key& dh, const Key& dh_of_sender, ByteView kem_context) {
  const Bytes suite_id = kem_suite_id(kem);
  const Key eae_prk = labeled_extract(suite_id, {}, "eae_prk", dh.reveal(), dh_of_sender.reveal());
  return labeled_expand(suite_id, eae_prk, "shared_secret", kem_context, shared_secret_bytes);
}

}  // namespace

Result<Bytes> public_key_of(Kem kem, const Key& private_key) {
  if (kem == Kem::p256_hkdf_sha256) {
    const BigNum scalar = p256_scalar(private_key);
    if (!scalar) return std::unexpected(not_a_private_key());
    return p256_public_of(scalar);
  }
  if (private_key.size() != private_key_bytes) return std::unexpected(not_a_private_key());
  return to_bytes(x25519_public(private_key));
}

Result<Key> diffie_hellman(Kem kem, const Key& private_key, ByteView peer_public) {
  if (kem == Kem::p256_hkdf_sha256) return p256_diffie_hellman(private_key, peer_public);
  if (private_key.size() != private_key_bytes) return std::unexpected(not_a_private_key());
  if (peer_public.size() != public_key_bytes(kem)) return std::unexpected(not_a_public_key());
  PublicKey peer;
  std::ranges::copy(peer_public, peer.begin());
  return x25519(private_key, peer);
}

Result<KeyPair> derive_key_pair(Suite suite, ByteView ikm) {
  if (ikm.size() < private_key_bytes) return fail(Code::invalid, "HPKE: too little input for a key pair");
  const Key dkp_prk = labeled_extract(kem_suite_id(suite.kem), {}, "dkp_prk", ikm);
  Result<Key> private_key = derive_private_key(suite.kem, dkp_prk);
  if (!private_key) return std::unexpected(private_key.error());
  Result<Bytes> public_key = public_key_of(suite.kem, *private_key);
  if (!public_key) return std::unexpected(public_key.error());
  return KeyPair{.private_key = std::move(*private_key), .public_key = std::move(*public_key)};
}

KeyPair generate_key_pair(Suite suite, Random& random) {
  const Key ikm = random_key(random, private_key_bytes);
  Result<KeyPair> pair = derive_key_pair(suite, ikm.reveal());
  must(pair.has_value(), "HPKE key pair");
  return std::move(*pair);
}

Result<Key> encapsulate(Kem kem, const KeyPair& ephemeral, ByteView recipient_public, const KeyPair* sender) {
  const Result<Key> dh = diffie_hellman(kem, ephemeral.private_key, recipient_public);
  if (!dh) return std::unexpected(dh.error());
  Bytes kem_context = ephemeral.public_key;
  append(kem_context, recipient_public);
  if (sender == nullptr) return shared_secret(kem, *dh, Key(), kem_context);
  const Result<Key> dh_of_sender = diffie_hellman(kem, sender->private_key, recipient_public);
  if (!dh_of_sender) return std::unexpected(dh_of_sender.error());
  append(kem_context, sender->public_key);
  return shared_secret(kem, *dh, *dh_of_sender, kem_context);
}

Result<Key> decapsulate(Kem kem, ByteView encapsulated, const Key& recipient_private,
                        ByteView sender_public) {
  const Result<Key> dh = diffie_hellman(kem, recipient_private, encapsulated);
  if (!dh) return std::unexpected(dh.error());
  const Result<Bytes> recipient_public = public_key_of(kem, recipient_private);
  if (!recipient_public) return std::unexpected(recipient_public.error());
  Bytes kem_context = to_bytes(encapsulated);
  append(kem_context, *recipient_public);
  if (sender_public.empty()) return shared_secret(kem, *dh, Key(), kem_context);
  const Result<Key> dh_of_sender = diffie_hellman(kem, recipient_private, sender_public);
  if (!dh_of_sender) return std::unexpected(dh_of_sender.error());
  append(kem_context, sender_public);
  return shared_secret(kem, *dh, *dh_of_sender, kem_context);
}

}  // namespace shearline::mls::hpke
