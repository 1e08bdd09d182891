// RFC 9420 sections 7, 10 and 12: proposals, paths and commits that a member may not send.
#include "tests/mls/negative.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

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

TEST_F(Negative, WhoIsRemovedHoldsNoKeyThatThePathIsSealedTo) {
  const Insider removed(all[2]);
  const Insider committer = insider();
  UpdatePath path;
  committer.commit({Remove{{2}}}, world, {.path = [&](UpdatePath& made) { path = made; }});
  RatchetTree tree = committer.tree;
  tree.remove({2});
  ASSERT_TRUE(merge_path(tree, committer.leaf, path, {}));
  GroupContext next = committer.context;
  ++next.epoch;
  next.tree_hash = to_bytes(tree.tree_hash());
  const Bytes context = encode([&](Writer& out) { write(out, next); });
  const auto opens = [&](const Insider& member) {
    std::size_t opened = 0;
    for (NodeIndex node{0}; node.value < tree_math::node_width(member.tree.leaf_count()); ++node.value) {
      const hpke::KeyPair* const key = member.keys.find(node);
      if (key == nullptr) continue;
      for (const UpdatePathNode& step : path.nodes) {
        for (const HpkeCiphertext& sealed : step.encrypted_path_secrets) {
          const bool ours =
              decrypt_with_label(member.context.cipher_suite, *key, "UpdatePathNode", context, sealed)
                  .has_value();
          opened += ours ? 1 : 0;
        }
      }
    }
    return opened;
  };
  EXPECT_EQ(opens(removed), 0U);
  EXPECT_EQ(opens(Insider(all[3])), 1U);
  EXPECT_EQ(opens(Insider(all[4])), 1U);
}

// ---- 12 proposals and commits ----

// Section 12.3: whoever is added by the same commit is judged by the new extensions.
TEST_F(Negative, ExtensionsCountFromTheCommitThatChangesThem) {
  const RequiredCapabilities grease{.extensions = {}, .proposals = {0x0a0a}, .credentials = {}};
  const GroupContextExtensions requiring{
      {{extension_type::required_capabilities, encode([&](Writer& out) { write(out, grease); })}}};
  const KeyPackage without =
      key_package([](KeyPackage& one) { one.leaf_node.capabilities.proposals.clear(); });
  const std::string rule = "RFC 9420 section 11.1: a required proposal is not among the leaf's capabilities";
  expect_commit_refused({requiring, Add{without}}, {}, rule);
  all.commit(0, {.proposals = {requiring}});
  expect_commit_refused({Add{without}}, {}, rule);
  EXPECT_TRUE(
      all[3].process(insider().commit({Add{without}, GroupContextExtensions{}}, world), world.outside()));
}

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

// Member 2 proposes an Update, the insider commits it by reference.
TEST_F(Negative, ACommitOfAnUpdateNeedsAPathAndAKeyThatNobodyHas) {
  const Insider proposer(all[2]);
  const auto committed = [&](const Bytes& encryption_key, bool with_path) {
    LeafNode leaf = *all[2].tree().leaf({2});
    leaf.source = LeafNodeSource::update;
    leaf.parent_hash.clear();
    leaf.encryption_key = encryption_key;
    sign_leaf_node(leaf, proposer.signature_key, {.group_id = all[2].group_id(), .leaf = {2}});
    AuthenticatedContent message =
        proposer.sign(proposer.content(Proposal(Update{leaf})), WireFormat::public_message);
    Commit body;
    body.proposals.emplace_back(proposal_ref(message));
    const Bytes proposal = proposer.as_public(std::move(message));
    all[3] = std::move(value_of(all[3].process(proposal, world.outside())).next);
    const std::vector<ListedProposal> listed = {{std::make_shared<const Proposal>(Update{leaf}), {2}}};
    return insider().commit(std::move(body), listed, world, {}, with_path);
  };
  const auto fresh = [&] { return hpke::generate_key_pair(hpke::default_suite, world.random).public_key; };
  expect_refused(committed(fresh(), false), "RFC 9420 section 12.4: the commit needs a path and has none");
  expect_refused(committed(all[2].tree().leaf({4})->encryption_key, true),
                 "RFC 9420 section 7.3: an encryption key appears twice in the tree");
  EXPECT_TRUE(all[3].process(committed(fresh(), true), world.outside()));
}

// Its membership tag is good for ever: a replay must neither fill what may wait nor spoil the commit.
TEST_F(Negative, TheSameProposalInTheClearCountsOnce) {
  Outside outside = world.outside();
  outside.pre_shared_keys = [](ByteView) { return Key::copy_of(Bytes(32, 1)); };
  const PreSharedKeyId psk{.psk_id = {1}, .psk_group_id = {}, .psk_nonce = Bytes(hash_bytes)};
  const Bytes proposal = insider().proposal(PreSharedKey{psk});
  for (int times = 0; times < 2; ++times) {
    all[3] = std::move(value_of(all[3].process(proposal, outside)).next);
    EXPECT_EQ(all[3].proposal_count(), 1U);
  }
  EXPECT_TRUE(all[3].commit({}, outside));
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
  LeafNode of_a_path = fresh;
  of_a_path.source = LeafNodeSource::commit;
  of_a_path.parent_hash.assign(32, 1);
  expect_refused(self.proposal(Update{signed_leaf(of_a_path)}),
                 "RFC 9420 section 7.3: the leaf_node_source in an Update is not update");
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
  expect_refused(insider().commit({Add{twice.key_package}, Add{twice.key_package}}, world, {}, false),
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

}  // namespace
}  // namespace shearline::mls
