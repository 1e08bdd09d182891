// RFC 9420 section 6: published messages open to what they say, ours open again, and damaged ones spend nothing.
#include "mls/message.hpp"
#include "mls/private_message.hpp"
#include "mls/public_message.hpp"
#include "tests/mls/mls_vectors.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

// The vectors' group: two leaves, the sender at leaf 1.
struct Fixture {
  CipherSuite suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;
  GroupContext context;
  Bytes encoded_context;
  SignaturePrivateKey signature_key;
  Key encryption_secret;
  Key sender_data_secret;
  Key membership_key;

  SecretTree secrets() const { return {suite, 2, encryption_secret.clone()}; }
  Result<AuthenticatedContent> open(const PrivateMessage& message, SecretTree& tree) const {
    const Result<SenderData> sender = open_sender_data(suite, message, sender_data_secret);
    if (!sender) return pass_on(sender.error());
    Result<AuthenticatedContent> out = unprotect_private(suite, message, *sender, tree);
    if (!out) return out;
    const Status valid = verify_content(suite, signature_key.public_key(), *out, encoded_context);
    if (!valid) return pass_on(valid.error());
    return out;
  }
  Result<AuthenticatedContent> open(PublicMessage message) const {
    Result<AuthenticatedContent> out = unprotect_public(std::move(message), membership_key, encoded_context);
    if (!out) return out;
    const Status valid = verify_content(suite, signature_key.public_key(), *out, encoded_context);
    if (!valid) return pass_on(valid.error());
    return out;
  }
  AuthenticatedContent signed_content(WireFormat format,
                                      std::variant<Plaintext, Proposal, Commit> body) const {
    AuthenticatedContent out;
    out.wire_format = format;
    out.content = {.group_id = context.group_id,
                   .epoch = context.epoch,
                   .sender = member({1}),
                   .authenticated_data = {1, 2, 3},
                   .body = std::move(body)};
    out.auth.signature = sign_content(signature_key, format, out.content, encoded_context);
    if (out.content.content_type() == ContentType::commit) out.auth.confirmation_tag = Bytes(32, 5);
    return out;
  }
};

Fixture fixture_of(CipherSuite suite, const json& test) {
  Fixture out;
  out.suite = suite;
  out.context = {.cipher_suite = suite,
                 .group_id = hex_field(test, "group_id"),
                 .epoch = test.at("epoch").get<std::uint64_t>(),
                 .tree_hash = hex_field(test, "tree_hash"),
                 .confirmed_transcript_hash = hex_field(test, "confirmed_transcript_hash"),
                 .extensions = {}};
  out.encoded_context = encode([&](Writer& writer) { write(writer, out.context); });
  out.signature_key = *SignaturePrivateKey::from(signature_of(suite), key_field(test, "signature_priv"));
  out.encryption_secret = key_field(test, "encryption_secret");
  out.sender_data_secret = key_field(test, "sender_data_secret");
  out.membership_key = key_field(test, "membership_key");
  return out;
}

Fixture made_up_fixture(CipherSuite suite) {
  SeededRandom random(3);
  Fixture out;
  out.suite = suite;
  out.context.cipher_suite = suite;
  out.context.group_id = {'g'};
  out.context.epoch = 9;
  out.encoded_context = encode([&](Writer& writer) { write(writer, out.context); });
  out.signature_key = SignaturePrivateKey::generate(signature_of(suite), random);
  out.encryption_secret = random_key(random);
  out.sender_data_secret = random_key(random);
  out.membership_key = random_key(random);
  return out;
}

Bytes body_bytes(const FramedContent& content) {
  return encode([&](Writer& out) {
    if (const auto* const data = std::get_if<Plaintext>(&content.body)) {
      out.raw(data->reveal());
    } else {
      write_body(out, content);
    }
  });
}

void expect_private(const Fixture& fixture, const json& test, const char* name, const Bytes& expected) {
  const Result<MlsMessage> message = decode_message(hex_field(test, name));
  ASSERT_TRUE(message) << message.error().message;
  SecretTree tree = fixture.secrets();
  const auto opened = fixture.open(std::get<PrivateMessage>(*message), tree);
  ASSERT_TRUE(opened) << name << ": " << opened.error().message;
  EXPECT_EQ(body_bytes(opened->content), expected) << name;
  EXPECT_EQ(opened->content.sender, member({1}));
}

void expect_public(const Fixture& fixture, const json& test, const char* name, const Bytes& expected) {
  Result<MlsMessage> message = decode_message(hex_field(test, name));
  ASSERT_TRUE(message) << message.error().message;
  const auto opened = fixture.open(std::get<PublicMessage>(std::move(*message)));
  ASSERT_TRUE(opened) << name << ": " << opened.error().message;
  EXPECT_EQ(body_bytes(opened->content), expected) << name;
}

PrivateMessage seal(const Fixture& fixture, const AuthenticatedContent& content, SecretTree& tree,
                    std::size_t padding = 0) {
  SeededRandom random(17);
  return *protect_private(fixture.suite, content, fixture.sender_data_secret, tree, padding, random);
}

