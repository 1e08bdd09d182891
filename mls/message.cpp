#include "mls/message.hpp"

namespace shearline::mls {
namespace {

MlsMessage read_message(Reader& in) {
  if (in.u16() != protocol_version_mls10) in.fail("6", "the protocol version is not mls10");
  switch (in.enumerated(WireFormat::public_message, WireFormat::key_package, "6", "an unknown wire format")) {
    case WireFormat::public_message:
      return read_public_message(in);
    case WireFormat::private_message:
      return read_private_message(in);
    case WireFormat::welcome:
      return read_welcome(in);
    case WireFormat::group_info:
      return read_group_info(in);
    case WireFormat::key_package:
      return read_key_package(in);
  }
  return KeyPackage{};
}

}  // namespace

Bytes encode_message(const MlsMessage& message) {
  return encode([&](Writer& out) {
    out.u16(protocol_version_mls10);
    out.u16(static_cast<std::uint16_t>(message.index() + 1));
    std::visit([&](const auto& body) { write(out, body); }, message);
  });
}

Result<MlsMessage> decode_message(ByteView bytes) { return decode_whole(bytes, read_message); }

}  // namespace shearline::mls
