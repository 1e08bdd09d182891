// RFC 9420 sections 4 and 7: the published trees, operations and update paths, and what a tree from somebody
// else must not get away with.
#include "mls/ratchet_tree.hpp"

#include "mls/key_schedule.hpp"
#include "mls/tree_validation.hpp"
#include "mls/treekem.hpp"
#include "tests/mls/mls_vectors.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

constexpr CipherSuite suite_1 = CipherSuite::x25519_aes128gcm_sha256_ed25519;

RatchetTree tree_field(const json& test, const char* name) {
  Result<RatchetTree> tree = decode_whole(hex_field(test, name), read_ratchet_tree);
  if (!tree) throw std::runtime_error(tree.error().message);
  return std::move(*tree);
}

Bytes encoded(const RatchetTree& tree) {
  return encode([&](Writer& out) { write(out, tree); });
}

// ---- validation ----

void check_tree(CipherSuite suite, const json& test) {
  RatchetTree tree = tree_field(test, "tree");
  EXPECT_EQ(encoded(tree), hex_field(test, "tree"));
  const json& hashes = test.at("tree_hashes");
  const json& resolutions = test.at("resolutions");
  for (NodeIndex node{0}; node.value < hashes.size(); ++node.value) {
    EXPECT_TRUE(equal(tree.tree_hash(node), hex_of(hashes[node.value]))) << "node " << node.value;
    std::vector<std::uint32_t> resolution;
    for (const NodeIndex one : tree.resolution(node)) resolution.push_back(one.value);
    EXPECT_EQ(resolution, resolutions[node.value].get<std::vector<std::uint32_t>>()) << "node " << node.value;
  }
  const Bytes group_id = hex_field(test, "group_id");
  for (LeafIndex at{0}; at.value < tree.leaf_count(); ++at.value) {
    if (tree.leaf(at) == nullptr) continue;
    EXPECT_TRUE(leaf_signature_is_valid(suite, *tree.leaf(at), {.group_id = group_id, .leaf = at}));
  }
  for (const Status& sound :
       {validate_unmerged_leaves(tree), validate_unique_keys(tree), validate_parent_hashes(tree)}) {
    EXPECT_TRUE(sound) << sound.error().message;
  }
}

TEST(RatchetTree, PublishedTreesAreValid) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/tree-validation.json");
  for_our_suites(cases, "", [](CipherSuite suite, const json& test) {
    check_tree(suite, test);
    return true;
  });
}

// ---- operations ----

TEST(RatchetTree, PublishedOperations) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/tree-operations.json");
  for_our_suites(cases, "", [](CipherSuite, const json& test) {
    RatchetTree tree = tree_field(test, "tree_before");
    EXPECT_TRUE(equal(tree.tree_hash(), hex_field(test, "tree_hash_before")));
    const Proposal proposal = *decode_whole(hex_field(test, "proposal"), read_proposal);
    if (const auto* const add = std::get_if<Add>(&proposal)) {
      EXPECT_TRUE(tree.add(add->key_package.leaf_node));
    } else if (const auto* const update = std::get_if<Update>(&proposal)) {
      tree.update({test.at("proposal_sender").get<std::uint32_t>()}, update->leaf_node);
    } else {
      tree.remove(std::get<Remove>(proposal).removed);
      tree.truncate();
    }
    EXPECT_EQ(encoded(tree), hex_field(test, "tree_after"));
    EXPECT_TRUE(tree == tree_field(test, "tree_after"));
    EXPECT_TRUE(equal(tree.tree_hash(), hex_field(test, "tree_hash_after")));
    return true;
  });
}

// ---- treekem ----

struct Member {
  LeafIndex leaf;
  TreePrivateKeys keys;
  SignaturePrivateKey signature_key;
};

