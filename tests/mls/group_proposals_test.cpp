// RFC 9420 sections 12.1, 12.2 and 12.4: which proposals become part of a commit, and what is refused of those
// that others send.
#include "mls/group.hpp"
#include "mls/public_message.hpp"
#include "tests/mls/group_fixture.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

// Everybody learns of the proposal, its sender included.
void spread(People& all, std::size_t from, Result<Group::Sent> proposed) {
  Group::Sent sent = value_of(std::move(proposed));
  all[from] = std::move(sent.next);
  for (std::size_t i = 0; i < all.groups.size(); ++i) {
    if (i == from) continue;
    all[i] = std::move(value_of(all[i].process(sent.message, all.world.outside())).next);
  }
}

// What everybody but the committer sees of its commit of all that was proposed.
EpochChange commit_and_follow(People& all, std::size_t by) {
  Group::Committed made = value_of(all[by].commit({}, all.world.outside()));
  EpochChange seen;
  for (std::size_t i = 0; i < all.groups.size(); ++i) {
    if (i == by) continue;
    Group::Received received = value_of(all[i].process(made.message, all.world.outside()));
    if (const auto* const change = std::get_if<EpochChange>(&received.what)) seen = *change;
    all[i] = std::move(received.next);
  }
  all[by] = std::move(value_of(made.next.accept_commit()).next);
  return seen;
}

TEST(Proposals, ARemoveIsPreferredToAnUpdateOfTheSameLeaf) {
  World world;
  People all = people(world, 4);
  spread(all, 2, all[2].propose_update(world.outside()));
  spread(all, 1, all[1].propose_remove(all[2].own_leaf(), world.outside()));
  spread(all, 3, all[3].propose_remove(all[2].own_leaf(), world.outside()));
  const EpochChange change = commit_and_follow(all, 0);
  EXPECT_EQ(change.removed, std::vector<LeafIndex>{all[2].own_leaf()});
  EXPECT_TRUE(change.updated.empty());
  EXPECT_EQ(all[2].standing(), Standing::removed);
  EXPECT_TRUE(agree(all[0], all[1]) && agree(all[0], all[3]));
}

TEST(Proposals, TheMostRecentUpdateOfALeafCounts) {
  World world;
  People all = people(world, 3);
  spread(all, 1, all[1].propose_update(world.outside()));
  spread(all, 1, all[1].propose_update(world.outside()));
  EXPECT_EQ(all[0].proposal_count(), 2U);
  const EpochChange change = commit_and_follow(all, 0);
  EXPECT_EQ(change.updated, std::vector<LeafIndex>{all[1].own_leaf()});
  all.expect_agreement();
  commit_and_follow(all, 1);  // with the key of the second Update
  all.expect_agreement();
  EXPECT_EQ(all[0].proposal_count(), 0U);
}

TEST(Proposals, NobodyCommitsTheirOwnUpdateOrRemoval) {
  World world;
  People all = people(world, 3);
  spread(all, 0, all[0].propose_update(world.outside()));
  spread(all, 1, all[1].propose_remove(all[0].own_leaf(), world.outside()));
  const EpochChange change = commit_and_follow(all, 0);
  EXPECT_TRUE(change.updated.empty());
  EXPECT_TRUE(change.removed.empty());
  all.expect_agreement();
}

TEST(Proposals, AMembersAddComesIntoTheGroupByReference) {
  World world;
  People all = people(world, 3);
  const OwnKeyPackage joiner = world.key_package("joiner");
  spread(all, 2, all[2].propose_add(joiner.key_package, world.outside()));
  Group::Committed made = value_of(all[0].commit({}, world.outside()));
  for (const std::size_t i : {1U, 2U}) {
    all[i] = std::move(value_of(all[i].process(made.message, world.outside())).next);
  }
  Group::Accepted accepted = value_of(made.next.accept_commit());
  all[0] = std::move(accepted.next);
  all.groups.push_back(std::move(value_of(Group::join(*accepted.welcome, joiner, world.outside())).group));
  all.expect_agreement();
  all.expect_delivery(3, "here");
}

