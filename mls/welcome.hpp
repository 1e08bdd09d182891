// RFC 9420 section 12.4.3: GroupInfo, GroupSecrets and Welcome, as messages and as what seals and opens them.
// group decides what goes in and what to believe of what comes out.
#pragma once

#include "mls/key_schedule.hpp"
#include "mls/proposal.hpp"

namespace shearline::mls {

// Section 12.4.3.
struct GroupInfo {
  GroupContext group_context;
  Extensions extensions;
  Bytes confirmation_tag;
  LeafIndex signer;
  Bytes signature;
  bool operator==(const GroupInfo&) const = default;
};
void write(Writer& out, const GroupInfo& value);
GroupInfo read_group_info(Reader& in);
// "GroupInfoTBS", section 12.4.3.
void sign_group_info(GroupInfo& value, const SignaturePrivateKey& key);
bool group_info_signature_is_valid(const GroupInfo& value, ByteView signature_key);

// Section 12.4.3.1.
struct GroupSecrets {
  Key joiner_secret;
  std::optional<Key> path_secret;
  std::vector<PreSharedKeyId> psks;
};
void write(Writer& out, const GroupSecrets& value);
GroupSecrets read_group_secrets(Reader& in);

struct EncryptedGroupSecrets {
  Bytes new_member;  // KeyPackageRef
  HpkeCiphertext encrypted_group_secrets;
  bool operator==(const EncryptedGroupSecrets&) const = default;
};
struct Welcome {
  CipherSuite cipher_suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;
  std::vector<EncryptedGroupSecrets> secrets;
  Bytes encrypted_group_info;
  bool operator==(const Welcome&) const = default;
};
void write(Writer& out, const Welcome& value);
Welcome read_welcome(Reader& in);

// Section 12.4.3.1, with the key and nonce of the welcome_secret.
Bytes seal_group_info(CipherSuite suite, const GroupInfo& value, const Key& welcome_secret);
// invalid: the tag does not fit, or it is no GroupInfo.
Result<GroupInfo> open_group_info(const Welcome& welcome, const Key& welcome_secret);

// Section 12.4.3.1: for all the new members of one Welcome.
EncryptContext welcome_context(CipherSuite suite, ByteView encrypted_group_info);
Result<EncryptedGroupSecrets> seal_group_secrets(const EncryptContext& context, const KeyPackage& new_member,
                                                 const GroupSecrets& secrets, Random& random);
// The entry for `own`. not_found: there is none; invalid: it does not open.
Result<GroupSecrets> open_group_secrets(const Welcome& welcome, const OwnKeyPackage& own);

}  // namespace shearline::mls