std::vector<Member> members_of(CipherSuite suite, const RatchetTree& tree, const json& test) {
  std::vector<Member> out;
  for (const json& one : test.at("leaves_private")) {
    Member member;
    member.leaf = {one.at("index").get<std::uint32_t>()};
    member.signature_key = *SignaturePrivateKey::from(signature_of(suite), key_field(one, "signature_priv"));
    const NodeIndex leaf_node = tree_math::node_of(member.leaf);
    member.keys.set(leaf_node, {key_field(one, "encryption_priv"), *tree.encryption_key(leaf_node)});
    for (const json& secret : one.at("path_secrets")) {
      const NodeIndex node{secret.at("node").get<std::uint32_t>()};
      hpke::KeyPair pair = node_key_pair(suite, key_field(secret, "path_secret"));
      EXPECT_EQ(pair.public_key, *tree.encryption_key(node));
      member.keys.set(node, std::move(pair));
    }
    out.push_back(std::move(member));
  }
  return out;
}

Bytes context_of(CipherSuite suite, const json& test, RatchetTree& tree) {
  const GroupContext context{.cipher_suite = suite,
                             .group_id = hex_field(test, "group_id"),
                             .epoch = test.at("epoch").get<std::uint64_t>(),
                             .tree_hash = to_bytes(tree.tree_hash()),
                             .confirmed_transcript_hash = hex_field(test, "confirmed_transcript_hash"),
                             .extensions = {}};
  return encode([&](Writer& out) { write(out, context); });
}

void check_published_path(CipherSuite suite, const json& test, const json& published) {
  RatchetTree tree = tree_field(test, "ratchet_tree");
  const std::vector<Member> members = members_of(suite, tree, test);
  const LeafIndex sender{published.at("sender").get<std::uint32_t>()};
  const UpdatePath path = *decode_whole(hex_field(published, "update_path"), read_update_path);
  const Status merged = merge_path(tree, sender, path, {});
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_TRUE(equal(tree.tree_hash(), hex_field(published, "tree_hash_after")));
  const Bytes context = context_of(suite, test, tree);
  for (const Member& member : members) {
    if (member.leaf == sender) continue;
    const auto opened = open_path(suite, tree, sender, member.leaf, path, member.keys, context, {});
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(same(opened->commit_secret, hex_field(published, "commit_secret")));
    const json& path_secret = published.at("path_secrets")[member.leaf.value];
    const NodeIndex ancestor = tree_math::common_ancestor(sender, member.leaf);
    EXPECT_EQ(node_key_pair(suite, Key::copy_of(hex_of(path_secret))).public_key,
              opened->keys.find(ancestor)->public_key);
  }
}

void check_own_path(CipherSuite suite, const json& test, LeafIndex sender_leaf) {
  SeededRandom random(11);
  RatchetTree before = tree_field(test, "ratchet_tree");
  const std::vector<Member> members = members_of(suite, before, test);
  const auto sender = std::ranges::find(members, sender_leaf, &Member::leaf);
  const Bytes group_id = hex_field(test, "group_id");
  RatchetTree after = before;
  const NewPath made = make_path(suite, after, sender_leaf, *before.leaf(sender_leaf), sender->signature_key,
                                 group_id, sender->keys, random);
  const Bytes context = context_of(suite, test, after);
  const auto path = encrypt_path(suite, after, sender_leaf, made, context, {}, random);
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_TRUE(validate_parent_hashes(after));
  for (const Member& member : members) {
    if (member.leaf == sender_leaf) continue;
    RatchetTree theirs = before;
    const Status merged = merge_path(theirs, sender_leaf, *path, {});
    ASSERT_TRUE(merged) << merged.error().message;
    EXPECT_EQ(theirs.tree_hash(), after.tree_hash());
    const auto opened = open_path(suite, theirs, sender_leaf, member.leaf, *path, member.keys, context, {});
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(equal(opened->commit_secret.reveal(), made.commit_secret.reveal()));
  }
}

TEST(TreeKem, PublishedUpdatePaths) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/treekem.json");
  for_our_suites(cases, "", [](CipherSuite suite, const json& test) {
    for (const json& published : test.at("update_paths")) {
      check_published_path(suite, test, published);
      check_own_path(suite, test, {published.at("sender").get<std::uint32_t>()});
    }
    return true;
  });
}

