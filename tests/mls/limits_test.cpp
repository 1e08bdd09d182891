// Every bound of limits.hpp: what reaches it is taken, one more is refused by name and before it is stored. Those of the
// ratchets are in secret_tree_test, retained epochs in group_test.
#include "tests/mls/group_fixture.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

// What a decoder says of `count` elements written by `element`.
template <class Read, class Element>
std::string said_of(Read read, std::size_t count, Element element) {
  const auto decoded = decode_whole(encode([&](Writer& out) {
                                      out.vector([&] {
                                        for (std::size_t i = 0; i < count; ++i) element(out, i);
                                      });
                                    }),
                                    read);
  return decoded ? "" : decoded.error().message;
}

TEST(Limits, OfAMessage) {
  EXPECT_EQ(error_of(decode_message(Bytes(message_bytes_max + 1))),
            "RFC 9420 section 2.1.2: the message is longer than 4 MiB");
  EXPECT_EQ(error_of(decode_message(Bytes(message_bytes_max))),
            "RFC 9420 section 6: the protocol version is not mls10");
}

TEST(Limits, OfApplicationDataAuthenticatedDataAndPadding) {
  World world;
  const Group engine = world.create("engine");
  const auto said = [&](std::size_t data, std::size_t authenticated, std::size_t padding) {
    return error_of(engine.protect(Bytes(data), Bytes(authenticated), padding, world.outside()));
  };
  EXPECT_EQ(said(application_data_bytes_max, authenticated_data_bytes_max, 0), "no error");
  EXPECT_EQ(said(0, 0, padding_bytes_max), "no error");
  EXPECT_EQ(said(application_data_bytes_max + 1, 0, 0),
            "RFC 9420 section 15: application data longer than 60 KiB");
  EXPECT_EQ(said(0, authenticated_data_bytes_max + 1, 0),
            "RFC 9420 section 6: authenticated data longer than 64 KiB");
  EXPECT_EQ(said(0, 0, padding_bytes_max + 1), "RFC 9420 section 6.3.1: more than 4 KiB of padding");
}

