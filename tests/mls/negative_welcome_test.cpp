// RFC 9420 section 12.4.3.1: Welcomes that a member of the group may not send. Each is made by one who knows all that the
// members know, with a tag, a signature and a tree hash that fit whatever is wrong in it, and is refused at its own step;
// the key package it was for still joins by a genuine one.
#include "tests/mls/negative.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

class NegativeWelcome : public Negative {
 protected:
  NegativeWelcome() : joiner(world.key_package("joiner")) {}

  void expect_not_joined(const WelcomeDeviation& deviation, const std::string& rule,
                         Code code = Code::invalid) {
    const Bytes welcome = insider().welcome(joiner.key_package, world, deviation);
    const Key before = serialize_own_key_package(joiner);
    const auto joined = Group::join(welcome, joiner, world.outside());
    ASSERT_FALSE(joined) << "accepted, instead of: " << rule;
    EXPECT_EQ(joined.error().message, rule);
    EXPECT_EQ(joined.error().code, code) << rule;
    EXPECT_TRUE(equal(before.reveal(), serialize_own_key_package(joiner).reveal()));
  }
  void expect_tree_refused(const std::function<void(RatchetTree&)>& change, const std::string& rule,
                           Code code = Code::invalid) {
    expect_not_joined({.tree = change}, rule, code);
  }

  // One more member in the tree, whose leaf is right but for what `change` did before it was signed.
  std::function<void(RatchetTree&)> with_leaf(std::function<void(LeafNode&)> change) {
    return [this, change = std::move(change)](RatchetTree& tree) {
      const OwnKeyPackage own = world.key_package("puppet");
      LeafNode leaf = own.key_package.leaf_node;
      change(leaf);
      sign_leaf_node(leaf, own.signature_key, {});
      value_of(tree.add(leaf));
    };
  }

  OwnKeyPackage joiner;
};

TEST_F(NegativeWelcome, OfAnInsiderWhoBreaksNoRuleIsJoined) {
  const Bytes welcome = insider().welcome(joiner.key_package, world);
  const Group::Joined joined = value_of(Group::join(welcome, joiner, world.outside()));
  EXPECT_EQ(joined.signer, LeafIndex{1});
  EXPECT_EQ(joined.group.epoch(), all[1].epoch() + 1);
  EXPECT_EQ(joined.group.members().size(), 6U);
  EXPECT_TRUE(Group::join(insider().welcome(joiner.key_package, world, {.tree = with_leaf([](LeafNode&) {})}),
                          joiner, world.outside()));
}

// ---- what is sealed for us ----

TEST_F(NegativeWelcome, ForSomebodyElseIsTheirs) {
  const std::string rule = "RFC 9420 section 12.4.3.1: the Welcome is not for this key package";
  expect_not_joined({.welcome = [](Welcome& welcome) { welcome.secrets.clear(); }}, rule, Code::not_found);
  expect_not_joined({.welcome = [](Welcome& welcome) { welcome.secrets[0].new_member.pop_back(); }}, rule,
                    Code::not_found);
}

TEST_F(NegativeWelcome, OfAnotherCipherSuiteIsRefused) {
  const auto other = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
  expect_not_joined({.welcome = [&](Welcome& welcome) { welcome.cipher_suite = other; }},
                    "RFC 9420 section 12.4.3.1: the Welcome is of another cipher suite than the key package");
  expect_not_joined(
      {.context = [&](GroupContext& context) { context.cipher_suite = other; }},
      "RFC 9420 section 12.4.3.1: the GroupInfo is of another cipher suite than the key package");
}

TEST_F(NegativeWelcome, WhoseSecretsDoNotOpenIsRefused) {
  const std::string rule = "RFC 9420 section 5.1.3: the authentication tag does not fit";
  expect_not_joined({.welcome = [](Welcome& welcome) { welcome.encrypted_group_info.back() ^= 1; }}, rule);
  expect_not_joined(
      {.welcome =
           [](Welcome& welcome) { welcome.secrets[0].encrypted_group_secrets.ciphertext.back() ^= 1; }},
      rule);
  expect_not_joined(
      {.welcome = [](Welcome& welcome) { welcome.secrets[0].encrypted_group_secrets.ciphertext.resize(15); }},
      "RFC 9420 section 5.1.3: the ciphertext is shorter than its tag");
  expect_not_joined(
      {.welcome =
           [](Welcome& welcome) { welcome.secrets[0].encrypted_group_secrets.kem_output.assign(32, 0); }},
      "RFC 9420 section 5.1.3: not a public key of this HPKE suite");
}

