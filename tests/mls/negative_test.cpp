// What a member of the group may not send: every case is genuine but for the one rule it breaks, is refused with that
// rule and its section, and leaves the receiver as it was.
#include "tests/mls/insider.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

// Members 0 to 4; member 1 is the one who breaks rules, member 3 the one who must notice.
class Negative : public ::testing::Test {
 protected:
  Negative() : all(people(world, 5)) {
    for (std::size_t i = 0; i < 5; ++i) all.commit(i, {});  // no blank parents
  }

  void expect_refused(const Bytes& message, const std::string& rule, Code code = Code::invalid) {
    const Group& receiver = all[3];
    const SavedGroup before = receiver.serialize();
    const auto received = receiver.process(message, world.outside());
    ASSERT_FALSE(received) << "accepted, instead of: " << rule;
    EXPECT_EQ(received.error().message, rule);
    EXPECT_EQ(received.error().code, code) << rule;
    EXPECT_TRUE(same_state(before, receiver.serialize())) << rule;
  }
  void expect_commit_refused(const std::vector<Proposal>& proposals, const Deviation& deviation,
                             const std::string& rule, Code code = Code::invalid) {
    expect_refused(insider().commit(proposals, world, deviation), rule, code);
  }
  Insider insider() { return Insider(all[1]); }

  // A key package that is valid but for what `change` did before it was signed.
  KeyPackage key_package(const std::function<void(KeyPackage&)>& change) {
    const OwnKeyPackage own = world.key_package("somebody");
    KeyPackage out = own.key_package;
    change(out);
    sign_leaf_node(out.leaf_node, own.signature_key, {});
    sign_key_package(out, own.signature_key);
    return out;
  }

  World world;
  People all;
};

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

// ---- 7 paths ----

TEST_F(Negative, APathWithABadParentHashIsRefused) {
  const std::string rule =
      "RFC 9420 section 7.9.2: the parent hash of the committer's leaf is not the one computed";
  expect_commit_refused({}, {.path_leaf = [](LeafNode& leaf) { leaf.parent_hash.back() ^= 1; }}, rule);
  expect_commit_refused({}, {.path_leaf = [](LeafNode& leaf) { leaf.parent_hash.clear(); }}, rule);
  expect_commit_refused({}, {.path_leaf = [](LeafNode& leaf) { leaf.parent_hash.pop_back(); }}, rule);
}

TEST_F(Negative, APathOfTheWrongShapeIsRefused) {
  const std::string length =
      "RFC 9420 section 7.5: the update path is not as long as the sender's filtered direct path";
  const std::string count =
      "RFC 9420 section 7.6: a path secret is not encrypted once for each node of the copath's resolution";
  expect_commit_refused({}, {.path = [](UpdatePath& path) { path.nodes.pop_back(); }}, length);
  expect_commit_refused({}, {.path = [](UpdatePath& path) { path.nodes.push_back(path.nodes.back()); }},
                        length);
  expect_commit_refused({}, {.path = [](UpdatePath& path) { path.nodes.clear(); }}, length);
  expect_commit_refused({}, {.path = [](UpdatePath& path) { path.nodes[0].encrypted_path_secrets.clear(); }},
                        count);
  expect_commit_refused({},
                        {.path =
                             [](UpdatePath& path) {
                               auto& secrets = path.nodes.back().encrypted_path_secrets;
                               secrets.push_back(secrets.back());
                             }},
                        count);
}

TEST_F(Negative, APathWithKeysThatAreNotNewIsRefused) {
  const Bytes present = all[1].tree().leaf({4})->encryption_key;
  expect_commit_refused({}, {.path = [&](UpdatePath& path) { path.nodes[0].encryption_key = present; }},
                        "RFC 9420 section 12.4.2: a key of the update path is in the tree already");
  const Bytes own = all[1].tree().leaf({1})->encryption_key;
  expect_commit_refused({}, {.path_leaf = [&](LeafNode& leaf) { leaf.encryption_key = own; }},
                        "RFC 9420 section 7.3: the new leaf has the encryption key of the old one");
}

