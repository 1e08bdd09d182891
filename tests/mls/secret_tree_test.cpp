// RFC 9420 section 9: the published ratchets, and how keys are kept, spent and bounded.
#include "mls/secret_tree.hpp"

#include "tests/mls/mls_vectors.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

using namespace testing;

constexpr CipherSuite suite_1 = CipherSuite::x25519_aes128gcm_sha256_ed25519;
constexpr RatchetType application = RatchetType::application;
constexpr RatchetType handshake = RatchetType::handshake;

SecretTree tree_of(std::uint32_t leaves) { return {suite_1, leaves, Key::copy_of(Bytes(32, 7))}; }

bool same_key(const MessageKey& a, const MessageKey& b) {
  return equal(a.key.reveal(), b.key.reveal()) && equal(a.nonce.reveal(), b.nonce.reveal());
}

void check_generation(SecretTree& tree, LeafIndex leaf, const json& test) {
  const auto generation = test.at("generation").get<std::uint32_t>();
  const auto application_key = tree.take(leaf, application, generation);
  ASSERT_TRUE(application_key) << application_key.error().message;
  EXPECT_TRUE(same((*application_key)->key, hex_field(test, "application_key")));
  EXPECT_TRUE(same((*application_key)->nonce, hex_field(test, "application_nonce")));
  const auto handshake_key = tree.take(leaf, handshake, generation);
  ASSERT_TRUE(handshake_key) << handshake_key.error().message;
  EXPECT_TRUE(same((*handshake_key)->key, hex_field(test, "handshake_key")));
  EXPECT_TRUE(same((*handshake_key)->nonce, hex_field(test, "handshake_nonce")));
}

TEST(SecretTree, PublishedRatchets) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/secret-tree.json");
  for_our_suites(cases, "", [](CipherSuite suite, const json& test) {
    const json& sender_data = test.at("sender_data");
    const Bytes sample = to_bytes(ByteView(hex_field(sender_data, "ciphertext")).first(hash_bytes));
    const Key secret = key_field(sender_data, "sender_data_secret");
    EXPECT_TRUE(same(expand_with_label(secret, "key", sample, aead_key_bytes(aead_of(suite))),
                     hex_field(sender_data, "key")));
    EXPECT_TRUE(
        same(expand_with_label(secret, "nonce", sample, aead_nonce_bytes), hex_field(sender_data, "nonce")));
    const json& leaves = test.at("leaves");
    SecretTree tree(suite, static_cast<std::uint32_t>(leaves.size()), key_field(test, "encryption_secret"));
    for (std::uint32_t leaf = 0; leaf < leaves.size(); ++leaf) {
      for (const json& generation : leaves[leaf]) check_generation(tree, {leaf}, generation);
    }
    return true;
  });
}

TEST(SecretTree, SenderAndReceiverMeetWhateverTheOrder) {
  SecretTree sender = tree_of(8);
  SecretTree receiver = tree_of(8);
  std::vector<SecretTree::Sent> sent;
  for (int i = 0; i < 6; ++i) sent.push_back(*sender.next({5}, application));
  for (const std::size_t i : {3U, 0U, 5U, 1U, 2U, 4U}) {
    const auto key = receiver.take({5}, application, sent[i].generation);
    ASSERT_TRUE(key) << i;
    EXPECT_TRUE(same_key(**key, *sent[i].key));
  }
}

TEST(SecretTree, AKeyIsGoneOnceTaken) {
  SecretTree tree = tree_of(4);
  EXPECT_TRUE(tree.take({1}, application, 2));
  EXPECT_TRUE(tree.take({1}, application, 0));
  EXPECT_FALSE(tree.take({1}, application, 2));
  EXPECT_FALSE(tree.take({1}, application, 0));
  EXPECT_NE(tree.take({1}, application, 0).error().message.find("9.2"), std::string::npos);
}

