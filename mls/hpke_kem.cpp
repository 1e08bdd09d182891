// DHKEM over OpenSSL, for X25519 and P-256.
#include "mls/hpke_kem.hpp"

#include "base/openssl.hpp"
#include "mls/hpke_kdf.hpp"
#include "mls/p256.hpp"

#include <algorithm>

namespace shearline::mls::hpke {
namespace {

using namespace openssl;

constexpr std::size_t shared_secret_bytes = 32;  // Nsecret

Error not_a_public_key() { return {Code::invalid, "not a public key of this HPKE suite"}; }
Error not_a_private_key() { return {Code::invalid, "not a private key of this HPKE suite"}; }

// Null: not a private key of this KEM. Both halves are handed over, so that OpenSSL does not compute the public one
// again.
PKey own_pkey(Kem kem, const KeyPair& own) {
  if (own.private_key.size() != private_key_bytes || own.public_key.size() != public_key_bytes(kem)) {
    return nullptr;
  }
  if (kem == Kem::x25519_hkdf_sha256)
    return raw_key(RawKey::x25519, own.public_key, own.private_key.reveal());
  const BigNum scalar = p256::scalar_of(own.private_key);
  return scalar ? p256::pkey_of(own.public_key, scalar.get()) : nullptr;
}

// Null: no public key of this KEM.
PKey peer_pkey(Kem kem, ByteView peer) {
  if (peer.size() != public_key_bytes(kem)) return nullptr;
  if (kem == Kem::x25519_hkdf_sha256) return raw_key(RawKey::x25519, peer);
  return p256::pkey_of(peer, nullptr);
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
    if (p256::scalar_of(candidate)) return candidate;
  }
  return fail(Code::internal_error, "HPKE: no private key derived in 256 attempts");  // never: 2^-8192
}

// The u-coordinates below 2^255 whose order divides 8, little-endian: 0, 1, the two of order 8, and p - 1, p,
// p + 1, which are -1, 0 and 1 once more.
constexpr Hash little_endian_end(Byte first, Byte last) {
  Hash out;
  out.fill(0xff);
  out.front() = first;
  out.back() = last;
  return out;
}
constexpr std::array<Hash, 7> x25519_small_order = {
    Hash{},
    Hash{1},
    Hash{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
         0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    Hash{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
         0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    little_endian_end(0xec, 0x7f),
    little_endian_end(0xed, 0x7f),
    little_endian_end(0xee, 0x7f)};

Key shared_secret(Kem kem, const Key& dh, const Key& dh_of_sender, ByteView kem_context) {
  const Bytes suite_id = kem_suite_id(kem);
  const Key eae_prk = labeled_extract(suite_id, {}, "eae_prk", dh.reveal(), dh_of_sender.reveal());
  return labeled_expand(suite_id, eae_prk, "shared_secret", kem_context, shared_secret_bytes);
}

}  // namespace

bool is_public_key(Kem kem, ByteView public_key) {
  if (public_key.size() != public_key_bytes(kem)) return false;
  if (kem == Kem::p256_hkdf_sha256) return p256::pkey_of(public_key, nullptr) != nullptr;
  Hash u;
  std::ranges::copy(public_key, u.begin());
  u.back() &= 0x7f;  // RFC 7748 section 5: the top bit is not looked at
  return std::ranges::find(x25519_small_order, u) == x25519_small_order.end();
}

Result<Bytes> public_key_of(Kem kem, const Key& private_key) {
  if (kem == Kem::p256_hkdf_sha256) {
    const BigNum scalar = p256::scalar_of(private_key);
    if (!scalar) return std::unexpected(not_a_private_key());
    return p256::public_of(scalar);
  }
  if (private_key.size() != private_key_bytes) return std::unexpected(not_a_private_key());
  return to_bytes(x25519_public(private_key));
}

Result<Key> diffie_hellman(Kem kem, const KeyPair& own, ByteView peer_public) {
  const PKey mine = own_pkey(kem, own);
  if (!mine) return std::unexpected(not_a_private_key());
  const PKey peer = peer_pkey(kem, peer_public);
  const PKeyCtx ctx(EVP_PKEY_CTX_new(mine.get(), nullptr));
  must(ctx && EVP_PKEY_derive_init(ctx.get()) == 1, "Diffie-Hellman");
  Key out = Key::of_size(32);  // Ndh; P-256: the x-coordinate
  std::size_t size = out.size();
  // OpenSSL itself refuses an all-zero result of X25519; the comparison keeps the promise whatever it does.
  static constexpr Hash zero{};
  // A point of P-256 is checked here; of X25519 every string of 32 octets is a key (RFC 7748 section 5).
  const int check_peer = kem == Kem::p256_hkdf_sha256 ? 1 : 0;
  if (!peer || EVP_PKEY_derive_set_peer_ex(ctx.get(), peer.get(), check_peer) != 1 ||
      EVP_PKEY_derive(ctx.get(), out.writable().data(), &size) != 1 || size != out.size() ||
      (kem == Kem::x25519_hkdf_sha256 && equal_in_constant_time(out.reveal(), zero))) {
    ERR_clear_error();
    return std::unexpected(not_a_public_key());
  }
  return out;
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
  const Result<Key> dh = diffie_hellman(kem, ephemeral, recipient_public);
  if (!dh) return std::unexpected(dh.error());
  Bytes kem_context = ephemeral.public_key;
  append(kem_context, recipient_public);
  if (sender == nullptr) return shared_secret(kem, *dh, Key(), kem_context);
  const Result<Key> dh_of_sender = diffie_hellman(kem, *sender, recipient_public);
  if (!dh_of_sender) return std::unexpected(dh_of_sender.error());
  append(kem_context, sender->public_key);
  return shared_secret(kem, *dh, *dh_of_sender, kem_context);
}

Result<Key> decapsulate(Kem kem, ByteView encapsulated, const KeyPair& recipient, ByteView sender_public) {
  const Result<Key> dh = diffie_hellman(kem, recipient, encapsulated);
  if (!dh) return std::unexpected(dh.error());
  Bytes kem_context = to_bytes(encapsulated);
  append(kem_context, recipient.public_key);
  if (sender_public.empty()) return shared_secret(kem, *dh, Key(), kem_context);
  const Result<Key> dh_of_sender = diffie_hellman(kem, recipient, sender_public);
  if (!dh_of_sender) return std::unexpected(dh_of_sender.error());
  append(kem_context, sender_public);
  return shared_secret(kem, *dh, *dh_of_sender, kem_context);
}

}  // namespace shearline::mls::hpke