TEST_F(Negative, APathsLeafIsValidatedLikeAnyOther) {
  expect_commit_refused({}, {.path_leaf = [](LeafNode& leaf) { leaf.source = LeafNodeSource::update; }},
                        "RFC 9420 section 7.3: the leaf_node_source in an update path is not commit");
  expect_commit_refused({}, {.signed_path_leaf = [](LeafNode& leaf) { leaf.signature.back() ^= 1; }},
                        "RFC 9420 section 7.3: the leaf's signature does not verify");
  expect_commit_refused({}, {.path_leaf = [](LeafNode& leaf) { leaf.encryption_key.assign(32, 0); }},
                        "RFC 9420 section 5.1.1: the leaf's encryption key is no public key of the suite");
  expect_commit_refused({}, {.path_leaf = [](LeafNode& leaf) { leaf.capabilities.cipher_suites = {2}; }},
                        "RFC 9420 section 7.3: the leaf's client does not support the cipher suite");
  expect_commit_refused({}, {.path_leaf = [](LeafNode& leaf) { leaf.extensions = {{0xff00, {}}}; }},
                        "RFC 9420 section 7.3: an extension of the leaf is not among its capabilities");
}

TEST_F(Negative, PathSecretsThatDoNotFitThePathAreRefused) {
  // For everybody below the copath of the root, sealed as it must be, but another secret.
  const auto other_secret = [&](std::size_t bytes) {
    return [&, bytes](UpdatePath& path) {
      Insider self = insider();
      RatchetTree tree = self.tree;
      const auto steps = tree.filtered_direct_path(self.leaf);
      // The provisional context is what the honest path was encrypted for: made again from the path itself.
      ASSERT_TRUE(merge_path(tree, self.leaf, path, {}));
      GroupContext next = self.context;
      ++next.epoch;
      next.tree_hash = to_bytes(tree.tree_hash());
      const Bytes context = encode([&](Writer& out) { write(out, next); });
      for (std::size_t step = 0; step < steps.size(); ++step) {
        const auto recipients = tree.resolution(steps[step].copath);
        for (std::size_t i = 0; i < recipients.size(); ++i) {
          path.nodes[step].encrypted_path_secrets[i] =
              value_of(encrypt_with_label(self.context.cipher_suite, *tree.encryption_key(recipients[i]),
                                          "UpdatePathNode", context, Bytes(bytes, 7), world.random));
        }
      }
    };
  };
  expect_commit_refused({}, {.path = other_secret(32)},
                        "RFC 9420 section 7.5: a path secret does not give the public key in the tree");
  expect_commit_refused({}, {.path = other_secret(31)},
                        "RFC 9420 section 7.4: a path secret is not Nh bytes long");
  expect_commit_refused({}, {.path = other_secret(0)},
                        "RFC 9420 section 7.4: a path secret is not Nh bytes long");
}

// ---- 12 proposals and commits ----

TEST_F(Negative, ACommitThatNeedsAPathAndHasNoneIsRefused) {
  const std::string rule = "RFC 9420 section 12.4: the commit needs a path and has none";
  const OwnKeyPackage joiner = world.key_package("new");
  for (const auto& proposals : {std::vector<Proposal>{},
                                {Remove{{4}}},
                                {GroupContextExtensions{}},
                                {Add{joiner.key_package}, Remove{{4}}}}) {
    expect_refused(insider().commit(proposals, world, {}, false), rule);
  }
}

TEST_F(Negative, ACommitOfAProposalThatNobodyHasIsRefused) {
  Commit body;
  body.proposals.emplace_back(ProposalRef(hash_bytes, 1));
  expect_refused(insider().commit(std::move(body), {}, world, {}, true),
                 "RFC 9420 section 12.4: the commit names a proposal that we do not have");
}