// ---- trees of our own making ----

struct Grown {
  RatchetTree tree;
  std::vector<SignaturePrivateKey> signature_keys;
  Bytes group_id = {'g'};
  SeededRandom random{5};
  IdentityCheck anyone;
  Extensions no_extensions;

  LeafNode new_leaf(const SignaturePrivateKey& key) {
    return make_key_package({.cipher_suite = suite_1,
                             .credential = basic_credential(as_bytes("m")),
                             .signature_key = key,
                             .now_s = 1000,
                             .lifetime_seconds = 3600},
                            random)
        ->key_package.leaf_node;
  }
  void add() {
    signature_keys.push_back(SignaturePrivateKey::generate(SignatureScheme::ed25519, random));
    const LeafNode leaf = new_leaf(signature_keys.back());
    if (tree.leaf_count() == 0) {
      tree = RatchetTree(leaf);
    } else {
      ASSERT_TRUE(tree.add(leaf));
    }
  }
  void path_from(LeafIndex sender) {
    make_path(suite_1, tree, sender, *tree.leaf(sender), signature_keys[sender.value], group_id, {}, random);
  }
  Status validate() {
    return validate_tree(tree, {.cipher_suite = suite_1,
                                .group_id = group_id,
                                .group_context_extensions = no_extensions,
                                .now_s = 1000,
                                .identities = anyone});
  }
  std::string refusal() {
    const Status sound = validate();
    return sound ? "" : sound.error().message;
  }
};

Grown grown(int members) {
  Grown out;
  for (int i = 0; i < members; ++i) out.add();
  return out;
}

TEST(RatchetTree, StaysValidWhileItGrowsShrinksAndRekeys) {
  Grown group = grown(1);
  for (std::uint32_t i = 1; i < 20; ++i) {
    group.add();
    group.path_from({i * 7 % (i + 1)});
    ASSERT_EQ(group.refusal(), "") << "after " << i << " adds";
  }
  for (const std::uint32_t gone : {19U, 4U, 18U, 17U, 16U, 3U, 9U}) {
    group.tree.remove({gone});
    group.tree.truncate();
    ASSERT_EQ(group.refusal(), "") << "after leaf " << gone << " went";
    group.path_from({0});
    ASSERT_EQ(group.refusal(), "") << "after leaf " << gone << " went and a path came";
  }
  EXPECT_EQ(group.tree.leaf_count(), 16U);
  EXPECT_EQ(group.tree.leftmost_blank_leaf(), LeafIndex{3});
}

TEST(RatchetTree, ShrinksToTheSmallestTreeThatHoldsItsLeaves) {
  Grown group = grown(9);
  EXPECT_EQ(group.tree.leaf_count(), 16U);
  group.tree.remove({8});
  group.tree.truncate();
  EXPECT_EQ(group.tree.leaf_count(), 8U);
  for (std::uint32_t leaf = 1; leaf < 8; ++leaf) group.tree.remove({leaf});
  group.tree.truncate();
  EXPECT_EQ(group.tree.leaf_count(), 1U);
}

TEST(RatchetTree, ChangedParentHashesAreRefused) {
  Grown group = grown(5);
  group.path_from({2});
  ASSERT_EQ(group.refusal(), "");
  const NodeIndex node = tree_math::root(group.tree.leaf_count());
  ParentNode parent = *group.tree.parent(node);
  parent.encryption_key[0] ^= 1;
  group.tree.set_parent(node, parent);
  EXPECT_NE(group.refusal().find("7.9.2"), std::string::npos) << group.refusal();
}

TEST(RatchetTree, ALeafWhoseSignatureDoesNotFitIsRefused) {
  Grown group = grown(3);
  LeafNode leaf = *group.tree.leaf({1});
  leaf.credential = basic_credential(as_bytes("somebody else"));
  group.tree.replace_leaf({1}, leaf);
  EXPECT_NE(group.refusal().find("7.3: the leaf's signature"), std::string::npos) << group.refusal();
}

