// RFC 9420 section 5 and the derivations of sections 8 and 9.1, over HPKE and base/crypto.
#include "mls/crypto.hpp"

namespace shearline::mls {
namespace {

constexpr std::string_view version_prefix = "MLS 1.0 ";

// The struct EncryptContext of section 5.1.3.
Bytes encrypt_info(std::string_view label, ByteView context) {
  Writer out(Writer::Memory::ordinary, label.size() + context.size() + 16);
  out.opaque(as_bytes(version_prefix), as_bytes(label));
  out.opaque(context);
  return out.take();
}

}  // namespace

void write(Writer& out, const HpkeCiphertext& value) {
  out.opaque(value.kem_output);
  out.opaque(value.ciphertext);
}

HpkeCiphertext read_hpke_ciphertext(Reader& in) {
  HpkeCiphertext out;
  out.kem_output = in.opaque();
  out.ciphertext = in.opaque();
  return out;
}

EncryptContext encrypt_context(CipherSuite suite, std::string_view label, ByteView context) {
  return {.suite = suite, .hpke = hpke::base_context(hpke_of(suite), encrypt_info(label, context))};
}

Result<HpkeCiphertext> encrypt_with_label(const EncryptContext& context, ByteView public_key,
                                          ByteView plaintext, Random& random) {
  Result<hpke::Sealed> sealed =
      hpke::seal_in_context(hpke_of(context.suite), public_key, context.hpke, {}, plaintext, random);
  if (!sealed) return broken("5.1.3", sealed.error().message);
  return HpkeCiphertext{.kem_output = std::move(sealed->encapsulated),
                        .ciphertext = std::move(sealed->ciphertext)};
}

Result<HpkeCiphertext> encrypt_with_label(CipherSuite suite, ByteView public_key, std::string_view label,
                                          ByteView context, ByteView plaintext, Random& random) {
  return encrypt_with_label(encrypt_context(suite, label, context), public_key, plaintext, random);
}

Result<Key> decrypt_with_label(CipherSuite suite, const hpke::KeyPair& key, std::string_view label,
                               ByteView context, const HpkeCiphertext& ciphertext) {
  const Result<Plaintext> opened = hpke::open_base(hpke_of(suite), ciphertext.kem_output, key,
                                                   encrypt_info(label, context), {}, ciphertext.ciphertext);
  if (!opened) return broken("5.1.3", opened.error().message);
  return Key::copy_of(opened->reveal());
}

Hash ref_hash(std::string_view label, ByteView value) {
  Writer out(Writer::Memory::ordinary, label.size() + value.size() + 8);
  out.opaque(as_bytes(label));
  out.opaque(value);
  return sha256(out.view());
}

Key kdf_extract(ByteView salt, ByteView ikm) {
  Key out = Key::of_size(hash_bytes);
  hmac_sha256(salt, {ikm}, out.writable().first<hash_bytes>());
  return out;
}

Key expand_with_label(const Key& secret, std::string_view label, ByteView context, std::size_t length) {
  Writer kdf_label(Writer::Memory::ordinary, label.size() + context.size() + 16);
  kdf_label.u16(static_cast<std::uint16_t>(length));
  kdf_label.opaque(as_bytes(version_prefix), as_bytes(label));
  kdf_label.opaque(context);
  return hkdf_expand(secret.reveal(), kdf_label.view(), length);
}

Key derive_secret(const Key& secret, std::string_view label) {
  return expand_with_label(secret, label, {}, hash_bytes);
}

Key derive_tree_secret(const Key& secret, std::string_view label, std::uint32_t generation,
                       std::size_t length) {
  const std::array<Byte, 4> context = {static_cast<Byte>(generation >> 24),
                                       static_cast<Byte>(generation >> 16),
                                       static_cast<Byte>(generation >> 8), static_cast<Byte>(generation)};
  return expand_with_label(secret, label, context, length);
}

Hash mac(const Key& key, ByteView data) { return hmac_sha256(key.reveal(), {data}); }

Key read_saved_key(Reader& in, std::size_t bytes) {
  const ByteView saved = in.opaque_view();
  if (saved.size() != bytes) in.fail("16.6", "a saved key of another length");
  return in.ok() ? Key::copy_of(saved) : Key();
}

Key zero_secret() { return Key::of_size(hash_bytes); }

}  // namespace shearline::mls