void expect_own_round_trips(const Fixture& fixture, const json& test) {
  const Proposal proposal = *decode_whole(hex_field(test, "proposal"), read_proposal);
  const Commit commit = *decode_whole(hex_field(test, "commit"), read_commit);
  SecretTree sender = fixture.secrets();
  SecretTree receiver = fixture.secrets();
  const auto opened_proposal = fixture.open(
      seal(fixture, fixture.signed_content(WireFormat::private_message, proposal), sender), receiver);
  ASSERT_TRUE(opened_proposal);
  EXPECT_EQ(std::get<Proposal>(opened_proposal->content.body), proposal);
  const auto opened_commit = fixture.open(
      seal(fixture, fixture.signed_content(WireFormat::private_message, commit), sender, 77), receiver);
  ASSERT_TRUE(opened_commit);
  EXPECT_EQ(std::get<Commit>(opened_commit->content.body), commit);
  const auto opened_public =
      fixture.open(protect_public(fixture.signed_content(WireFormat::public_message, proposal),
                                  fixture.membership_key, fixture.encoded_context));
  ASSERT_TRUE(opened_public);
  EXPECT_EQ(std::get<Proposal>(opened_public->content.body), proposal);
}

TEST(MessageProtection, PublishedMessages) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/message-protection.json");
  for_our_suites(cases, "", [](CipherSuite suite, const json& test) {
    const Fixture fixture = fixture_of(suite, test);
    expect_private(fixture, test, "proposal_priv", hex_field(test, "proposal"));
    expect_public(fixture, test, "proposal_pub", hex_field(test, "proposal"));
    expect_private(fixture, test, "commit_priv", hex_field(test, "commit"));
    expect_public(fixture, test, "commit_pub", hex_field(test, "commit"));
    expect_private(fixture, test, "application_priv", hex_field(test, "application"));
    expect_own_round_trips(fixture, test);
    return true;
  });
}

TEST(MessageProtection, OneFlippedBitSpendsNothing) {
  for (const CipherSuite suite : {CipherSuite{1}, CipherSuite{2}, CipherSuite{3}}) {
    const Fixture fixture = made_up_fixture(suite);
    SecretTree sender = fixture.secrets();
    const SecretTree receiver = fixture.secrets();
    const Bytes genuine = encode_message(
        seal(fixture, fixture.signed_content(WireFormat::private_message, Plaintext::copy_of(Bytes(9, 1))),
             sender));
    for (std::size_t bit = 0; bit < genuine.size() * 8; ++bit) {
      Bytes damaged = genuine;
      damaged[bit / 8] = static_cast<Byte>(damaged[bit / 8] ^ 1 << bit % 8);
      const Result<MlsMessage> message = decode_message(damaged);
      if (!message || !std::holds_alternative<PrivateMessage>(*message)) continue;
      SecretTree copy = receiver;
      EXPECT_FALSE(fixture.open(std::get<PrivateMessage>(*message), copy)) << "bit " << bit;
    }
    SecretTree copy = receiver;
    EXPECT_TRUE(fixture.open(std::get<PrivateMessage>(*decode_message(genuine)), copy));
  }
}

TEST(MessageProtection, EmptyAndTruncatedTagsAreRefused) {
  const Fixture fixture = made_up_fixture(CipherSuite{1});
  const PublicMessage genuine =
      protect_public(fixture.signed_content(WireFormat::public_message, Proposal(Remove{{0}})),
                     fixture.membership_key, fixture.encoded_context);
  for (std::size_t size = 0; size < genuine.membership_tag.size(); ++size) {
    PublicMessage cut{.content = {.group_id = genuine.content.group_id,
                                  .epoch = genuine.content.epoch,
                                  .sender = genuine.content.sender,
                                  .authenticated_data = genuine.content.authenticated_data,
                                  .body = std::get<Proposal>(genuine.content.body)},
                      .auth = genuine.auth,
                      .membership_tag = genuine.membership_tag};
    cut.membership_tag.resize(size);
    EXPECT_FALSE(fixture.open(std::move(cut))) << size;
  }
}

TEST(MessageProtection, ApplicationDataInAPublicMessageIsRefused) {
  const Fixture fixture = made_up_fixture(CipherSuite{1});
  EXPECT_FALSE(fixture.open(
      protect_public(fixture.signed_content(WireFormat::public_message, Plaintext::copy_of(Bytes(3))),
                     fixture.membership_key, fixture.encoded_context)));
}

TEST(MessageProtection, ShortCiphertextsAreRefusedNotRead) {
  const Fixture fixture = made_up_fixture(CipherSuite{1});
  SecretTree sender = fixture.secrets();
  const PrivateMessage genuine =
      seal(fixture, fixture.signed_content(WireFormat::private_message, Plaintext()), sender);
  for (std::size_t size = 0; size < genuine.ciphertext.size(); ++size) {
    PrivateMessage cut = genuine;
    cut.ciphertext.resize(size);
    SecretTree receiver = fixture.secrets();
    EXPECT_FALSE(fixture.open(cut, receiver)) << size;
  }
}

}  // namespace
}  // namespace shearline::mls