TEST_F(Negative, RemovesOfNobodyOfOneselfAndTwiceAreRefused) {
  for (const std::uint32_t nobody : {5U, 7U, 8U, 4096U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    expect_commit_refused({Remove{{nobody}}}, {},
                          "RFC 9420 section 12.1.3: a Remove of a leaf that is blank");
    if (nobody == 0xffffffffU) continue;  // refused as well, with another rule
    expect_refused(insider().proposal(Remove{{nobody}}),
                   "RFC 9420 section 12.1.3: a Remove of a leaf that is blank");
  }
  expect_commit_refused({Remove{{1}}}, {}, "RFC 9420 section 12.2: a Remove of the committer");
  expect_commit_refused({Remove{{4}}, Remove{{4}}}, {},
                        "RFC 9420 section 12.2: two Updates or Removes of one leaf");
}

TEST_F(Negative, UpdatesThatAreNotFreshOrOfTheCommitterAreRefused) {
  LeafNode leaf = *all[1].tree().leaf({1});
  leaf.source = LeafNodeSource::update;
  leaf.parent_hash.clear();
  const Insider self = insider();
  const auto signed_leaf = [&](LeafNode changed) {
    sign_leaf_node(changed, self.signature_key, {.group_id = self.context.group_id, .leaf = self.leaf});
    return changed;
  };
  expect_refused(self.proposal(Update{signed_leaf(leaf)}),
                 "RFC 9420 section 7.3: the new leaf has the encryption key of the old one");
  LeafNode fresh = leaf;
  fresh.encryption_key = hpke::generate_key_pair(hpke::default_suite, world.random).public_key;
  EXPECT_TRUE(all[3].process(self.proposal(Update{signed_leaf(fresh)}), world.outside()));
  expect_commit_refused({Update{signed_leaf(fresh)}}, {},
                        "RFC 9420 section 12.2: an Update of the committer's own leaf");
  LeafNode elsewhere = fresh;
  sign_leaf_node(elsewhere, self.signature_key, {.group_id = self.context.group_id, .leaf = {2}});
  expect_refused(self.proposal(Update{elsewhere}),
                 "RFC 9420 section 7.3: the leaf's signature does not verify");
}

TEST_F(Negative, KeyPackagesThatAreNotValidAreRefused) {
  const auto refused = [&](const std::string& rule, const std::function<void(KeyPackage&)>& change,
                           Code code = Code::invalid) {
    const KeyPackage added = key_package(change);
    expect_commit_refused({Add{added}}, {}, rule, code);
    expect_refused(insider().proposal(Add{added}), rule, code);
  };
  const std::uint64_t now = world.now_s;
  refused("RFC 9420 section 7.3: the leaf has expired",
          [&](KeyPackage& one) { one.leaf_node.lifetime = {.not_before = now - 100, .not_after = now - 1}; });
  refused("RFC 9420 section 7.3: the leaf is not valid yet",
          [&](KeyPackage& one) { one.leaf_node.lifetime = {.not_before = now + 1, .not_after = now + 100}; });
  refused("RFC 9420 section 7.3: the leaf's lifetime ends before it begins",
          [&](KeyPackage& one) { one.leaf_node.lifetime = {.not_before = now, .not_after = now - 1}; });
  refused("RFC 9420 section 7.2: the leaf's lifetime is longer than the longest acceptable",
          [&](KeyPackage& one) { one.leaf_node.lifetime = {.not_before = 0, .not_after = UINT64_MAX}; });
  refused("RFC 9420 section 10.1: the key package's init key is its encryption key",
          [](KeyPackage& one) { one.init_key = one.leaf_node.encryption_key; });
  refused("RFC 9420 section 10: the key package's init key is no public key of the suite",
          [](KeyPackage& one) { one.init_key.assign(32, 0); });
  refused("RFC 9420 section 10.1: the key package is of another cipher suite than the group",
          [](KeyPackage& one) { one.cipher_suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519; });
  refused("RFC 9420 section 7.3: the leaf_node_source in a key package is not key_package",
          [](KeyPackage& one) { one.leaf_node.source = LeafNodeSource::update; });
  refused(
      "RFC 9420 section 5.3: only basic credentials are accepted",
      [](KeyPackage& one) {
        one.leaf_node.credential = {
            .type = credential_type::x509, .identity = {}, .certificates = {Bytes(8)}};
      },
      Code::policy_violation);
}

TEST_F(Negative, KeysThatWouldBeInTheTreeTwiceAreRefused) {
  const LeafNode& other = *all[1].tree().leaf({4});
  expect_commit_refused(
      {Add{key_package([&](KeyPackage& one) { one.leaf_node.encryption_key = other.encryption_key; })}}, {},
      "RFC 9420 section 7.3: an encryption key appears twice in the tree");
  expect_commit_refused({Add{key_package([&](KeyPackage& one) {
                          one.leaf_node.encryption_key = all[1].tree().parent({5})->encryption_key;
                        })}},
                        {}, "RFC 9420 section 7.3: an encryption key appears twice in the tree");
  const OwnKeyPackage twice = world.key_package("twice");
  expect_commit_refused({Add{twice.key_package}, Add{twice.key_package}}, {},
                        "RFC 9420 section 7.3: an encryption key appears twice in the tree");
  KeyPackage same_signer = world.key_package("same signer").key_package;
  const Insider self = insider();
  same_signer.leaf_node.signature_key = self.signature_key.public_key();
  sign_leaf_node(same_signer.leaf_node, self.signature_key, {});
  sign_key_package(same_signer, self.signature_key);
  expect_commit_refused({Add{same_signer}}, {},
                        "RFC 9420 section 7.3: a signature key appears twice in the tree");
}

TEST_F(Negative, WhatIsNotBuiltIsRefusedAsPolicy) {
  const ReInit reinit{.group_id = {1}, .cipher_suite = 1, .extensions = {}};
  expect_commit_refused({reinit}, {}, "RFC 9420 section 12.1.5: reinitialization is not supported",
                        Code::policy_violation);
  expect_refused(insider().proposal(reinit), "RFC 9420 section 12.1.5: reinitialization is not supported",
                 Code::policy_violation);
  expect_commit_refused({ExternalInit{.kem_output = Bytes(32)}}, {},
                        "RFC 9420 section 12.1.6: external commits are not supported",
                        Code::policy_violation);
}

TEST_F(Negative, ExtensionsThatNotEverybodySupportsAreRefused) {
  const auto requiring = [](const RequiredCapabilities& required) {
    return GroupContextExtensions{
        {{extension_type::required_capabilities, encode([&](Writer& out) { write(out, required); })}}};
  };
  expect_commit_refused({requiring({.extensions = {0xff00}, .proposals = {}, .credentials = {}})}, {},
                        "RFC 9420 section 11.1: a required extension is not among the leaf's capabilities");
  expect_commit_refused({requiring({.extensions = {}, .proposals = {0xff00}, .credentials = {}})}, {},
                        "RFC 9420 section 11.1: a required proposal is not among the leaf's capabilities");
  expect_commit_refused({requiring({.extensions = {}, .proposals = {}, .credentials = {2}})}, {},
                        "RFC 9420 section 11.1: a required credential is not among the leaf's capabilities");
  expect_commit_refused(
      {GroupContextExtensions{{{0xff00, {}}}}}, {},
      "RFC 9420 section 13.4: an extension of the group is not among the leaf's capabilities");
  expect_commit_refused({GroupContextExtensions{}, GroupContextExtensions{}}, {},
                        "RFC 9420 section 12.2: two GroupContextExtensions proposals");
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
