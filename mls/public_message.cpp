#include "mls/public_message.hpp"

namespace shearline::mls {
namespace {

// AuthenticatedContentTBM.
Hash membership_tag(const Key& membership_key, const AuthenticatedContent& message, ByteView group_context) {
  return mac(membership_key, encode([&](Writer& out) {
               write_content_tbs(out, WireFormat::public_message, message.content, group_context);
               write(out, message.auth, message.content.content_type());
             }));
}

}  // namespace

PublicMessage protect_public(AuthenticatedContent message, const Key& membership_key,
                             ByteView group_context) {
  const Hash tag = membership_tag(membership_key, message, group_context);
  return {.content = std::move(message.content),
          .auth = std::move(message.auth),
          .membership_tag = to_bytes(tag)};
}

Result<AuthenticatedContent> unprotect_public(PublicMessage message, const Key& membership_key,
                                              ByteView group_context) {
  AuthenticatedContent out{.wire_format = WireFormat::public_message,
                           .content = std::move(message.content),
                           .auth = std::move(message.auth)};
  if (out.content.content_type() == ContentType::application) {
    return broken("6", "application data must be encrypted");
  }
  if (out.content.sender.type != SenderType::member) return out;
  const Hash tag = membership_tag(membership_key, out, group_context);
  if (!equal_in_constant_time(message.membership_tag, tag)) {  // compares the lengths first
    return broken("6.2", "the membership tag does not fit");
  }
  return out;
}

}  // namespace shearline::mls
