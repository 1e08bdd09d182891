// RFC 9420 sections 2, 6, 9 and 15: messages that a member may not send, however they are framed.
#include "tests/mls/negative.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

// ---- the insider itself ----

TEST_F(Negative, AnInsiderWhoBreaksNoRuleIsFollowed) {
  const OwnKeyPackage joiner = world.key_package("new");
  for (const auto& proposals : {std::vector<Proposal>{}, {Remove{{4}}}, {Add{joiner.key_package}}}) {
    EXPECT_TRUE(all[3].process(insider().commit(proposals, world), world.outside()));
  }
  EXPECT_TRUE(all[3].process(insider().commit({Add{joiner.key_package}}, world, {}, false), world.outside()));
  EXPECT_TRUE(all[3].process(insider().proposal(Remove{{4}}), world.outside()));
}

// ---- 6 framing ----

TEST_F(Negative, TagsOfAnyOtherLengthOrValueAreRefused) {
  const std::vector<std::function<void(Bytes&)>> changes = {
      [](Bytes& tag) { tag.clear(); },      [](Bytes& tag) { tag.resize(1); },
      [](Bytes& tag) { tag.pop_back(); },   [](Bytes& tag) { tag.push_back(0); },
      [](Bytes& tag) { tag.front() ^= 1; }, [](Bytes& tag) { tag.back() ^= 0x80; }};
  for (const auto& change : changes) {
    expect_commit_refused({}, {.membership_tag = change},
                          "RFC 9420 section 6.2: the membership tag does not fit");
    expect_commit_refused({}, {.confirmation_tag = change},
                          "RFC 9420 section 6.1: the confirmation tag does not fit");
  }
}

TEST_F(Negative, AMemberCannotSpeakForAnother) {
  Insider forger = insider();
  forger.leaf = all[2].own_leaf();
  const std::string rule = "RFC 9420 section 6.1: the signature over the content does not verify";
  expect_refused(forger.proposal(Remove{{4}}), rule);
  const auto data =
      forger.sign(forger.content(Plaintext::copy_of(as_bytes("x"))), WireFormat::private_message);
  expect_refused(forger.as_private(data, world.random), rule);
}

TEST_F(Negative, ASignatureOverOneWireFormatIsNotGoodForTheOther) {
  Insider forger = insider();
  AuthenticatedContent content =
      forger.sign(forger.content(Proposal(Remove{{4}})), WireFormat::private_message);
  content.wire_format = WireFormat::public_message;
  expect_refused(forger.as_public(std::move(content)),
                 "RFC 9420 section 6.1: the signature over the content does not verify");
}