TEST(Limits, OfWhatIsReceived) {
  const auto said = [](std::size_t group_id, std::size_t authenticated, std::size_t data) {
    const auto read = decode_whole(encode([&](Writer& out) {
                                     out.opaque(Bytes(group_id));
                                     out.u64(0);
                                     out.u8(static_cast<std::uint8_t>(SenderType::member));
                                     out.u32(0);
                                     out.opaque(Bytes(authenticated));
                                     out.u8(static_cast<std::uint8_t>(ContentType::application));
                                     out.opaque(Bytes(data));
                                   }),
                                   read_framed_content);
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(said(identity_bytes_max, authenticated_data_bytes_max, application_data_bytes_max), "");
  EXPECT_EQ(said(identity_bytes_max + 1, 0, 0), "RFC 9420 section 6: the group id is longer than 4 KiB");
  EXPECT_EQ(said(0, authenticated_data_bytes_max + 1, 0),
            "RFC 9420 section 6: authenticated data longer than 64 KiB");
  EXPECT_EQ(said(0, 0, application_data_bytes_max + 1),
            "RFC 9420 section 6: application data longer than 60 KiB");
}

TEST(Limits, OfNames) {
  World world;
  const auto created = [&](std::size_t group_id) {
    return error_of(Group::create(world.key_package("m"), Bytes(group_id), {}, world.outside()));
  };
  EXPECT_EQ(created(identity_bytes_max), "no error");
  EXPECT_EQ(created(identity_bytes_max + 1), "RFC 9420 section 8.1: the group id is longer than 4 KiB");
  const auto named = [](std::size_t identity) {
    const auto read = decode_whole(
        encode([&](Writer& out) { write(out, basic_credential(Bytes(identity))); }), read_credential);
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(named(identity_bytes_max), "");
  EXPECT_EQ(named(identity_bytes_max + 1), "RFC 9420 section 5.3: the identity is longer than 4 KiB");
}

TEST(Limits, OfListsInMessages) {
  const auto extension = [](Writer& out, std::size_t i) {
    out.u16(static_cast<std::uint16_t>(i));
    out.opaque({});
  };
  EXPECT_EQ(said_of(read_extensions, extensions_max, extension), "");
  EXPECT_EQ(said_of(read_extensions, extensions_max + 1, extension),
            "RFC 9420 section 13.4: more than 64 extensions in one list");

  const auto reference = [](Writer& out, std::size_t) { write(out, ProposalOrRef(ProposalRef())); };
  const auto proposals = [](Reader& in) {
    Commit commit = read_commit(in);
    return commit.proposals.size();
  };
  EXPECT_EQ(said_of(proposals, proposals_per_commit_max + 1, reference),
            "RFC 9420 section 12.4: more than 4096 proposals");

  const auto certificates = [](std::size_t count) {
    const auto read = decode_whole(encode([&](Writer& out) {
                                     write(out, Credential{.type = credential_type::x509,
                                                           .identity = {},
                                                           .certificates = std::vector<Bytes>(count)});
                                   }),
                                   read_credential);
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(certificates(certificates_max), "");
  EXPECT_EQ(certificates(certificates_max + 1), "RFC 9420 section 5.3: more than 16 certificates");

  World world;
  const auto path = [&](std::size_t nodes, std::size_t secrets) {
    UpdatePath out{.leaf_node = world.key_package("m").key_package.leaf_node,
                   .nodes = std::vector<UpdatePathNode>(nodes)};
    out.nodes[0].encrypted_path_secrets.resize(secrets);
    const auto read = decode_whole(encode([&](Writer& to) { write(to, out); }), read_update_path);
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(path(path_nodes_max, tree_leaves_max), "");
  EXPECT_EQ(path(path_nodes_max + 1, 1), "RFC 9420 section 7.6: the path is longer than any tree is deep");
  EXPECT_EQ(path(1, tree_leaves_max + 1), "RFC 9420 section 7.6: more than 4096 ciphertexts");

  const auto welcomed = [](std::size_t members) {
    const auto read = decode_message(encode_message(
        Welcome{.secrets = std::vector<EncryptedGroupSecrets>(members), .encrypted_group_info = {}}));
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(welcomed(tree_leaves_max), "");
  EXPECT_EQ(welcomed(tree_leaves_max + 1), "RFC 9420 section 12.4.3.1: more than 4096 new members");
}

TEST(Limits, OfATree) {
  World world;
  const LeafNode leaf = world.key_package("m").key_package.leaf_node;
  RatchetTree tree(leaf);
  while (tree.member_count() < tree_leaves_max) ASSERT_TRUE(tree.add(leaf));
  EXPECT_EQ(error_of(tree.add(leaf)), "RFC 9420 section 7.7: the tree has 4096 leaves already");
  EXPECT_EQ(tree_math::direct_path({0}, tree.leaf_count()).size(), path_nodes_max);
}

TEST(Limits, OfPreSharedKeysInACommit) {
  World world;
  const Group engine = world.create("engine");
  Outside outside = world.outside();
  outside.pre_shared_keys = [](ByteView) { return Key::copy_of(Bytes(32, 1)); };
  const auto said = [&](std::size_t count) {
    CommitRequest request;
    for (std::size_t i = 0; i < count; ++i) {
      request.proposals.emplace_back(PreSharedKey{
          {.psk_id = {static_cast<Byte>(i)}, .psk_group_id = {}, .psk_nonce = Bytes(hash_bytes)}});
    }
    return error_of(engine.commit(request, outside));
  };
  EXPECT_EQ(said(pre_shared_keys_max), "no error");
  EXPECT_EQ(said(pre_shared_keys_max + 1), "RFC 9420 section 8.4: more than 16 pre-shared keys");
}

#if !defined(__SANITIZE_ADDRESS__)  // 4,096 states, each a copy of the last: too many allocations to watch
TEST(Limits, OfProposalsThatWait) {
  World world;
  Group engine = world.create("engine");
  for (std::size_t i = 0; i < proposals_pending_max; ++i) {
    engine = std::move(value_of(engine.propose_update(world.outside())).next);
  }
  EXPECT_EQ(error_of(engine.propose_update(world.outside())),
            "RFC 9420 section 12.1: 4096 proposals wait for a commit");
}
#endif

TEST(Limits, OfTheLifetimeThatWeIssueAndAccept) {
  World world;
  const auto issued = [&](std::uint64_t seconds) {
    return error_of(make_key_package(
        {.cipher_suite = world.suite,
         .credential = basic_credential(as_bytes("m")),
         .signature_key = SignaturePrivateKey::generate(SignatureScheme::ed25519, world.random),
         .now_s = world.now_s,
         .lifetime_seconds = seconds},
        world.random));
  };
  const std::uint64_t longest = key_package_lifetime_seconds_max - clock_skew_seconds_max;
  const std::string rule = "RFC 9420 section 7.2: the lifetime of a key package is 0 or above its bound";
  EXPECT_EQ(issued(longest), "no error");
  for (const std::uint64_t seconds : {std::uint64_t{0}, longest + 1, UINT64_MAX}) {
    EXPECT_EQ(issued(seconds), rule) << seconds;
  }
  const Group engine = world.create("engine");
  Outside strict = world.outside();
  strict.lifetime_seconds_max = test_lifetime_seconds;  // clock skew makes it longer
  EXPECT_EQ(error_of(engine.propose_add(world.key_package("m").key_package, strict)),
            "RFC 9420 section 7.2: the leaf's lifetime is longer than the longest acceptable");
}

}  // namespace
}  // namespace shearline::mls
