#include "mls/welcome.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

constexpr std::string_view group_info_label = "GroupInfoTBS";
constexpr std::string_view welcome_label = "Welcome";

void write_unsigned(Writer& out, const GroupInfo& value) {
  write(out, value.group_context);
  write(out, value.extensions);
  out.opaque(value.confirmation_tag);
  out.u32(value.signer.value);
}

struct WelcomeKey {
  Key key;
  Key nonce;
  AeadNonce nonce_view() const { return nonce.reveal().first<aead_nonce_bytes>(); }
};

WelcomeKey welcome_key(CipherSuite suite, const Key& welcome_secret) {
  return {.key = expand_with_label(welcome_secret, "key", {}, aead_key_bytes(aead_of(suite))),
          .nonce = expand_with_label(welcome_secret, "nonce", {}, aead_nonce_bytes)};
}

}  // namespace

void write(Writer& out, const GroupInfo& value) {
  write_unsigned(out, value);
  out.opaque(value.signature);
}

GroupInfo read_group_info(Reader& in) {
  GroupInfo out;
  out.group_context = read_group_context(in);
  out.extensions = read_extensions(in);
  out.confirmation_tag = in.opaque();
  out.signer = LeafIndex{in.u32()};
  out.signature = in.opaque();
  return out;
}

void sign_group_info(GroupInfo& value, const SignaturePrivateKey& key) {
  value.signature = sign_with_label(key, group_info_label, [&](Writer& out) { write_unsigned(out, value); });
}

bool group_info_signature_is_valid(const GroupInfo& value, ByteView signature_key) {
  return verify_with_label(value.group_context.cipher_suite, signature_key, group_info_label, value.signature,
                           [&](Writer& out) { write_unsigned(out, value); });
}

void write(Writer& out, const GroupSecrets& value) {
  out.opaque(value.joiner_secret.reveal());
  out.optional(value.path_secret, [&](const Key& secret) { out.opaque(secret.reveal()); });
  out.vector([&] {
    for (const PreSharedKeyId& psk : value.psks) write(out, psk);
  });
}

GroupSecrets read_group_secrets(Reader& in) {
  GroupSecrets out;
  out.joiner_secret = Key::copy_of(in.opaque_view());
  if (in.present()) out.path_secret = Key::copy_of(in.opaque_view());
  in.vector([&](Reader& element) {
    if (out.psks.size() == pre_shared_keys_max) element.fail("8.4", "more than 16 pre-shared keys");
    out.psks.push_back(read_pre_shared_key_id(element));
  });
  return out;
}

void write(Writer& out, const Welcome& value) {
  out.u16(static_cast<std::uint16_t>(value.cipher_suite));
  out.vector([&] {
    for (const EncryptedGroupSecrets& entry : value.secrets) {
      out.opaque(entry.new_member);
      write(out, entry.encrypted_group_secrets);
    }
  });
  out.opaque(value.encrypted_group_info);
}

Welcome read_welcome(Reader& in) {
  Welcome out;
  out.cipher_suite = read_cipher_suite(in, "12.4.3.1");
  in.vector([&](Reader& element) {
    EncryptedGroupSecrets entry;
    entry.new_member = element.opaque();
    entry.encrypted_group_secrets = read_hpke_ciphertext(element);
    if (out.secrets.size() == tree_leaves_max) element.fail("12.4.3.1", "more than 4096 new members");
    out.secrets.push_back(std::move(entry));
  });
  out.encrypted_group_info = in.opaque();
  return out;
}

Bytes seal_group_info(CipherSuite suite, const GroupInfo& value, const Key& welcome_secret) {
  const WelcomeKey keys = welcome_key(suite, welcome_secret);
  const Bytes plain = encode([&](Writer& out) { write(out, value); });
  Bytes sealed(plain.size() + aead_tag_bytes);
  aead_seal_into(aead_of(suite), keys.key, keys.nonce_view(), {}, plain, sealed);
  return sealed;
}

Result<GroupInfo> open_group_info(const Welcome& welcome, const Key& welcome_secret) {
  const WelcomeKey keys = welcome_key(welcome.cipher_suite, welcome_secret);
  if (welcome.encrypted_group_info.size() < aead_tag_bytes) {
    return broken("12.4.3.1", "the encrypted GroupInfo is shorter than its tag");
  }
  Bytes plain(welcome.encrypted_group_info.size() - aead_tag_bytes);
  if (!aead_open_into(aead_of(welcome.cipher_suite), keys.key, keys.nonce_view(), {},
                      welcome.encrypted_group_info, plain)) {
    return broken("12.4.3.1", "the GroupInfo's authentication tag does not fit");
  }
  return decode_whole(plain, read_group_info);
}

EncryptContext welcome_context(CipherSuite suite, ByteView encrypted_group_info) {
  return encrypt_context(suite, welcome_label, encrypted_group_info);
}

Result<EncryptedGroupSecrets> seal_group_secrets(const EncryptContext& context, const KeyPackage& new_member,
                                                 const GroupSecrets& secrets, Random& random) {
  Writer plain(Writer::Memory::secret, 128);
  write(plain, secrets);
  Result<HpkeCiphertext> sealed = encrypt_with_label(context, new_member.init_key, plain.view(), random);
  if (!sealed) return pass_on(sealed.error());
  return EncryptedGroupSecrets{.new_member = to_bytes(key_package_ref(new_member)),
                               .encrypted_group_secrets = std::move(*sealed)};
}

Result<GroupSecrets> open_group_secrets(const Welcome& welcome, const OwnKeyPackage& own) {
  if (welcome.cipher_suite != own.key_package.cipher_suite) {
    return broken("12.4.3.1", "the Welcome is of another cipher suite than the key package");
  }
  const Bytes ref = to_bytes(key_package_ref(own.key_package));
  const auto entry = std::ranges::find(welcome.secrets, ref, &EncryptedGroupSecrets::new_member);
  if (entry == welcome.secrets.end()) {
    return fail(Code::not_found, rule_text("12.4.3.1", "the Welcome is not for this key package"));
  }
  const Result<Key> plain = decrypt_with_label(welcome.cipher_suite, own.init_key, welcome_label,
                                               welcome.encrypted_group_info, entry->encrypted_group_secrets);
  if (!plain) return pass_on(plain.error());
  return decode_whole(plain->reveal(), read_group_secrets);
}

}  // namespace shearline::mls