TEST_F(NegativeWelcome, WithAJoinerSecretThatIsNoneOrAnotherIsRefused) {
  for (const std::size_t bytes : {0U, 31U, 33U}) {
    expect_not_joined(
        {.secrets = [&](GroupSecrets& secrets) { secrets.joiner_secret = Key::copy_of(Bytes(bytes, 1)); }},
        "RFC 9420 section 12.4.3.1: the joiner secret is not Nh bytes");
  }
  expect_not_joined(
      {.secrets = [](GroupSecrets& secrets) { secrets.joiner_secret = Key::copy_of(Bytes(32, 1)); }},
      "RFC 9420 section 12.4.3.1: the GroupInfo's authentication tag does not fit");
}

TEST_F(NegativeWelcome, WithAPathSecretThatDoesNotFitTheTreeIsRefused) {
  const auto instead = [](std::size_t bytes) {
    return [bytes](GroupSecrets& secrets) { secrets.path_secret = Key::copy_of(Bytes(bytes, 1)); };
  };
  expect_not_joined({.secrets = instead(32)},
                    "RFC 9420 section 7.5: a path secret does not give the public key in the tree");
  for (const std::size_t bytes : {0U, 31U, 33U}) {
    expect_not_joined({.secrets = instead(bytes)},
                      "RFC 9420 section 7.4: a path secret is not Nh bytes long");
  }
  expect_tree_refused([](RatchetTree& tree) { tree.blank_path({1}); },
                      "RFC 9420 section 7.5: a path secret does not give the public key in the tree");
}

TEST_F(NegativeWelcome, ThatNamesPsksIsRefusedByTheRuleOfEach) {
  const auto naming = [](std::vector<PreSharedKeyId> psks) {
    return [psks = std::move(psks)](GroupSecrets& secrets) { secrets.psks = psks; };
  };
  const PreSharedKeyId unknown{.psk_id = {1}, .psk_group_id = {}, .psk_nonce = Bytes(32)};
  PreSharedKeyId resumption = unknown;
  resumption.type = PskType::resumption;
  PreSharedKeyId short_nonce = unknown;
  short_nonce.psk_nonce.pop_back();
  expect_not_joined({.secrets = naming({unknown})},
                    "RFC 9420 section 12.4.2: a pre-shared key that we do not have", Code::not_found);
  expect_not_joined({.secrets = naming({resumption})},
                    "RFC 9420 section 8.6: resumption PSKs are not supported", Code::policy_violation);
  expect_not_joined({.secrets = naming({short_nonce})},
                    "RFC 9420 section 12.1.4: the nonce of a PSK is not Nh bytes long");
  expect_not_joined({.secrets = naming({unknown, unknown})},
                    "RFC 9420 section 12.2: one pre-shared key twice");
  expect_not_joined({.secrets = naming(std::vector<PreSharedKeyId>(pre_shared_keys_max + 1, unknown))},
                    "RFC 9420 section 8.4: more than 16 pre-shared keys");
}

// ---- the GroupInfo ----

TEST_F(NegativeWelcome, WithACutGroupInfoIsRefused) {
  expect_not_joined({.sealed_info = [](Bytes& sealed) { sealed.resize(aead_tag_bytes - 1); }},
                    "RFC 9420 section 12.4.3.1: the encrypted GroupInfo is shorter than its tag");
  expect_not_joined({.sealed_info = [](Bytes& sealed) { sealed.pop_back(); }},
                    "RFC 9420 section 12.4.3.1: the GroupInfo's authentication tag does not fit");
  expect_not_joined({.sealed_info = [](Bytes& sealed) { sealed.clear(); }},
                    "RFC 9420 section 12.4.3.1: the encrypted GroupInfo is shorter than its tag");
}

