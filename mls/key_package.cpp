#include "mls/key_package.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

constexpr std::string_view key_package_label = "KeyPackageTBS";
constexpr std::uint8_t saved_version = 1;

void write_unsigned(Writer& out, const KeyPackage& value) {
  out.u16(protocol_version_mls10);
  out.u16(static_cast<std::uint16_t>(value.cipher_suite));
  out.opaque(value.init_key);
  write(out, value.leaf_node);
  write(out, value.extensions);
}

// Section 13.5: values that everybody must ignore, so that those who do not are noticed.
constexpr std::uint16_t grease_value = 0x0a0a;

}  // namespace

void write(Writer& out, const KeyPackage& value) {
  write_unsigned(out, value);
  out.opaque(value.signature);
}

KeyPackage read_key_package(Reader& in) {
  KeyPackage out;
  if (in.u16() != protocol_version_mls10) in.fail("10", "the protocol version is not mls10");
  out.cipher_suite = read_cipher_suite(in, "10");
  out.init_key = in.opaque();
  out.leaf_node = read_leaf_node(in);
  out.extensions = read_extensions(in);
  out.signature = in.opaque();
  return out;
}

Bytes encode_key_package(const KeyPackage& value) {
  return encode([&](Writer& out) { write(out, value); });
}

Result<KeyPackage> decode_key_package(ByteView bytes) { return decode_whole(bytes, read_key_package); }

Hash key_package_ref(const KeyPackage& value) {
  return ref_hash("MLS 1.0 KeyPackage Reference", encode_key_package(value));
}

void sign_key_package(KeyPackage& value, const SignaturePrivateKey& key) {
  value.signature = sign_with_label(key, key_package_label, [&](Writer& out) { write_unsigned(out, value); });
}

bool key_package_signature_is_valid(const KeyPackage& value) {
  return verify_with_label(value.cipher_suite, value.leaf_node.signature_key, key_package_label,
                           value.signature, [&](Writer& out) { write_unsigned(out, value); });
}

Capabilities own_capabilities(const Types& extensions) {
  Capabilities out{.versions = {protocol_version_mls10},
                   .cipher_suites = {1, 2, 3, grease_value},
                   .extensions = extensions,
                   .proposals = {grease_value},
                   .credentials = {credential_type::basic, grease_value}};
  out.extensions.push_back(grease_value);
  return out;
}

Result<OwnKeyPackage> make_key_package(KeyPackageRequest request, Random& random) {
  if (request.lifetime_seconds == 0 ||
      request.lifetime_seconds > key_package_lifetime_seconds_max - clock_skew_seconds_max) {
    return broken("7.2", "the lifetime of a key package is 0 or above its bound");
  }
  const hpke::Suite suite = hpke_of(request.cipher_suite);
  OwnKeyPackage out{.key_package = {},
                    .init_key = hpke::generate_key_pair(suite, random),
                    .encryption_key = hpke::generate_key_pair(suite, random),
                    .signature_key = std::move(request.signature_key)};
  KeyPackage& made = out.key_package;
  made.cipher_suite = request.cipher_suite;
  made.init_key = out.init_key.public_key;
  LeafNode& leaf = made.leaf_node;
  leaf.encryption_key = out.encryption_key.public_key;
  leaf.signature_key = out.signature_key.public_key();
  leaf.credential = std::move(request.credential);
  leaf.capabilities = own_capabilities();
  leaf.source = LeafNodeSource::key_package;
  leaf.lifetime = {.not_before = request.now_s - std::min(request.now_s, clock_skew_seconds_max),
                   .not_after = request.now_s + request.lifetime_seconds};
  sign_leaf_node(leaf, out.signature_key, {});
  sign_key_package(made, out.signature_key);
  return out;
}

Key serialize_own_key_package(const OwnKeyPackage& own) {
  Writer out(Writer::Memory::secret, 1024);
  out.u8(saved_version);
  write(out, own.key_package);
  out.opaque(own.init_key.private_key.reveal());
  out.opaque(own.encryption_key.private_key.reveal());
  out.opaque(own.signature_key.secret().reveal());
  return out.take_secret();
}

Result<OwnKeyPackage> restore_own_key_package(const Key& saved) {
  struct Parts {
    KeyPackage key_package;
    Key init, encryption, signature;
  };
  Result<Parts> parts = decode_whole(saved.reveal(), [](Reader& in) {
    Parts out;
    if (in.u8() != saved_version) in.fail("10", "a saved key package of another version");
    out.key_package = read_key_package(in);
    out.init = Key::copy_of(in.opaque_view());
    out.encryption = Key::copy_of(in.opaque_view());
    out.signature = Key::copy_of(in.opaque_view());
    return out;
  });
  if (!parts) return pass_on(parts.error());
  KeyPackage& package = parts->key_package;
  Result<SignaturePrivateKey> signature =
      SignaturePrivateKey::from(signature_of(package.cipher_suite), std::move(parts->signature));
  if (!signature) return pass_on(signature.error());
  OwnKeyPackage out{.key_package = {},
                    .init_key = {std::move(parts->init), package.init_key},
                    .encryption_key = {std::move(parts->encryption), package.leaf_node.encryption_key},
                    .signature_key = std::move(*signature)};
  out.key_package = std::move(package);
  return out;
}

}  // namespace shearline::mls
