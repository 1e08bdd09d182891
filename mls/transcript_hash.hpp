// RFC 9420 section 8.2: the running hash over a group's commits. Used by group and welcome.
#pragma once

#include "mls/framing.hpp"

namespace shearline::mls {

// Section 8.2: over wire format, content and signature of the commit that starts the epoch.
Hash confirmed_transcript_hash(ByteView interim_before, const AuthenticatedContent& commit);
// Section 8.2: adds the confirmation tag.
Hash interim_transcript_hash(ByteView confirmed, ByteView confirmation_tag);
// Section 6.1: confirmation_tag = MAC(confirmation_key, confirmed_transcript_hash).
Bytes confirmation_tag(const Key& confirmation_key, ByteView confirmed);

}  // namespace shearline::mls