TEST(RatchetTree, KeysThatAppearTwiceAreRefused) {
  Grown group = grown(3);
  group.tree.replace_leaf({2}, group.new_leaf(group.signature_keys[0]));
  EXPECT_NE(group.refusal().find("signature key appears twice"), std::string::npos) << group.refusal();
  LeafNode leaf = *group.tree.leaf({1});
  leaf.encryption_key = group.tree.leaf({0})->encryption_key;
  sign_leaf_node(leaf, group.signature_keys[1], {});
  group.tree.replace_leaf({1}, leaf);
  EXPECT_NE(group.refusal().find("encryption key appears twice"), std::string::npos) << group.refusal();
}

// Keys made to look alike: compared by their beginnings alone they would pass for one.
TEST(RatchetTree, KeysThatOnlyBeginAlikeAreDifferent) {
  Grown group = grown(4);
  LeafNode leaf = *group.tree.leaf({0});
  leaf.encryption_key.back() ^= 1;
  leaf.signature_key.back() ^= 1;
  group.tree.replace_leaf({1}, leaf);
  leaf.encryption_key = {0};
  leaf.signature_key = {0, 0};
  group.tree.replace_leaf({2}, leaf);
  leaf.encryption_key = {0, 0};
  leaf.signature_key = {0};
  group.tree.replace_leaf({3}, leaf);
  EXPECT_TRUE(validate_unique_keys(group.tree));
}

TEST(RatchetTree, UnmergedLeavesMustBeDescendantsAndPresent) {
  Grown group = grown(6);
  group.path_from({0});
  ParentNode parent = *group.tree.parent({1});
  parent.unmerged_leaves = {{5}};
  group.tree.set_parent({1}, parent);
  EXPECT_NE(group.refusal().find("not below"), std::string::npos) << group.refusal();
  parent.unmerged_leaves = {{0xffffffff}};
  group.tree.set_parent({1}, parent);
  EXPECT_NE(group.refusal().find("not below"), std::string::npos) << group.refusal();
  parent = *group.tree.parent({7});
  parent.unmerged_leaves = {{7}};
  group.tree.set_parent({1}, {.encryption_key = group.tree.parent({1})->encryption_key,
                              .parent_hash = group.tree.parent({1})->parent_hash,
                              .unmerged_leaves = {}});
  group.tree.set_parent({7}, parent);
  EXPECT_NE(group.refusal().find("blank"), std::string::npos) << group.refusal();
}

TEST(RatchetTree, ALeafWithAKeyOfSmallOrderIsRefused) {
  Grown group = grown(2);
  LeafNode leaf = *group.tree.leaf({1});
  leaf.encryption_key = Bytes(32, 0);
  sign_leaf_node(leaf, group.signature_keys[1], {});
  group.tree.replace_leaf({1}, leaf);
  EXPECT_NE(group.refusal().find("5.1.1"), std::string::npos) << group.refusal();
}

TEST(RatchetTree, AParentWithAKeyOfSmallOrderIsRefused) {
  Grown group = grown(4);
  group.path_from({0});
  ParentNode parent = *group.tree.parent({3});
  parent.encryption_key = Bytes(32, 0);
  group.tree.set_parent({3}, parent);
  EXPECT_NE(group.refusal().find("5.1.1: a parent node"), std::string::npos) << group.refusal();
}

TEST(RatchetTree, EncodedTreesMustEndInANodeAndFitTheirPlaces) {
  Grown group = grown(3);
  const Bytes bytes = encoded(group.tree);
  EXPECT_TRUE(decode_whole(bytes, read_ratchet_tree));
  EXPECT_TRUE(*decode_whole(bytes, read_ratchet_tree) == group.tree);
  EXPECT_FALSE(decode_whole(Bytes{0}, read_ratchet_tree));        // no node at all
  EXPECT_FALSE(decode_whole(Bytes{1, 0}, read_ratchet_tree));     // one blank leaf
  EXPECT_FALSE(decode_whole(Bytes{2, 1, 2}, read_ratchet_tree));  // a parent where a leaf stands
  Bytes blank_at_end;
  Reader in(bytes);
  const Bytes body = in.opaque();
  EXPECT_FALSE(decode_whole(encode([&](Writer& out) { out.opaque(body, Bytes{0}); }), read_ratchet_tree));
}