TEST(SecretTree, WhatARatchetWasDerivedFromIsGone) {
  const Key encryption_secret = Key::copy_of(Bytes(32, 7));
  SecretTree tree(suite_1, 4, encryption_secret.clone());
  ASSERT_TRUE(tree.take({1}, application, 0));
  Writer saved(Writer::Memory::secret);
  tree.write_state(saved);
  const auto is_there = [&](const Key& secret) {
    return !std::ranges::search(saved.view(), secret.reveal()).empty();
  };
  const auto child = [](const Key& node, std::string_view side) {
    return expand_with_label(node, "tree", as_bytes(side), hash_bytes);
  };
  const Key left = child(encryption_secret, "left");
  const Key leaf = child(left, "right");
  EXPECT_FALSE(is_there(encryption_secret));
  EXPECT_FALSE(is_there(left));
  EXPECT_FALSE(is_there(leaf));
  EXPECT_FALSE(is_there(expand_with_label(leaf, "application", {}, hash_bytes)));
  EXPECT_TRUE(is_there(child(left, "left")));
  EXPECT_TRUE(is_there(child(encryption_secret, "right")));
}

TEST(SecretTree, ACopyKeepsWhatTheOriginalSpends) {
  SecretTree tree = tree_of(4);
  SecretTree copy = tree;
  const auto from_copy = copy.take({3}, handshake, 0);
  ASSERT_TRUE(from_copy);
  EXPECT_FALSE(copy.take({3}, handshake, 0));
  EXPECT_TRUE(same_key(**tree.take({3}, handshake, 0), **from_copy));
}

TEST(SecretTree, HandshakeAndApplicationAreApart) {
  SecretTree tree = tree_of(2);
  EXPECT_FALSE(same_key(**tree.take({0}, handshake, 0), **tree.take({0}, application, 0)));
  EXPECT_FALSE(same_key(**tree.take({1}, handshake, 0), **tree.take({1}, application, 0)));
}

TEST(SecretTree, RefusesMoreThanAThousandStepsAhead) {
  SecretTree tree = tree_of(2);
  EXPECT_FALSE(tree.take({1}, application, ratchet_steps_max + 1));
  EXPECT_FALSE(tree.take({1}, application, 0xffffffff));
  EXPECT_TRUE(tree.take({1}, application, ratchet_steps_max));
  EXPECT_FALSE(tree.take({1}, application, 2 * ratchet_steps_max + 2));
}

TEST(SecretTree, KeepsTheNewestOfManySkippedKeys) {
  SecretTree tree = tree_of(2);
  ASSERT_TRUE(tree.take({1}, application, 900));
  EXPECT_FALSE(tree.take({1}, application, 899 - skipped_keys_per_ratchet_max));
  EXPECT_TRUE(tree.take({1}, application, 900 - skipped_keys_per_ratchet_max));
  EXPECT_TRUE(tree.take({1}, application, 899));
}

TEST(SecretTree, TheKeysOfAllSendersTogetherAreBounded) {
  const std::size_t used_before = arena_state().used_bytes;
  SecretTree tree = tree_of(64);
  for (std::uint32_t leaf = 0; leaf < 64; ++leaf)
    ASSERT_TRUE(tree.take({leaf}, application, ratchet_steps_max));
  EXPECT_LT(arena_state().used_bytes - used_before, 96 * skipped_keys_per_epoch_max + 64 * 3 * 32 + 4096);
  EXPECT_TRUE(tree.take({0}, application, ratchet_steps_max - 1));
}

TEST(SecretTree, RefusesLeavesOutsideTheTree) {
  SecretTree tree = tree_of(4);
  EXPECT_FALSE(tree.take({4}, application, 0));
  EXPECT_FALSE(tree.take({0xffffffff}, application, 0));
}

TEST(SecretTree, NothingIsLeftInTheArena) {
  const std::size_t used_before = arena_state().used_bytes;
  {
    SecretTree tree = tree_of(16);
    ASSERT_TRUE(tree.take({9}, application, 10));
    SecretTree copy = tree;
    ASSERT_TRUE(copy.take({9}, application, 3));
  }
  EXPECT_EQ(arena_state().used_bytes, used_before);
}