TEST_F(NegativeWelcome, SignedByNobodyOrByAnotherIsRefused) {
  const std::string blank = "RFC 9420 section 12.4.3.1: the leaf of the GroupInfo's signer is blank";
  for (const std::uint32_t nowhere : {6U, 7U, 8U, 4096U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    expect_not_joined({.info = [&](GroupInfo& info) { info.signer = LeafIndex{nowhere}; }}, blank);
  }
  const std::string signature = "RFC 9420 section 12.4.3.1: the GroupInfo's signature does not verify";
  for (const std::uint32_t other : {0U, 2U, 5U}) {  // leaf 5 is the joiner's own
    expect_not_joined({.info = [&](GroupInfo& info) { info.signer = LeafIndex{other}; }}, signature);
  }
  for (const auto& change :
       {std::function<void(GroupInfo&)>([](GroupInfo& info) { info.signature.clear(); }),
        {[](GroupInfo& info) { info.signature.pop_back(); }},
        {[](GroupInfo& info) { info.signature.back() ^= 1; }},
        {[](GroupInfo& info) { info.extensions.push_back({.type = 0xff00, .data = {}}); }}}) {
    expect_not_joined({.signed_info = change}, signature);
  }
}

// The path secret would be that of a node above both; there is none above one leaf alone.
TEST_F(NegativeWelcome, SignedInOurOwnNameIsRefused) {
  expect_not_joined({.info = [](GroupInfo& info) { info.signer = LeafIndex{5}; },
                     .signed_info = [&](GroupInfo& info) { sign_group_info(info, joiner.signature_key); }},
                    "RFC 9420 section 12.4.3.1: the common ancestor is not on the signer's path");
}

TEST_F(NegativeWelcome, WithAConfirmationTagOfAnyOtherLengthOrValueIsRefused) {
  const std::string rule = "RFC 9420 section 12.4.3.1: the GroupInfo's confirmation tag does not fit";
  for (const std::size_t size : {0U, 1U, 31U, 33U}) {
    expect_not_joined({.info = [&](GroupInfo& info) { info.confirmation_tag.resize(size); }}, rule);
  }
  expect_not_joined({.info = [](GroupInfo& info) { info.confirmation_tag.back() ^= 1; }}, rule);
  expect_not_joined(
      {.info = [](GroupInfo& info) { info.group_context.confirmed_transcript_hash.back() ^= 1; }}, rule);
  expect_not_joined({.info = [](GroupInfo& info) { ++info.group_context.epoch; }}, rule);
}

TEST_F(NegativeWelcome, WithoutATreeOrWithABrokenOneIsRefused) {
  const auto tree_of = [](const std::function<void(Bytes&)>& change) {
    return [change](GroupInfo& info) { change(info.extensions[0].data); };
  };
  expect_not_joined({.info = [](GroupInfo& info) { info.extensions.clear(); }},
                    "RFC 9420 section 12.4.3.3: the Welcome has no ratchet_tree, and none was given",
                    Code::not_found);
  expect_not_joined({.info = tree_of([](Bytes& tree) { tree.push_back(0); })},
                    "RFC 9420 section 2.1: bytes are left over after the structure");
  expect_not_joined({.info = tree_of([](Bytes& tree) { tree.pop_back(); })},
                    "RFC 9420 section 2.1: the bytes end within a field");
  expect_not_joined({.info = tree_of([](Bytes& tree) { tree = {0}; })},
                    "RFC 9420 section 12.4.3.3: the last node of the tree is blank");
  expect_not_joined({.info = [](GroupInfo& info) { info.extensions.push_back(info.extensions[0]); }},
                    "RFC 9420 section 13.4: an extension appears twice");
}

// ---- the tree ----

TEST_F(NegativeWelcome, WithAnotherTreeThanTheContextSaysIsRefused) {
  const std::string rule = "RFC 9420 section 12.4.3.1: the tree's hash is not the one in the GroupInfo";
  expect_not_joined({.context = [](GroupContext& context) { context.tree_hash.back() ^= 1; }}, rule);
  expect_not_joined({.context = [](GroupContext& context) { context.tree_hash.pop_back(); }}, rule);
  expect_not_joined({.info =
                         [&](GroupInfo& info) {  // the tree of the epoch before
                           info.extensions[0].data = encode([&](Writer& out) { write(out, all[1].tree()); });
                         }},
                    rule);
}

TEST_F(NegativeWelcome, WithATreeThatLacksUsIsRefused) {
  const std::string rule = "RFC 9420 section 12.4.3.1: no leaf of the tree is the one of our key package";
  expect_tree_refused([](RatchetTree& tree) { tree.remove({5}); }, rule);
  const KeyPackage namesake = world.key_package("joiner").key_package;
  expect_tree_refused([&](RatchetTree& tree) { tree.update({5}, namesake.leaf_node); }, rule);
}

TEST_F(NegativeWelcome, WithABadParentHashIsRefused) {
  const std::string rule =
      "RFC 9420 section 7.9.2: a parent node is not vouched for by exactly one parent hash below it";
  const auto changing = [](std::uint32_t node, const std::function<void(ParentNode&)>& change) {
    return [node, change](RatchetTree& tree) {
      ParentNode parent = *tree.parent({node});
      change(parent);
      tree.set_parent({node}, std::move(parent));
    };
  };
  const auto other_hash = [](ParentNode& parent) { parent.parent_hash.assign(32, 1); };
  for (const std::uint32_t node : {1U, 3U, 7U}) expect_tree_refused(changing(node, other_hash), rule);
  // Without the unmerged leaf that explains why node 3 does not cover leaf 5's siblings.
  expect_tree_refused(changing(3, [](ParentNode& parent) { parent.encryption_key.back() ^= 1; }), rule);
  expect_tree_refused(
      [&](RatchetTree& tree) {
        LeafNode leaf = *tree.leaf({1});
        leaf.parent_hash.clear();
        sign_leaf_node(leaf, insider().signature_key, {.group_id = all[1].group_id(), .leaf = {1}});
        tree.replace_leaf({1}, leaf);
      },
      rule);
}

TEST_F(NegativeWelcome, WithUnmergedLeavesThatAreNoneIsRefused) {
  const auto unmerged = [](std::uint32_t node, std::vector<LeafIndex> leaves) {
    return [node, leaves = std::move(leaves)](RatchetTree& tree) {
      ParentNode parent = *tree.parent({node});
      parent.unmerged_leaves = leaves;
      tree.set_parent({node}, std::move(parent));
    };
  };
  const std::string elsewhere = "RFC 9420 section 12.4.3.1: an unmerged leaf is not below its parent node";
  expect_tree_refused(unmerged(3, {{4}}), elsewhere);
  expect_tree_refused(unmerged(3, {{0xffffffff}}), elsewhere);
  expect_tree_refused(unmerged(7, {{7}}), "RFC 9420 section 12.4.3.1: an unmerged leaf is blank");
  expect_tree_refused(unmerged(7, {{0}}),
                      "RFC 9420 section 12.4.3.1: an unmerged leaf is merged in a node between it and its "
                      "parent node");
  const std::string order = "RFC 9420 section 7.1: unmerged leaves that are not in increasing order";
  expect_tree_refused(unmerged(7, {{5}, {4}}), order);
  expect_tree_refused(unmerged(7, {{5}, {5}}), order);
}

TEST_F(NegativeWelcome, WithAKeyTwiceInTheTreeIsRefused) {
  const Bytes of_a_leaf = all[1].tree().leaf({4})->encryption_key;
  const std::string encryption = "RFC 9420 section 7.3: an encryption key appears twice in the tree";
  expect_tree_refused(with_leaf([&](LeafNode& leaf) { leaf.encryption_key = of_a_leaf; }), encryption);
  expect_tree_refused(
      [&](RatchetTree& tree) {
        ParentNode parent = *tree.parent({3});
        parent.encryption_key = of_a_leaf;
        tree.set_parent({3}, std::move(parent));
      },
      encryption);
  expect_tree_refused(
      [&](RatchetTree& tree) {
        const Insider self = insider();
        LeafNode leaf = world.key_package("insider again").key_package.leaf_node;
        leaf.signature_key = self.signature_key.public_key();
        sign_leaf_node(leaf, self.signature_key, {});
        value_of(tree.add(leaf));
      },
      "RFC 9420 section 7.3: a signature key appears twice in the tree");
}

TEST_F(NegativeWelcome, WithALeafThatIsNotValidIsRefused) {
  const auto leaf_refused = [&](const std::string& rule, std::function<void(LeafNode&)> change,
                                Code code = Code::invalid) {
    expect_tree_refused(with_leaf(std::move(change)), rule, code);
  };
  leaf_refused("RFC 9420 section 7.3: the leaf's client does not speak mls10",
               [](LeafNode& leaf) { leaf.capabilities.versions = {2}; });
  leaf_refused("RFC 9420 section 7.3: the leaf's client does not support the cipher suite",
               [](LeafNode& leaf) { leaf.capabilities.cipher_suites = {2, 3}; });
  leaf_refused("RFC 9420 section 7.3: the leaf's credential type is not among its capabilities",
               [](LeafNode& leaf) { leaf.capabilities.credentials = {2}; });
  leaf_refused("RFC 9420 section 7.3: an extension of the leaf is not among its capabilities",
               [](LeafNode& leaf) { leaf.extensions = {{0xff00, {}}}; });
  leaf_refused("RFC 9420 section 5.1.1: the leaf's encryption key is no public key of the suite",
               [](LeafNode& leaf) { leaf.encryption_key.assign(32, 0); });
  leaf_refused(
      "RFC 9420 section 5.3: only basic credentials are accepted",
      [](LeafNode& leaf) {
        leaf.credential = {.type = credential_type::x509, .identity = {}, .certificates = {Bytes(8)}};
      },
      Code::policy_violation);
  expect_tree_refused(
      [](RatchetTree& tree) {
        LeafNode leaf = *tree.leaf({4});
        leaf.credential = basic_credential(as_bytes("another name"));
        tree.update({4}, leaf);  // no parent hash covers it any more
      },
      "RFC 9420 section 7.3: the leaf's signature does not verify");
}

TEST_F(NegativeWelcome, IntoAGroupThatNotEverybodySupportsIsRefused) {
  const auto requiring = [](const RequiredCapabilities& required) {
    return [required](GroupContext& context) {
      context.extensions = {
          {extension_type::required_capabilities, encode([&](Writer& out) { write(out, required); })}};
    };
  };
  expect_not_joined({.context = requiring({.extensions = {0xff00}, .proposals = {}, .credentials = {}})},
                    "RFC 9420 section 11.1: a required extension is not among the leaf's capabilities");
  expect_not_joined({.context = requiring({.extensions = {}, .proposals = {0xff00}, .credentials = {}})},
                    "RFC 9420 section 11.1: a required proposal is not among the leaf's capabilities");
  expect_not_joined({.context = requiring({.extensions = {}, .proposals = {}, .credentials = {2}})},
                    "RFC 9420 section 11.1: a required credential is not among the leaf's capabilities");
  expect_not_joined({.context = [](GroupContext& context) { context.extensions = {{0xff00, {}}}; }},
                    "RFC 9420 section 13.4: an extension of the group is not among the leaf's capabilities");
}

TEST_F(NegativeWelcome, WithSomebodyWhomTheApplicationDoesNotAcceptIsRefused) {
  world.identities = [](const IdentityQuestion& question) -> Status {
    EXPECT_EQ(question.occasion, Occasion::join);
    if (as_text(question.leaf.credential.identity) != "puppet") return {};
    return fail(Code::unauthorized, "nobody we know");
  };
  expect_tree_refused(with_leaf([](LeafNode&) {}), "nobody we know", Code::unauthorized);
}

TEST_F(NegativeWelcome, IsNoOtherMessage) {
  const auto joined = Group::join(encode_message(joiner.key_package), joiner, world.outside());
  EXPECT_EQ(error_of(joined), "RFC 9420 section 12.4.3.1: the message is no Welcome");
}

}  // namespace
}  // namespace shearline::mls
