// RFC 9420 section 8: from one epoch's init_secret to the next epoch's secrets, the group context they are
// bound to, the transcript hashes and the exporter. Used by group and welcome; knows no message.
#pragma once

#include "mls/crypto.hpp"
#include "mls/extension.hpp"

namespace shearline::mls {

// Section 8.1.
struct GroupContext {
  CipherSuite cipher_suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;
  Bytes group_id;
  std::uint64_t epoch = 0;
  Bytes tree_hash;
  Bytes confirmed_transcript_hash;
  Extensions extensions;
  bool operator==(const GroupContext&) const = default;
};
void write(Writer& out, const GroupContext& value);
GroupContext read_group_context(Reader& in);

// ---- 8: the chain ----

// Section 8. `group_context` is the encoded GroupContext of the new epoch.
Key derive_joiner_secret(const Key& init_secret, const Key& commit_secret, ByteView group_context);
Key derive_welcome_secret(const Key& joiner_secret, const Key& psk_secret);
Key derive_epoch_secret(const Key& joiner_secret, const Key& psk_secret, ByteView group_context);

// Section 8, table 4, without resumption_psk and external_secret: what is not needed does not exist.
struct EpochSecrets {
  Key sender_data_secret;
  Key encryption_secret;
  Key exporter_secret;
  Key confirmation_key;
  Key membership_key;
  Key epoch_authenticator;
  Key init_secret;
};
EpochSecrets derive_epoch_secrets(const Key& epoch_secret);

// ---- 8.5 ----

// MLS-Exporter; `length` at most 255 * Nh.
Key mls_exporter(const Key& exporter_secret, std::string_view label, ByteView context, std::size_t length);

}  // namespace shearline::mls