TEST(RatchetTree, AnEncodedTreeThatEndsInAParentKeepsIt) {
  Grown group = grown(1);
  const ParentNode root{.encryption_key = Bytes(32, 9), .parent_hash = {}, .unmerged_leaves = {}};
  const Bytes bytes = encode([&](Writer& out) {
    out.vector([&] {
      out.u8(1);
      out.u8(1);
      write(out, *group.tree.leaf({0}));
      out.u8(1);
      out.u8(2);
      write(out, root);
    });
  });
  const RatchetTree tree = *decode_whole(bytes, read_ratchet_tree);
  EXPECT_EQ(tree.leaf_count(), 2U);
  ASSERT_NE(tree.parent({1}), nullptr);
  EXPECT_EQ(*tree.parent({1}), root);
  EXPECT_EQ(encoded(tree), bytes);
}

TEST(RatchetTree, MoreThan4096LeavesAreRefusedBeforeTheyAreBuilt) {
  const Bytes blanks =
      encode([](Writer& out) { out.vector([&] { out.zeros(tree_math::node_width(8192)); }); });
  const auto tree = decode_whole(blanks, read_ratchet_tree);
  ASSERT_FALSE(tree);
  EXPECT_NE(tree.error().message.find("4096 leaves"), std::string::npos);
}

TEST(TreeKem, AnUpdatePathWithANodeThatNobodyCanEncryptToIsRefused) {
  SeededRandom random(2);
  const Bytes good = hpke::generate_key_pair(hpke_of(suite_1), random).public_key;
  UpdatePath path;
  path.nodes = {{.encryption_key = good, .encrypted_path_secrets = {}},
                {.encryption_key = good, .encrypted_path_secrets = {}}};
  EXPECT_TRUE(validate_path_keys(suite_1, path));
  for (const Bytes& bad : {Bytes(), Bytes(31, 1), Bytes(32), Bytes(33, 1)}) {
    path.nodes[1].encryption_key = bad;
    EXPECT_EQ(validate_path_keys(suite_1, path).error().message,
              "RFC 9420 section 5.1.1: a key of the update path is no public key of the suite");
  }
}

TEST(TreeKem, AnUpdatePathOfTheWrongLengthOrWithAnOldKeyIsRefused) {
  SeededRandom random(2);
  Grown group = grown(6);
  group.path_from({3});
  RatchetTree after = group.tree;
  const NewPath made =
      make_path(suite_1, after, {1}, *after.leaf({1}), group.signature_keys[1], group.group_id, {}, random);
  const UpdatePath good = *encrypt_path(suite_1, after, {1}, made, Bytes{1}, {}, random);
  const auto refusal = [&](const UpdatePath& path) {
    RatchetTree tree = group.tree;
    const Status merged = merge_path(tree, {1}, path, {});
    return merged ? std::string() : merged.error().message;
  };
  EXPECT_EQ(refusal(good), "");
  UpdatePath bad = good;
  bad.nodes.pop_back();
  EXPECT_NE(refusal(bad).find("7.5"), std::string::npos);
  bad = good;
  bad.nodes[0].encrypted_path_secrets.push_back(bad.nodes[0].encrypted_path_secrets[0]);
  EXPECT_NE(refusal(bad).find("7.6"), std::string::npos);
  bad = good;
  bad.nodes.back().encryption_key = *group.tree.encryption_key(tree_math::root(8));
  EXPECT_NE(refusal(bad).find("12.4.2"), std::string::npos);
  bad = good;
  bad.leaf_node.parent_hash.back() ^= 1;
  EXPECT_NE(refusal(bad).find("7.9.2"), std::string::npos);
}

}  // namespace
}  // namespace shearline::mls