TEST(Proposals, ACommitThatNamesAnUnknownProposalIsRefused) {
  World world;
  People all = people(world, 3);
  const Group::Sent proposed = value_of(all[1].propose_update(world.outside()));
  all[0] = std::move(value_of(all[0].process(proposed.message, world.outside())).next);
  const Group::Committed made = value_of(all[0].commit({}, world.outside()));
  EXPECT_NE(error_of(all[2].process(made.message, world.outside())).find("12.4"), std::string::npos);
  all[2] = std::move(value_of(all[2].process(proposed.message, world.outside())).next);
  EXPECT_TRUE(all[2].process(made.message, world.outside()));
}

TEST(Proposals, ForgottenProposalsAreNeitherCommittedNorInTheWay) {
  World world;
  People all = people(world, 2);
  spread(all, 1, all[1].propose_remove(all[0].own_leaf(), world.outside()));
  EXPECT_FALSE(all[0].protect(as_bytes("x"), {}, 0, world.outside()));
  const Group without = all[0].forget_proposals();
  EXPECT_TRUE(without.protect(as_bytes("x"), {}, 0, world.outside()));
}

TEST(Proposals, AnInvalidProposalIsRefusedWhenItComes) {
  World world;
  People all = people(world, 3);
  const OwnKeyPackage joiner = world.key_package("late");
  const Group::Sent proposed = value_of(all[1].propose_add(joiner.key_package, world.outside()));
  world.now_s += test_lifetime_seconds + 1;
  EXPECT_NE(error_of(all[0].process(proposed.message, world.outside())).find("expired"), std::string::npos);
  EXPECT_NE(error_of(all[0].propose_remove({7}, world.outside())).find("12.1.3"), std::string::npos);
}

TEST(Proposals, WhatComesFromOutsideTheGroupIsRefusedByPolicy) {
  World world;
  People all = people(world, 2);
  for (const SenderType type :
       {SenderType::external, SenderType::new_member_proposal, SenderType::new_member_commit}) {
    PublicMessage message;
    message.content = {.group_id = all[0].group_id(),
                       .epoch = all[0].epoch(),
                       .sender = {type, 0},
                       .authenticated_data = {},
                       .body = Proposal(Remove{{1}})};
    message.auth.signature = Bytes(64);
    const auto received = all[0].process(encode_message(std::move(message)), world.outside());
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code, Code::policy_violation);
    EXPECT_NE(received.error().message.find("section 6: only members"), std::string::npos);
  }
}

TEST(Proposals, ExternalPsksBindThoseWhoHaveThem) {
  World world;
  People all = people(world, 2);
  const OwnKeyPackage joiner = world.key_package("joiner");
  const PreSharedKeyId id{.psk_id = {1, 2}, .psk_group_id = {}, .psk_nonce = Bytes(32, 9)};
  const CommitRequest request{.proposals = {PreSharedKey{id}, Add{joiner.key_package}}};
  const auto holding = [&](Byte value) {
    Outside outside = world.outside();
    outside.pre_shared_keys = [value](ByteView) { return Key::copy_of(Bytes(32, value)); };
    return outside;
  };
  const Group::Committed made = value_of(all[0].commit(request, holding(5)));
  const Group::Accepted accepted = value_of(made.next.accept_commit());
  EXPECT_EQ(all[1].process(made.message, world.outside()).error().code, Code::not_found);
  EXPECT_NE(error_of(all[1].process(made.message, holding(6))).find("confirmation tag"), std::string::npos);
  EXPECT_TRUE(agree(accepted.next, value_of(all[1].process(made.message, holding(5))).next));
  EXPECT_EQ(Group::join(*accepted.welcome, joiner, world.outside()).error().code, Code::not_found);
  EXPECT_FALSE(Group::join(*accepted.welcome, joiner, holding(6)));
  EXPECT_TRUE(agree(accepted.next, value_of(Group::join(*accepted.welcome, joiner, holding(5))).group));
}

}  // namespace
}  // namespace shearline::mls
