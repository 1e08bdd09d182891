// RFC 9420 section 6.2: content that is signed and carries a membership tag, but is not encrypted.
#pragma once

#include "mls/framing.hpp"

namespace shearline::mls {

// Section 6.2. `message` is signed already (sign_content) and from a member.
PublicMessage protect_public(AuthenticatedContent message, const Key& membership_key, ByteView group_context);
// Section 6.2. Checks the membership tag of a member's message; the signature is verify_content's to check. invalid: the
// tag does not fit, or application data (which must be encrypted).
Result<AuthenticatedContent> unprotect_public(PublicMessage message, const Key& membership_key,
                                              ByteView group_context);

}  // namespace shearline::mls
