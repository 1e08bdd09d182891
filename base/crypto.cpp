#include "base/crypto.hpp"

#include "base/openssl.hpp"

#include <openssl/core_names.h>

namespace shearline {
namespace {

using namespace openssl;

constexpr std::size_t sha256_block_bytes = 64;

// Fetched once and kept: an implicit fetch costs more than the hash.
EVP_MD* sha256_md() {
  static EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}
EVP_CIPHER* gcm_cipher() {
  static EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

PKey private_pkey(RawKey type, const Key& key) {
  PKey pkey = raw_key(type, {}, key.reveal());
  must(pkey != nullptr, "private key");
  return pkey;
}

PublicKey public_of(const PKey& pkey) {
  PublicKey out;
  std::size_t size = out.size();
  must(EVP_PKEY_get_raw_public_key(pkey.get(), out.data(), &size) == 1 && size == out.size(), "public key");
  return out;
}

}  // namespace

Hash sha256(ByteView bytes) { return sha256({bytes}); }

Hash sha256(Parts parts) {
  const MdCtx ctx(EVP_MD_CTX_new());
  must(ctx && EVP_DigestInit_ex2(ctx.get(), sha256_md(), nullptr) == 1, "SHA-256");
  for (const ByteView part : parts)
    must(EVP_DigestUpdate(ctx.get(), part.data(), part.size()) == 1, "SHA-256");
  Hash out;
  must(EVP_DigestFinal_ex(ctx.get(), out.data(), nullptr) == 1, "SHA-256");
  return out;
}

// RFC 2104 over the digest itself: OpenSSL's own HMAC looks its digest up anew at every key, which costs three
// times as much as the hashing.
void hmac_sha256(ByteView key, Parts parts, std::span<Byte, 32> out) {
  std::array<Byte, sha256_block_bytes> block{};
  if (key.size() > block.size()) {
    Hash shortened = sha256(key);
    std::memcpy(block.data(), shortened.data(), shortened.size());
    wipe(shortened);
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  const MdCtx ctx(EVP_MD_CTX_new());
  for (Byte& byte : block) byte ^= 0x36;
  must(ctx && EVP_DigestInit_ex2(ctx.get(), sha256_md(), nullptr) == 1 &&
           EVP_DigestUpdate(ctx.get(), block.data(), block.size()) == 1,
       "HMAC");
  for (const ByteView part : parts) must(EVP_DigestUpdate(ctx.get(), part.data(), part.size()) == 1, "HMAC");
  Hash inner;
  must(EVP_DigestFinal_ex(ctx.get(), inner.data(), nullptr) == 1, "HMAC");
  for (Byte& byte : block) byte ^= 0x36 ^ 0x5c;
  must(EVP_DigestInit_ex2(ctx.get(), sha256_md(), nullptr) == 1 &&
           EVP_DigestUpdate(ctx.get(), block.data(), block.size()) == 1 &&
           EVP_DigestUpdate(ctx.get(), inner.data(), inner.size()) == 1 &&
           EVP_DigestFinal_ex(ctx.get(), out.data(), nullptr) == 1,
       "HMAC");
  wipe(block);
  wipe(inner);
}

Hash hmac_sha256(ByteView key, Parts parts) {
  Hash out;
  hmac_sha256(key, parts, out);
  return out;
}

Hash hkdf_extract(ByteView salt, ByteView input) { return hmac_sha256(salt, {input}); }

Key hkdf_expand(ByteView prk, ByteView info, std::size_t length) {
  must(length <= 255 * 32, "HKDF length");
  Key out = Key::of_size(length);
  Hash block{};
  for (std::size_t done = 0, i = 1; done < length; ++i) {
    const Byte counter = static_cast<Byte>(i);
    const ByteView previous = i == 1 ? ByteView{} : ByteView(block);
    hmac_sha256(prk, {previous, info, ByteView(&counter, 1)}, block);
    const std::size_t take = std::min(length - done, block.size());
    std::memcpy(out.writable().data() + done, block.data(), take);
    done += take;
  }
  wipe(block);
  return out;
}

Key derive_key(const Key& from, std::string_view info, std::size_t length) {
  Hash prk = hkdf_extract({}, from.reveal());
  Key out = hkdf_expand(prk, as_bytes(info), length);
  wipe(prk);
  return out;
}

Bytes aes256gcm_seal(const Key& key, std::span<const Byte, gcm_nonce_bytes> nonce, ByteView aad,
                     ByteView plaintext) {
  must(key.size() == 32, "AES-256 key size");
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  Bytes out(plaintext.size() + gcm_tag_bytes);
  int written = 0;
  must(ctx && EVP_EncryptInit_ex2(ctx.get(), gcm_cipher(), key.reveal().data(), nonce.data(), nullptr) == 1,
       "GCM");
  must(EVP_EncryptUpdate(ctx.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size())) == 1, "GCM");
  must(EVP_EncryptUpdate(ctx.get(), out.data(), &written, plaintext.data(),
                         static_cast<int>(plaintext.size())) == 1,
       "GCM");
  must(EVP_EncryptFinal_ex(ctx.get(), out.data() + written, &written) == 1, "GCM");
  must(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, gcm_tag_bytes, out.data() + plaintext.size()) ==
           1,
       "GCM");
  return out;
}

Result<Plaintext> aes256gcm_open(const Key& key, std::span<const Byte, gcm_nonce_bytes> nonce, ByteView aad,
                                 ByteView sealed) {
  must(key.size() == 32, "AES-256 key size");
  if (sealed.size() < gcm_tag_bytes) return fail(Code::invalid, "sealed bytes are shorter than their tag");
  const ByteView body = sealed.first(sealed.size() - gcm_tag_bytes);
  Bytes tag = to_bytes(sealed.last(gcm_tag_bytes));
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  Plaintext out = Plaintext::of_size(body.size());
  int written = 0;
  must(ctx && EVP_DecryptInit_ex2(ctx.get(), gcm_cipher(), key.reveal().data(), nonce.data(), nullptr) == 1,
       "GCM");
  must(EVP_DecryptUpdate(ctx.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size())) == 1, "GCM");
  must(EVP_DecryptUpdate(ctx.get(), out.writable().data(), &written, body.data(),
                         static_cast<int>(body.size())) == 1,
       "GCM");
  must(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, gcm_tag_bytes, tag.data()) == 1, "GCM");
  Byte nothing[16];
  if (EVP_DecryptFinal_ex(ctx.get(), nothing, &written) != 1) {
    ERR_clear_error();
    return fail(Code::invalid, "the authentication tag does not fit");
  }
  return out;
}