TEST(SecretTree, WhatIsNoSavedStateIsRefused) {
  const auto node = [](Writer& out, std::uint32_t index, std::size_t bytes) {
    out.u32(index);
    out.opaque(Bytes(bytes, 1));
  };
  struct Kept {
    std::uint32_t generation = 0;
    std::size_t key_bytes = 16;
    std::size_t nonce_bytes = 12;
  };
  const auto ratchet = [](Writer& out, std::uint32_t id, std::size_t bytes,
                          const std::vector<Kept>& skipped = {}) {
    out.u32(id);
    out.u32(3);
    out.opaque(Bytes(bytes, 2));
    out.vector([&] {
      for (const Kept& one : skipped) {
        out.u32(one.generation);
        out.opaque(Bytes(one.key_bytes, 3));
        out.opaque(Bytes(one.nonce_bytes, 4));
      }
    });
  };
  using Part = std::function<void(Writer&)>;
  const auto is_state = [](std::uint32_t leaves, const Part& nodes, const Part& ratchets) {
    const Bytes bytes = encode([&](Writer& out) {
      out.u32(leaves);
      out.vector([&] { nodes(out); });
      out.vector([&] { ratchets(out); });
    });
    Reader in(bytes);
    SecretTree::read_state(in, suite_1, 8);
    return in.finish().has_value();
  };
  const Part none = [](Writer&) {};
  EXPECT_TRUE(is_state(8, [&](Writer& out) { node(out, 0, 32), node(out, 14, 32); }, none));
  EXPECT_FALSE(is_state(4, none, none));
  EXPECT_FALSE(is_state(8, [&](Writer& out) { node(out, 15, 32); }, none));
  EXPECT_FALSE(is_state(8, [&](Writer& out) { node(out, 0xffffffff, 32); }, none));
  EXPECT_FALSE(is_state(8, [&](Writer& out) { node(out, 3, 32), node(out, 3, 32); }, none));
  EXPECT_FALSE(is_state(8, [&](Writer& out) { node(out, 3, 32), node(out, 1, 32); }, none));
  EXPECT_FALSE(is_state(8, [&](Writer& out) { node(out, 0, 31); }, none));
  EXPECT_TRUE(is_state(8, none, [&](Writer& out) { ratchet(out, 15, 32, {{0}, {2}}); }));
  EXPECT_FALSE(is_state(8, none, [&](Writer& out) { ratchet(out, 16, 32); }));
  EXPECT_FALSE(is_state(8, none, [&](Writer& out) { ratchet(out, 0, 33); }));
  EXPECT_FALSE(is_state(8, none, [&](Writer& out) { ratchet(out, 5, 32), ratchet(out, 5, 32); }));
  EXPECT_FALSE(is_state(8, none, [&](Writer& out) { ratchet(out, 0, 32, {{3}}); }));
  EXPECT_FALSE(is_state(8, none, [&](Writer& out) { ratchet(out, 0, 32, {{2}, {1}}); }));
  EXPECT_FALSE(is_state(8, none, [&](Writer& out) { ratchet(out, 0, 32, {{0, 32}}); }));
  EXPECT_FALSE(is_state(8, none, [&](Writer& out) { ratchet(out, 0, 32, {{0, 16, 13}}); }));
}

TEST(SecretTree, AStateThatWasSavedGoesOnWhereItWas) {
  SecretTree tree = tree_of(8);
  ASSERT_TRUE(tree.take({2}, application, 5));
  ASSERT_TRUE(tree.next({0}, handshake));
  Writer out(Writer::Memory::secret);
  tree.write_state(out);
  const Key saved = out.take_secret();
  Reader in(saved.reveal());
  SecretTree restored = SecretTree::read_state(in, suite_1, 8);
  ASSERT_TRUE(in.finish());
  EXPECT_EQ(restored.next_generation({2}, application), 6U);
  EXPECT_TRUE(same_key(**restored.take({2}, application, 3), **tree.take({2}, application, 3)));
  EXPECT_EQ(restored.next({0}, handshake)->generation, 1U);
  EXPECT_TRUE(same_key(*restored.next({7}, application)->key, *tree.next({7}, application)->key));
  EXPECT_FALSE(restored.take({2}, application, 5));
}

}  // namespace
}  // namespace shearline::mls
