// RFC 9420 sections 11, 12 and 15: groups among ourselves, in all suites: that members agree and hear each other, in
// whatever order, and that nothing changes until the caller says so.
#include "mls/group.hpp"

#include "tests/mls/group_fixture.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

class EverySuite : public ::testing::TestWithParam<int> {
 protected:
  EverySuite() { world.suite = static_cast<CipherSuite>(GetParam()); }
  World world;
};
INSTANTIATE_TEST_SUITE_P(Group, EverySuite, ::testing::Values(1, 2, 3));

TEST_P(EverySuite, MembersAgreeAndHearEachOther) {
  People all = people(world, 5);
  all.expect_agreement();
  for (std::size_t i = 0; i < 5; ++i) all.expect_delivery(i, "hello from " + std::to_string(i));
  all.commit(3, {});
  all.expect_agreement();
  all.expect_delivery(1, "in the next epoch");
}

TEST_P(EverySuite, AddsOneAtATimeWithAndWithoutPath) {
  People all = people(world, 1);
  for (std::size_t i = 1; i < 9; ++i) {
    const OwnKeyPackage joiner = world.key_package("m" + std::to_string(i));
    CommitRequest request;
    request.proposals.emplace_back(Add{joiner.key_package});
    request.with_path = i % 2 == 0;
    Group::Committed made = value_of(all[i / 2].commit(request, world.outside()));
    Group::Accepted accepted = value_of(made.next.accept_commit());
    for (std::size_t k = 0; k < all.groups.size(); ++k) {
      if (k != i / 2) all[k] = std::move(value_of(all[k].process(made.message, world.outside())).next);
    }
    all[i / 2] = std::move(accepted.next);
    Group::Joined joined = value_of(Group::join(*accepted.welcome, joiner, world.outside()));
    EXPECT_EQ(joined.signer, all[i / 2].own_leaf());
    all.groups.push_back(std::move(joined.group));
    all.expect_agreement();
  }
  all.commit(8, {});
  all.expect_agreement();
  all.expect_delivery(8, "all heard");
}

TEST_P(EverySuite, ARemovedMemberHearsOfItAndCannotReadOn) {
  People all = people(world, 4);
  CommitRequest request;
  request.proposals.emplace_back(Remove{all[2].own_leaf()});
  Group::Committed made = value_of(all[0].commit(request, world.outside()));
  Group::Received farewell = value_of(all[2].process(made.message, world.outside()));
  EXPECT_TRUE(std::holds_alternative<RemovedFromGroup>(farewell.what));
  EXPECT_EQ(farewell.next.standing(), Standing::removed);
  EXPECT_FALSE(farewell.next.protect(as_bytes("x"), {}, 0, world.outside()));
  Group engine = std::move(value_of(made.next.accept_commit()).next);
  const Group::Sent sent = value_of(engine.protect(as_bytes("secret"), {}, 0, world.outside()));
  EXPECT_FALSE(farewell.next.process(sent.message, world.outside()));
  EXPECT_FALSE(all[2].process(sent.message, world.outside()));
  Group other = std::move(value_of(all[1].process(made.message, world.outside())).next);
  EXPECT_TRUE(other.process(sent.message, world.outside()));
}

TEST_P(EverySuite, AnUpdateIsProposedByOneAndCommittedByAnother) {
  People all = people(world, 3);
  const Bytes key_before = all[0].tree().leaf(all[2].own_leaf())->encryption_key;
  Group::Sent proposed = value_of(all[2].propose_update(world.outside()));
  all[2] = std::move(proposed.next);
  for (const std::size_t i : {0U, 1U}) {
    Group::Received received = value_of(all[i].process(proposed.message, world.outside()));
    EXPECT_EQ(std::get<ProposalMessage>(received.what).sender, all[2].own_leaf());
    all[i] = std::move(received.next);
  }
  EXPECT_NE(error_of(all[0].protect(as_bytes("x"), {}, 0, world.outside())).find("12.4"), std::string::npos);
  all.commit(0, {});
  all.expect_agreement();
  EXPECT_NE(all[0].tree().leaf(all[2].own_leaf())->encryption_key, key_before);
  all.expect_delivery(2, "with the new key");
  all.commit(1, {});
  all.expect_agreement();
}

TEST_P(EverySuite, ExportersAgreeAndDependOnLabelContextAndEpoch) {
  People all = people(world, 2);
  const auto exported = [&](std::size_t i, std::string_view label, std::string_view context) {
    return to_bytes(all[i].export_secret(label, as_bytes(context), 40).reveal());
  };
  const Bytes first = exported(0, "a", "b");
  EXPECT_EQ(first, exported(1, "a", "b"));
  EXPECT_NE(first, exported(0, "a", "c"));
  EXPECT_NE(first, exported(0, "c", "b"));
  all.commit(1, {});
  EXPECT_NE(first, exported(0, "a", "b"));
  EXPECT_EQ(exported(0, "a", "b"), exported(1, "a", "b"));
}

// ---- nothing changes until the caller accepts ----

