#include "mls/transcript_hash.hpp"

namespace shearline::mls {

Hash confirmed_transcript_hash(ByteView interim_before, const AuthenticatedContent& commit) {
  Writer input(Writer::Memory::ordinary, 2048);
  input.raw(interim_before);
  input.u16(static_cast<std::uint16_t>(commit.wire_format));
  write(input, commit.content);
  input.opaque(commit.auth.signature);
  return sha256(input.view());
}

Hash interim_transcript_hash(ByteView confirmed, ByteView confirmation_tag) {
  Writer input;
  input.raw(confirmed);
  input.opaque(confirmation_tag);
  return sha256(input.view());
}

Bytes confirmation_tag(const Key& confirmation_key, ByteView confirmed) {
  return to_bytes(mac(confirmation_key, confirmed));
}

}  // namespace shearline::mls
