// RFC 9420 section 6: framed content, its authentication, and the messages that carry it. public_message and
// private_message protect and unprotect; this file is the structures and the signature of section 6.1.
#pragma once

#include "mls/commit.hpp"
#include "mls/key_schedule.hpp"

namespace shearline::mls {

enum class WireFormat : std::uint16_t {
  public_message = 1,
  private_message = 2,
  welcome = 3,
  group_info = 4,
  key_package = 5,
};

enum class ContentType : std::uint8_t { application = 1, proposal = 2, commit = 3 };
enum class SenderType : std::uint8_t {
  member = 1,
  external = 2,
  new_member_proposal = 3,
  new_member_commit = 4
};

struct Sender {
  SenderType type = SenderType::member;
  std::uint32_t index = 0;  // member: leaf index; external: index of the sender; otherwise unused
  bool operator==(const Sender&) const = default;
};
inline Sender member(LeafIndex leaf) { return {SenderType::member, leaf.value}; }

// Section 6.
struct FramedContent {
  Bytes group_id;
  std::uint64_t epoch = 0;
  Sender sender;
  Bytes authenticated_data;
  std::variant<Plaintext, Proposal, Commit> body;  // in the order of ContentType

  ContentType content_type() const { return static_cast<ContentType>(body.index() + 1); }
};
void write(Writer& out, const FramedContent& value);
FramedContent read_framed_content(Reader& in);

// Section 6.3.1: the parts of a FramedContent that a PrivateMessage carries apart from each other.
ContentType read_content_type(Reader& in);
void write_body(Writer& out, const FramedContent& value);
void read_body(Reader& in, ContentType type, FramedContent& out);

// Section 6.1.
struct FramedContentAuthData {
  Bytes signature;
  Bytes confirmation_tag;  // of a commit
};
void write(Writer& out, const FramedContentAuthData& value, ContentType type);
FramedContentAuthData read_auth_data(Reader& in, ContentType type);

struct AuthenticatedContent {
  WireFormat wire_format = WireFormat::private_message;
  FramedContent content;
  FramedContentAuthData auth;
};
void write(Writer& out, const AuthenticatedContent& value);
AuthenticatedContent read_authenticated_content(Reader& in);
Bytes proposal_ref(const AuthenticatedContent& proposal);  // section 5.2

// Section 6.1. `group_context` is the encoded GroupContext of the content's epoch; it is part of what members
// and joiners by external commit sign.
void write_content_tbs(Writer& out, WireFormat wire_format, const FramedContent& content,
                       ByteView group_context);
Bytes sign_content(const SignaturePrivateKey& key, WireFormat wire_format, const FramedContent& content,
                   ByteView group_context);
// invalid: the signature does not verify.
Status verify_content(CipherSuite suite, ByteView signature_key, const AuthenticatedContent& message,
                      ByteView group_context);

// ---- 6.2 and 6.3 on the wire ----

struct PublicMessage {
  FramedContent content;
  FramedContentAuthData auth;
  Bytes membership_tag;  // of a member
};
void write(Writer& out, const PublicMessage& value);
PublicMessage read_public_message(Reader& in);

struct PrivateMessage {
  Bytes group_id;
  std::uint64_t epoch = 0;
  ContentType content_type = ContentType::application;
  Bytes authenticated_data;
  Bytes encrypted_sender_data;
  Bytes ciphertext;
};
void write(Writer& out, const PrivateMessage& value);
PrivateMessage read_private_message(Reader& in);

}  // namespace shearline::mls