TEST(Group, ACommitChangesNothingUntilItIsAccepted) {
  World world;
  People all = people(world, 3);
  const Group before = all[0].clone();
  const Group::Committed made = value_of(all[0].commit({}, world.outside()));
  EXPECT_TRUE(agree(all[0], before));
  EXPECT_FALSE(all[0].has_pending_commit());
  EXPECT_TRUE(made.next.has_pending_commit());
  EXPECT_EQ(made.next.epoch(), before.epoch());
  EXPECT_EQ(made.next.pending_commit(), made.message);
  EXPECT_FALSE(made.next.commit({}, world.outside()));
  EXPECT_TRUE(made.next.clear_commit().commit({}, world.outside()));
  EXPECT_FALSE(made.next.clear_commit().accept_commit());
}

TEST(Group, AnothersCommitReplacesAPendingOne) {
  World world;
  People all = people(world, 3);
  Group::Committed ours = value_of(all[0].commit({}, world.outside()));
  Group::Committed theirs = value_of(all[1].commit({}, world.outside()));
  Group::Received received = value_of(ours.next.process(theirs.message, world.outside()));
  EXPECT_FALSE(received.next.has_pending_commit());
  EXPECT_TRUE(agree(received.next, value_of(theirs.next.accept_commit()).next));
}

TEST(Group, MessagesThatArriveWhileACommitIsPendingAreNotReadTwiceAfterIt) {
  World world;
  People all = people(world, 2);
  Group::Committed made = value_of(all[0].commit({}, world.outside()));
  Group::Sent sent = value_of(all[1].protect(as_bytes("x"), {}, 0, world.outside()));
  Group read = std::move(value_of(made.next.process(sent.message, world.outside())).next);
  const Group after = std::move(value_of(read.accept_commit()).next);
  EXPECT_NE(error_of(after.process(sent.message, world.outside())).find("9.2"), std::string::npos);
  const Group unread = std::move(value_of(made.next.accept_commit()).next);
  EXPECT_TRUE(unread.process(sent.message, world.outside()));
}

// ---- order ----

TEST(Group, ReorderedMessagesAreReadOnceEach) {
  World world;
  People all = people(world, 2);
  std::vector<Bytes> messages;
  for (int i = 0; i < 160; ++i) {
    Group::Sent sent = value_of(all[0].protect(as_bytes(std::to_string(i)), {}, 0, world.outside()));
    all[0] = std::move(sent.next);
    messages.push_back(std::move(sent.message));
  }
  EXPECT_EQ(all[0].sent_in_epoch(), 160U);
  for (const std::size_t i : {150U, 3U, 159U, 0U, 1U, 2U}) {
    Group::Received received = value_of(all[1].process(messages[i], world.outside()));
    EXPECT_EQ(as_text(std::get<ApplicationMessage>(received.what).data.reveal()), std::to_string(i));
    all[1] = std::move(received.next);
    EXPECT_FALSE(all[1].process(messages[i], world.outside())) << "twice: " << i;
  }
}

TEST(Group, LateMessagesOfThreeEpochsAgoAreReadAndCreditedToWhoSatThere) {
  World world;
  People all = people(world, 3);
  const Group::Sent late = value_of(all[2].protect(as_bytes("late"), {}, 0, world.outside()));
  const LeafIndex leaf = all[2].own_leaf();
  CommitRequest replace;
  replace.proposals.emplace_back(Remove{leaf});
  const OwnKeyPackage other = world.key_package("somebody else");
  replace.proposals.emplace_back(Add{other.key_package});
  Group removed = std::move(all.groups.back());
  all.groups.pop_back();
  Group::Committed made = value_of(all[0].commit(replace, world.outside()));
  all[1] = std::move(value_of(all[1].process(made.message, world.outside())).next);
  all[0] = std::move(value_of(made.next.accept_commit()).next);
  EXPECT_EQ(as_text(all[1].tree().leaf(leaf)->credential.identity), "somebody else");
  for (std::size_t epochs = 1; epochs <= retained_epochs_max; ++epochs) {
    Group::Received received = value_of(all[1].process(late.message, world.outside()));
    const auto& message = std::get<ApplicationMessage>(received.what);
    EXPECT_EQ(as_text(message.credential.identity), "member 2");
    EXPECT_EQ(message.epoch + epochs, all[1].epoch());
    EXPECT_FALSE(received.next.process(late.message, world.outside()));
    all.commit(0, {});
  }
  EXPECT_NE(error_of(all[1].process(late.message, world.outside())).find("keys are gone"), std::string::npos);
}

// ---- what is sent, and what stays ----

TEST(Group, PaddingHidesTheLength) {
  World world;
  People all = people(world, 2);
  const auto size = [&](std::size_t data, std::size_t padding) {
    return value_of(all[0].protect(Bytes(data, 1), {}, padding, world.outside())).message.size();
  };
  EXPECT_EQ(size(10, 50), size(60, 0));
  const Group::Sent sent = value_of(all[0].protect(Bytes(10, 1), {}, 50, world.outside()));
  EXPECT_EQ(
      std::get<ApplicationMessage>(value_of(all[1].process(sent.message, world.outside())).what).data.size(),
      10U);
}

TEST(Group, NothingStaysInTheArena) {
  World world;
  const std::size_t used_before = arena_state().used_bytes;
  {
    People all = people(world, 5);
    all.expect_delivery(2, "x");
    all.commit(1, {});
    all.expect_agreement();
  }
  EXPECT_EQ(arena_state().used_bytes, used_before);
}

}  // namespace
}  // namespace shearline::mls