PublicKey ed25519_public(const Key& seed) { return public_of(private_pkey(RawKey::ed25519, seed)); }

Signature ed25519_sign(const Key& seed, ByteView message) {
  const PKey pkey = private_pkey(RawKey::ed25519, seed);
  const MdCtx ctx(EVP_MD_CTX_new());
  Signature out;
  std::size_t size = out.size();
  must(ctx && EVP_DigestSignInit(ctx.get(), nullptr, nullptr, nullptr, pkey.get()) == 1, "Ed25519");
  must(EVP_DigestSign(ctx.get(), out.data(), &size, message.data(), message.size()) == 1, "Ed25519");
  return out;
}

bool ed25519_verify(const PublicKey& key, ByteView message, ByteView signature) {
  if (signature.size() != 64) return false;
  const PKey pkey = raw_key(RawKey::ed25519, key);
  const MdCtx ctx(EVP_MD_CTX_new());
  const bool fits =
      pkey && ctx && EVP_DigestVerifyInit(ctx.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
      EVP_DigestVerify(ctx.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  if (!fits) ERR_clear_error();
  return fits;
}

PublicKey x25519_public(const Key& private_key) {
  return public_of(private_pkey(RawKey::x25519, private_key));
}

Result<Key> x25519(const Key& private_key, const PublicKey& peer) {
  const PKey own = private_pkey(RawKey::x25519, private_key);
  const PKey other = raw_key(RawKey::x25519, peer);
  const PKeyCtx ctx(EVP_PKEY_CTX_new(own.get(), nullptr));
  Key out = Key::of_size(32);
  std::size_t size = 32;
  // OpenSSL itself refuses an all-zero result; the comparison keeps the promise whatever it does.
  static constexpr Hash zero{};
  if (!other || !ctx || EVP_PKEY_derive_init(ctx.get()) != 1 ||
      EVP_PKEY_derive_set_peer(ctx.get(), other.get()) != 1 ||
      EVP_PKEY_derive(ctx.get(), out.writable().data(), &size) != 1 || size != 32 ||
      equal_in_constant_time(out.reveal(), zero)) {
    ERR_clear_error();
    return fail(Code::invalid, "the X25519 public key is of small order");
  }
  return out;
}

Key random_key(Random& random, std::size_t size) {
  Key key = Key::of_size(size);
  random.fill(key.writable());
  return key;
}

Result<Key> scrypt(const Plaintext& passphrase, ByteView salt, ScryptCost cost) {
  static EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "SCRYPT", nullptr);
  const KdfCtx ctx(EVP_KDF_CTX_new(kdf));
  std::uint64_t n = cost.n;
  std::uint64_t r = cost.r;
  std::uint64_t p = cost.p;
  std::uint64_t memory_max = 1ULL << 30;
  Bytes salt_copy = to_bytes(salt);
  Byte empty = 0;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(
          OSSL_KDF_PARAM_PASSWORD,
          passphrase.empty() ? &empty : const_cast<Byte*>(passphrase.reveal().data()), passphrase.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt_copy.data(), salt_copy.size()),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &p),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_max),
      OSSL_PARAM_construct_end()};
  Key out = Key::of_size(32);
  if (!ctx || EVP_KDF_derive(ctx.get(), out.writable().data(), out.size(), params) != 1) {
    ERR_clear_error();
    return fail(Code::invalid, "scrypt refuses these cost parameters");
  }
  return out;
}

}  // namespace shearline
