#include "mls/key_schedule.hpp"

namespace shearline::mls {

void write(Writer& out, const GroupContext& value) {
  out.u16(protocol_version_mls10);
  out.u16(static_cast<std::uint16_t>(value.cipher_suite));
  out.opaque(value.group_id);
  out.u64(value.epoch);
  out.opaque(value.tree_hash);
  out.opaque(value.confirmed_transcript_hash);
  write(out, value.extensions);
}

GroupContext read_group_context(Reader& in) {
  GroupContext out;
  if (in.u16() != protocol_version_mls10) in.fail("8.1", "the protocol version is not mls10");
  out.cipher_suite = read_cipher_suite(in, "8.1");
  out.group_id = in.opaque(identity_bytes_max, "8.1", "the group id is longer than 4 KiB");
  out.epoch = in.u64();
  out.tree_hash = in.opaque();
  out.confirmed_transcript_hash = in.opaque();
  out.extensions = read_extensions(in);
  return out;
}

Key derive_joiner_secret(const Key& init_secret, const Key& commit_secret, ByteView group_context) {
  const Key extracted = kdf_extract(init_secret.reveal(), commit_secret.reveal());
  return expand_with_label(extracted, "joiner", group_context, hash_bytes);
}

Key derive_welcome_secret(const Key& joiner_secret, const Key& psk_secret) {
  return derive_secret(kdf_extract(joiner_secret.reveal(), psk_secret.reveal()), "welcome");
}

Key derive_epoch_secret(const Key& joiner_secret, const Key& psk_secret, ByteView group_context) {
  const Key member_secret = kdf_extract(joiner_secret.reveal(), psk_secret.reveal());
  return expand_with_label(member_secret, "epoch", group_context, hash_bytes);
}

EpochSecrets derive_epoch_secrets(const Key& epoch_secret) {
  return {.sender_data_secret = derive_secret(epoch_secret, "sender data"),
          .encryption_secret = derive_secret(epoch_secret, "encryption"),
          .exporter_secret = derive_secret(epoch_secret, "exporter"),
          .confirmation_key = derive_secret(epoch_secret, "confirm"),
          .membership_key = derive_secret(epoch_secret, "membership"),
          .epoch_authenticator = derive_secret(epoch_secret, "authentication"),
          .init_secret = derive_secret(epoch_secret, "init")};
}

Key mls_exporter(const Key& exporter_secret, std::string_view label, ByteView context, std::size_t length) {
  return expand_with_label(derive_secret(exporter_secret, label), "exported", sha256(context), length);
}

}  // namespace shearline::mls
