#include "mls/framing.hpp"

namespace shearline::mls {
namespace {

constexpr std::string_view content_label = "FramedContentTBS";

Writer::Memory memory_for(const FramedContent& content) {
  return content.content_type() == ContentType::application ? Writer::Memory::secret
                                                            : Writer::Memory::ordinary;
}

bool has_index(SenderType type) { return type == SenderType::member || type == SenderType::external; }

Sender read_sender(Reader& in) {
  Sender out;
  out.type = in.enumerated(SenderType::member, SenderType::new_member_commit, "6", "an unknown sender_type");
  if (has_index(out.type)) out.index = in.u32();
  return out;
}

}  // namespace

ContentType read_content_type(Reader& in) {
  return in.enumerated(ContentType::application, ContentType::commit, "6", "an unknown content_type");
}

void write_body(Writer& out, const FramedContent& value) {
  if (const auto* const data = std::get_if<Plaintext>(&value.body)) {
    out.opaque(data->reveal());
  } else if (const auto* const proposal = std::get_if<Proposal>(&value.body)) {
    write(out, *proposal);
  } else {
    write(out, std::get<Commit>(value.body));
  }
}

void read_body(Reader& in, ContentType type, FramedContent& out) {
  if (type == ContentType::proposal) {
    out.body = read_proposal(in);
  } else if (type == ContentType::commit) {
    out.body = read_commit(in);
  } else {
    const ByteView data = in.opaque_view();
    if (data.size() > application_data_bytes_max) {
      in.fail("6", "application data longer than 60 KiB");
      return;
    }
    out.body = Plaintext::copy_of(data);
  }
}

void write(Writer& out, const FramedContent& value) {
  out.opaque(value.group_id);
  out.u64(value.epoch);
  out.u8(static_cast<std::uint8_t>(value.sender.type));
  if (has_index(value.sender.type)) out.u32(value.sender.index);
  out.opaque(value.authenticated_data);
  out.u8(static_cast<std::uint8_t>(value.content_type()));
  write_body(out, value);
}

FramedContent read_framed_content(Reader& in) {
  FramedContent out;
  out.group_id = in.opaque(identity_bytes_max, "6", "the group id is longer than 4 KiB");
  out.epoch = in.u64();
  out.sender = read_sender(in);
  out.authenticated_data =
      in.opaque(authenticated_data_bytes_max, "6", "authenticated data longer than 64 KiB");
  read_body(in, read_content_type(in), out);
  return out;
}

void write(Writer& out, const FramedContentAuthData& value, ContentType type) {
  out.opaque(value.signature);
  if (type == ContentType::commit) out.opaque(value.confirmation_tag);
}

FramedContentAuthData read_auth_data(Reader& in, ContentType type) {
  FramedContentAuthData out;
  out.signature = in.opaque();
  if (type == ContentType::commit) out.confirmation_tag = in.opaque();
  return out;
}

void write(Writer& out, const AuthenticatedContent& value) {
  out.u16(static_cast<std::uint16_t>(value.wire_format));
  write(out, value.content);
  write(out, value.auth, value.content.content_type());
}

AuthenticatedContent read_authenticated_content(Reader& in) {
  AuthenticatedContent out;
  out.wire_format = in.enumerated(WireFormat::public_message, WireFormat::private_message, "6",
                                  "content that is in neither kind of message");
  out.content = read_framed_content(in);
  out.auth = read_auth_data(in, out.content.content_type());
  return out;
}

Bytes proposal_ref(const AuthenticatedContent& proposal) {
  return to_bytes(ref_hash("MLS 1.0 Proposal Reference", encode([&](Writer& out) { write(out, proposal); })));
}

void write_content_tbs(Writer& out, WireFormat wire_format, const FramedContent& content,
                       ByteView group_context) {
  out.u16(protocol_version_mls10);
  out.u16(static_cast<std::uint16_t>(wire_format));
  write(out, content);
  if (content.sender.type == SenderType::member || content.sender.type == SenderType::new_member_commit) {
    out.raw(group_context);
  }
}

Bytes sign_content(const SignaturePrivateKey& key, WireFormat wire_format, const FramedContent& content,
                   ByteView group_context) {
  return sign_with_label(
      key, content_label, [&](Writer& out) { write_content_tbs(out, wire_format, content, group_context); },
      memory_for(content));
}

Status verify_content(CipherSuite suite, ByteView signature_key, const AuthenticatedContent& message,
                      ByteView group_context) {
  const bool valid = verify_with_label(
      suite, signature_key, content_label, message.auth.signature,
      [&](Writer& out) { write_content_tbs(out, message.wire_format, message.content, group_context); },
      memory_for(message.content));
  if (!valid) return broken("6.1", "the signature over the content does not verify");
  return {};
}

void write(Writer& out, const PublicMessage& value) {
  write(out, value.content);
  write(out, value.auth, value.content.content_type());
  if (value.content.sender.type == SenderType::member) out.opaque(value.membership_tag);
}

PublicMessage read_public_message(Reader& in) {
  PublicMessage out;
  out.content = read_framed_content(in);
  out.auth = read_auth_data(in, out.content.content_type());
  if (out.content.sender.type == SenderType::member) out.membership_tag = in.opaque();
  return out;
}

void write(Writer& out, const PrivateMessage& value) {
  out.opaque(value.group_id);
  out.u64(value.epoch);
  out.u8(static_cast<std::uint8_t>(value.content_type));
  out.opaque(value.authenticated_data);
  out.opaque(value.encrypted_sender_data);
  out.opaque(value.ciphertext);
}

PrivateMessage read_private_message(Reader& in) {
  PrivateMessage out;
  out.group_id = in.opaque(identity_bytes_max, "6.3", "the group id is longer than 4 KiB");
  out.epoch = in.u64();
  out.content_type = read_content_type(in);
  out.authenticated_data =
      in.opaque(authenticated_data_bytes_max, "6.3", "authenticated data longer than 64 KiB");
  out.encrypted_sender_data = in.opaque();
  out.ciphertext = in.opaque();
  return out;
}

}  // namespace shearline::mls
