// RFC 9420 section 6: MLSMessage, the one structure that travels. Used by group and by whoever routes.
#pragma once

#include "mls/framing.hpp"
#include "mls/welcome.hpp"

namespace shearline::mls {

// In the order of WireFormat.
using MlsMessage = std::variant<PublicMessage, PrivateMessage, Welcome, GroupInfo, KeyPackage>;

// Section 6.
Bytes encode_message(const MlsMessage& message);
// invalid: another version or wire format, any broken structure, or bytes that are left over.
Result<MlsMessage> decode_message(ByteView bytes);

}  // namespace shearline::mls