TEST_F(Negative, SendersWhoAreNoMembersAreRefused) {
  Insider forger = insider();
  for (const std::uint32_t nowhere : {5U, 7U, 8U, 4096U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    forger.leaf = LeafIndex{nowhere};
    expect_refused(forger.proposal(Remove{{4}}), "RFC 9420 section 6.3.2: the sender's leaf is blank");
  }
  for (const SenderType type :
       {SenderType::external, SenderType::new_member_proposal, SenderType::new_member_commit}) {
    FramedContent content = insider().content(Proposal(Remove{{4}}));
    content.sender = {.type = type, .index = 0};
    PublicMessage message{.content = std::move(content),
                          .auth = {.signature = Bytes(64), .confirmation_tag = {}},
                          .membership_tag = {}};
    expect_refused(encode_message(std::move(message)),
                   "RFC 9420 section 6: only members may send to this group", Code::policy_violation);
  }
}

TEST_F(Negative, ApplicationDataInTheClearIsRefused) {
  const Insider sender = insider();
  auto data = sender.sign(sender.content(Plaintext::copy_of(as_bytes("x"))), WireFormat::public_message);
  expect_refused(sender.as_public(std::move(data)), "RFC 9420 section 6: application data must be encrypted");
}

TEST_F(Negative, BytesAfterAMessageAreRefused) {
  for (const Bytes& genuine : {insider().proposal(Remove{{4}}), insider().commit({}, world)}) {
    Bytes longer = genuine;
    longer.push_back(0);
    expect_refused(longer, "RFC 9420 section 2.1: bytes are left over after the structure");
    EXPECT_TRUE(all[3].process(genuine, world.outside()));
  }
}

TEST_F(Negative, PaddingThatIsNotAllZeroIsRefused) {
  const auto padded = [&](std::variant<Plaintext, Proposal, Commit> body, const Bytes& padding) {
    Insider sender = insider();
    const auto message = sender.sign(sender.content(std::move(body)), WireFormat::private_message);
    return sender.as_private_padded_with(message, padding);
  };
  for (const Bytes& zeros : {Bytes(), Bytes(1), Bytes(300)}) {
    EXPECT_TRUE(all[3].process(padded(Plaintext::copy_of(as_bytes("x")), zeros), world.outside()));
    EXPECT_TRUE(all[3].process(padded(Proposal(Remove{{4}}), zeros), world.outside()));
  }
  const std::string rule = "RFC 9420 section 6.3.1: the padding is not all zero";
  for (const Bytes& other : {Bytes{1}, Bytes{0, 0, 1}, Bytes{0x80, 0, 0}, Bytes(300, 0xff)}) {
    expect_refused(padded(Plaintext::copy_of(as_bytes("x")), other), rule);
    expect_refused(padded(Proposal(Remove{{4}}), other), rule);
  }
}

TEST_F(Negative, CiphertextsThatAreCutAreRefused) {
  const Bytes genuine = value_of(all[1].protect(as_bytes("x"), {}, 64, world.outside())).message;
  const auto cut = [&](std::size_t sender_data, std::size_t ciphertext) {
    auto message = std::get<PrivateMessage>(value_of(decode_message(genuine)));
    message.encrypted_sender_data.resize(message.encrypted_sender_data.size() - sender_data);
    message.ciphertext.resize(message.ciphertext.size() - ciphertext);
    return encode_message(std::move(message));
  };
  const std::string content = "RFC 9420 section 6.3.1: the content's authentication tag does not fit";
  expect_refused(cut(0, 1), content);
  expect_refused(cut(0, aead_tag_bytes), content);
  const std::string sender_data = "RFC 9420 section 6.3.2: the sender data has the wrong length";
  for (const std::size_t bytes : {1U, 16U, 28U}) expect_refused(cut(bytes, 0), sender_data);
  EXPECT_TRUE(all[3].process(cut(0, 0), world.outside()));
}

// ---- 9 and 15.3 ratchets ----

TEST_F(Negative, AGenerationMoreThan1000AheadIsRefusedAnd1000IsRead) {
  for (const std::uint32_t ahead : {ratchet_steps_max, ratchet_steps_max + 1}) {
    Insider sender = insider();
    for (std::uint32_t i = 0; i < ahead; ++i)
      value_of(sender.ratchets.next(sender.leaf, RatchetType::application));
    const auto data =
        sender.sign(sender.content(Plaintext::copy_of(as_bytes("x"))), WireFormat::private_message);
    const Bytes message = sender.as_private(data, world.random);
    if (ahead == ratchet_steps_max) {
      EXPECT_TRUE(all[3].process(message, world.outside()));
    } else {
      expect_refused(message, "RFC 9420 section 15.3: the generation is more than 1000 steps ahead");
    }
  }
}

TEST_F(Negative, AForgedMessageSpendsNoGeneration) {
  Insider forger = insider();
  const SignaturePrivateKey genuine = forger.signature_key;
  forger.signature_key = SignaturePrivateKey::generate(SignatureScheme::ed25519, world.random);
  const auto forged =
      forger.sign(forger.content(Plaintext::copy_of(as_bytes("x"))), WireFormat::private_message);
  expect_refused(forger.as_private(forged, world.random),
                 "RFC 9420 section 6.1: the signature over the content does not verify");
  const Group::Sent same_generation = value_of(all[1].protect(as_bytes("y"), {}, 0, world.outside()));
  EXPECT_TRUE(all[3].process(same_generation.message, world.outside()));
}

// A late message is as little believed as one of this epoch.
TEST_F(Negative, AForgedMessageOfAnEpochThatIsOverIsRefused) {
  Insider forger = insider();
  forger.signature_key = SignaturePrivateKey::generate(SignatureScheme::ed25519, world.random);
  const auto data =
      forger.sign(forger.content(Plaintext::copy_of(as_bytes("x"))), WireFormat::private_message);
  const Bytes forged = forger.as_private(data, world.random);
  const Bytes genuine = value_of(all[1].protect(as_bytes("y"), {}, 0, world.outside())).message;
  Insider proposer = insider();
  const Bytes proposal = proposer.as_private(
      proposer.sign(proposer.content(Proposal(Remove{{4}})), WireFormat::private_message), world.random);
  const Bytes commit_in_the_clear = insider().commit({}, world);
  all.commit(0, {});
  expect_refused(forged, "RFC 9420 section 6.1: the signature over the content does not verify");
  expect_refused(proposal, "RFC 9420 section 14: a handshake message of another epoch", Code::conflict);
  expect_refused(commit_in_the_clear, "RFC 9420 section 14: a handshake message of another epoch",
                 Code::conflict);
  EXPECT_TRUE(all[3].process(genuine, world.outside()));
}

TEST_F(Negative, OurOwnMessagesAreToldApartWhetherNewOrLate) {
  const Bytes own = value_of(all[3].protect(as_bytes("x"), {}, 0, world.outside())).message;
  const std::string rule = "RFC 9420 section 6: the message is our own";
  expect_refused(own, rule, Code::conflict);
  expect_refused(Insider(all[3]).proposal(Remove{{4}}), rule, Code::conflict);
  all.commit(0, {});
  expect_refused(own, rule, Code::conflict);
}

// ---- 2.1 lengths ----

// Every byte of the encoding one more and one less, lengths among them: what still decodes is another structure, and
// is written as the very bytes it was read from, so that no two encodings mean the same.
TEST_F(Negative, EveryLengthOffByOneIsRefusedOrMeansSomethingElse) {
  const OwnKeyPackage joiner = world.key_package("new");
  CommitRequest request;
  request.proposals.emplace_back(Add{joiner.key_package});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  const Group::Sent sent = value_of(all[0].protect(as_bytes("x"), as_bytes("aad"), 4, world.outside()));
  const Bytes welcome = *value_of(made.next.accept_commit()).welcome;
  const Bytes in_the_clear = insider().commit({Remove{{4}}, Add{joiner.key_package}}, world);
  for (const Bytes& genuine :
       {made.message, sent.message, welcome, in_the_clear, encode_message(joiner.key_package)}) {
    std::size_t refused = 0;
    for (std::size_t at = 0; at < genuine.size(); ++at) {
      for (const int off : {1, -1}) {
        Bytes changed = genuine;
        changed[at] = static_cast<Byte>(changed[at] + off);
        const auto decoded = decode_message(changed);
        refused += decoded ? 0 : 1;
        if (decoded) {
          ASSERT_EQ(encode_message(*decoded), changed) << "byte " << at;
        }
        ASSERT_FALSE(all[3].process(changed, world.outside())) << "byte " << at;
      }
    }
    EXPECT_GT(refused, 8U);  // version, wire format and the outer lengths at least
  }
}

}  // namespace
}  // namespace shearline::mls
