// RFC 9420 sections 6, 10 and 12: every published structure decodes and encodes to the same bytes, and every
// cut or lengthened one is refused.
#include "mls/message.hpp"
#include "tests/mls/mls_vectors.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

Bytes message_field(const json& test, const char* name) { return hex_field(test, name); }

template <class Alternative>
void expect_message(const json& test, const char* name) {
  const Bytes bytes = message_field(test, name);
  const Result<MlsMessage> message = decode_message(bytes);
  ASSERT_TRUE(message) << name << ": " << message.error().message;
  EXPECT_TRUE(std::holds_alternative<Alternative>(*message)) << name;
  EXPECT_EQ(encode_message(*message), bytes) << name;
}

template <class Read>
void expect_structure(const json& test, const char* name, Read read) {
  const Bytes bytes = message_field(test, name);
  const auto value = decode_whole(bytes, read);
  ASSERT_TRUE(value) << name << ": " << value.error().message;
  EXPECT_EQ(encode([&](Writer& out) { write(out, *value); }), bytes) << name;
  EXPECT_FALSE(decode_whole(ByteView(bytes).first(bytes.size() - 1), read)) << name;
}

// The vectors have each proposal's body alone; a Proposal has its type in front.
void expect_proposal(const json& test, const char* name, ProposalType type) {
  Bytes bytes = {0, static_cast<Byte>(type)};
  append(bytes, message_field(test, name));
  const auto value = decode_whole(bytes, read_proposal);
  ASSERT_TRUE(value) << name << ": " << value.error().message;
  EXPECT_EQ(type_of(*value), type);
  EXPECT_EQ(encode([&](Writer& out) { write(out, *value); }), bytes) << name;
}

void check_case(const json& test) {
  expect_message<Welcome>(test, "mls_welcome");
  expect_message<GroupInfo>(test, "mls_group_info");
  expect_message<KeyPackage>(test, "mls_key_package");
  expect_message<PublicMessage>(test, "public_message_application");
  expect_message<PublicMessage>(test, "public_message_proposal");
  expect_message<PublicMessage>(test, "public_message_commit");
  expect_message<PrivateMessage>(test, "private_message");
  expect_structure(test, "group_secrets", read_group_secrets);
  expect_structure(test, "commit", read_commit);
  expect_proposal(test, "add_proposal", ProposalType::add);
  expect_proposal(test, "update_proposal", ProposalType::update);
  expect_proposal(test, "remove_proposal", ProposalType::remove);
  expect_proposal(test, "pre_shared_key_proposal", ProposalType::psk);
  expect_proposal(test, "re_init_proposal", ProposalType::reinit);
  expect_proposal(test, "external_init_proposal", ProposalType::external_init);
  expect_proposal(test, "group_context_extensions_proposal", ProposalType::group_context_extensions);
}

TEST(Messages, PublishedStructuresRoundTrip) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/messages.json");
  for_our_suites(cases, "", [](CipherSuite, const json& test) {
    check_case(test);
    return true;
  });
}

TEST(Messages, EveryTruncationAndEveryExtraByteIsRefused) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/messages.json");
  for (const char* const name : {"mls_welcome", "mls_group_info", "mls_key_package", "public_message_commit",
                                 "public_message_proposal", "private_message"}) {
    Bytes bytes = message_field(cases[0], name);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_FALSE(decode_message(ByteView(bytes).first(size))) << name << " cut to " << size;
    }
    bytes.push_back(0);
    EXPECT_FALSE(decode_message(bytes)) << name;
  }
}

TEST(Messages, AnotherVersionOrWireFormatIsRefused) {
  EXPECT_FALSE(decode_message(Bytes{0, 2, 0, 1}));
  EXPECT_FALSE(decode_message(Bytes{0, 1, 0, 6}));
  EXPECT_FALSE(decode_message({}));
  EXPECT_NE(decode_message(Bytes{0, 1, 0, 0}).error().message.find("wire format"), std::string::npos);
}

}  // namespace
}  // namespace shearline::mls
