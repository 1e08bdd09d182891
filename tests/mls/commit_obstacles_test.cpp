// RFC 9420 sections 12.1 and 12.2: who proposes so that nobody could commit. What can never be committed is refused when
// it comes; what only cannot be committed with the rest stays out of the commit, which is made and followed.
#include "tests/mls/insider.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

TEST(Obstacles, APskThatWeDoNotHaveIsRefusedWhenItComes) {
  World world;
  People all = people(world, 3);
  Outside outside = world.outside();
  const auto propose = [&](PreSharedKeyId id) {
    return all[0].process(Insider(all[1]).proposal(PreSharedKey{std::move(id)}), outside);
  };
  const PreSharedKeyId id{.psk_id = {1}, .psk_group_id = {}, .psk_nonce = Bytes(32)};
  EXPECT_EQ(propose(id).error().code, Code::not_found);
  outside.pre_shared_keys = [](ByteView) { return Key::copy_of(Bytes(32, 5)); };
  EXPECT_TRUE(propose(id));
  PreSharedKeyId other = id;
  other.psk_nonce.pop_back();
  EXPECT_NE(error_of(propose(other)).find("12.1.4"), std::string::npos);
  other.type = PskType::resumption;
  EXPECT_NE(error_of(propose(other)).find("8.6"), std::string::npos);
}

// Each of these is valid by itself; what cannot go with the others stays out, and the commit is made and followed.
class NotTogether : public ::testing::Test {
 protected:
  NotTogether() : all(people(world, 4)) {}
  Outside outside() {
    Outside out = world.outside();
    out.pre_shared_keys = [](ByteView) { return Key::copy_of(Bytes(32, 5)); };
    return out;
  }
  void propose(const Proposal& what, std::size_t from = 1) {
    const Bytes message = Insider(all[from]).proposal(what);
    for (const std::size_t i : {0U, 2U}) {
      all[i] = std::move(value_of(all[i].process(message, outside())).next);
    }
  }
  EpochChange commit_and_follow() {
    Group::Committed made = value_of(all[0].commit({}, outside()));
    const Group::Received received = value_of(all[2].process(made.message, outside()));
    const Group accepted = std::move(value_of(made.next.accept_commit()).next);
    EXPECT_TRUE(agree(accepted, received.next));
    return std::get<EpochChange>(received.what);
  }

  World world;
  People all;
};

TEST_F(NotTogether, AddsWithOneEncryptionKey) {
  const OwnKeyPackage first = world.key_package("first");
  OwnKeyPackage second = world.key_package("second");
  second.key_package.leaf_node.encryption_key = first.key_package.leaf_node.encryption_key;
  sign_leaf_node(second.key_package.leaf_node, second.signature_key, {});
  sign_key_package(second.key_package, second.signature_key);
  propose(Add{first.key_package});
  propose(Add{second.key_package});
  propose(Remove{{3}});
  const EpochChange change = commit_and_follow();
  EXPECT_EQ(change.added.size(), 1U);
  EXPECT_EQ(change.removed, std::vector<LeafIndex>{{3}});
}

TEST_F(NotTogether, AnAddOfWhoIsThere) {
  KeyPackage again = world.key_package("again").key_package;
  again.leaf_node.encryption_key = all[0].tree().leaf({2})->encryption_key;
  const OwnKeyPackage own = world.key_package("own");
  again.leaf_node.signature_key = own.signature_key.public_key();
  sign_leaf_node(again.leaf_node, own.signature_key, {});
  sign_key_package(again, own.signature_key);
  propose(Add{again});
  EXPECT_TRUE(commit_and_follow().added.empty());
}

TEST_F(NotTogether, AKeyPackageThatHasExpiredMeanwhile) {
  propose(Add{world.key_package("late").key_package});
  propose(Remove{{3}});
  world.now_s += test_lifetime_seconds + 1;
  const EpochChange change = commit_and_follow();
  EXPECT_TRUE(change.added.empty());
  EXPECT_EQ(change.removed, std::vector<LeafIndex>{{3}});
}

TEST_F(NotTogether, OnePskTwice) {
  const PreSharedKey psk{{.psk_id = {1}, .psk_group_id = {}, .psk_nonce = Bytes(32)}};
  propose(psk);
  propose(psk, 3);
  EXPECT_EQ(all[0].proposal_count(), 2U);
  commit_and_follow();
}

TEST_F(NotTogether, WhatIsAskedForByValueComesFirst) {
  const OwnKeyPackage wanted = world.key_package("wanted");
  KeyPackage in_the_way = wanted.key_package;
  const OwnKeyPackage own = world.key_package("own");
  in_the_way.leaf_node.signature_key = own.signature_key.public_key();
  sign_leaf_node(in_the_way.leaf_node, own.signature_key, {});
  sign_key_package(in_the_way, own.signature_key);
  propose(Add{in_the_way});
  const auto made = value_of(all[0].commit({.proposals = {Add{wanted.key_package}}}, world.outside()));
  const auto accepted = value_of(made.next.accept_commit());
  EXPECT_TRUE(Group::join(*accepted.welcome, wanted, world.outside()));
}

// An insider cannot make a committer try for ever.
TEST_F(NotTogether, WhatIsBehindTooManyStaysOut) {
  const Bytes taken = all[0].tree().leaf({2})->encryption_key;
  for (std::size_t i = 0; i < commit_trials_max; ++i) {
    const OwnKeyPackage own = world.key_package("in the way");
    KeyPackage one = own.key_package;
    one.leaf_node.encryption_key = taken;
    sign_leaf_node(one.leaf_node, own.signature_key, {});
    sign_key_package(one, own.signature_key);
    propose(Add{one});
  }
  propose(Remove{{3}});
  const EpochChange change = commit_and_follow();
  EXPECT_TRUE(change.added.empty());
  EXPECT_TRUE(change.removed.empty());
}

}  // namespace
}  // namespace shearline::mls
