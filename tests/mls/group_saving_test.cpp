// RFC 9420 section 16.6 and the design's "save before you send": a group's state as bytes, in every state it can have, and
// what a restored one may do.
#include "mls/group.hpp"
#include "tests/mls/group_fixture.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

TEST(Group, EveryStateGoesOnAfterBeingRestored) {
  World world;
  People all = people(world, 4);
  const auto restored = [](const Group& group) {
    return value_of(Group::restore(group.serialize(), Standing::current));
  };
  all.expect_delivery(1, "before");
  Group::Sent proposed = value_of(all[2].propose_update(world.outside()));
  all[2] = restored(proposed.next);
  for (const std::size_t i : {0U, 1U, 3U}) {
    all[i] = restored(value_of(all[i].process(proposed.message, world.outside())).next);
  }
  const OwnKeyPackage joiner = world.key_package("new");
  CommitRequest request;
  request.proposals.emplace_back(Add{joiner.key_package});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  const Group pending = restored(made.next);
  EXPECT_EQ(pending.pending_commit(), made.message);
  Group::Accepted accepted = value_of(pending.accept_commit());
  all[0] = restored(accepted.next);
  for (const std::size_t i : {1U, 2U, 3U}) {
    all[i] = restored(value_of(all[i].process(made.message, world.outside())).next);
  }
  all.groups.push_back(restored(value_of(Group::join(*accepted.welcome, joiner, world.outside())).group));
  all.expect_agreement();
  all.expect_delivery(4, "after");
  all.commit(2, {});
  all.expect_agreement();
}

TEST(Group, SavingTwiceGivesTheSameBytesAndRestoringLosesNothing) {
  World world;
  People all = people(world, 3);
  all.commit(1, {});
  const SavedGroup first = all[0].serialize();
  const SavedGroup again = value_of(Group::restore(first, Standing::current)).serialize();
  EXPECT_EQ(first.public_state, again.public_state);
  EXPECT_TRUE(equal(first.secret_state.reveal(), again.secret_state.reveal()));
}

// The state is saved first and then sent: what is restored goes on behind what went out, and uses no key again.
TEST(Group, ARestoredStateSendsTheNextGenerationAndReadsWhatWasSkipped) {
  World world;
  People all = people(world, 3);
  const Group::Sent skipped = value_of(all[1].protect(as_bytes("late"), {}, 0, world.outside()));
  all[1] = skipped.next.clone();
  all.expect_delivery(1, "first");
  all.expect_delivery(2, "another");
  for (Group& one : all.groups) one = value_of(Group::restore(one.serialize(), Standing::current));
  EXPECT_EQ(all[1].sent_in_epoch(), 2U);
  all.expect_delivery(1, "second");
  const Group::Received late = value_of(all[0].process(skipped.message, world.outside()));
  EXPECT_EQ(as_text(std::get<ApplicationMessage>(late.what).data.reveal()), "late");
  const Group::Sent update = value_of(all[1].propose_update(world.outside()));
  const Group proposed = value_of(Group::restore(update.next.serialize(), Standing::current));
  all[0] = std::move(value_of(all[0].process(update.message, world.outside())).next);
  const Group::Committed made = value_of(all[0].commit({}, world.outside()));
  all[0] = std::move(value_of(made.next.accept_commit()).next);
  all[1] = std::move(value_of(proposed.process(made.message, world.outside())).next);
  EXPECT_TRUE(agree(all[0], all[1]));
}

TEST(Group, AStateOfARemovedMemberIsSavedAndStaysRemoved) {
  World world;
  People all = people(world, 3);
  const Bytes late = value_of(all[0].protect(as_bytes("late"), {}, 0, world.outside())).message;
  const Bytes commit = value_of(all[1].commit({}, world.outside())).message;
  CommitRequest request;
  request.proposals.emplace_back(Remove{all[2].own_leaf()});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  const Group removed = std::move(value_of(all[2].process(made.message, world.outside())).next);
  const Group restored = value_of(Group::restore(removed.serialize(), Standing::current));
  EXPECT_EQ(restored.standing(), Standing::removed);
  EXPECT_TRUE(restored.process(late, world.outside()));
  EXPECT_EQ(error_of(restored.process(commit, world.outside())),
            "RFC 9420 section 14: a handshake message after the one that removed us");
  EXPECT_EQ(error_of(restored.commit({}, world.outside())), "we were removed from this group");
}

// With a secret part that says that it belongs to it.
TEST(Group, ASavedStateOfAnotherVersionIsRefused) {
  World world;
  const Group group = world.create("engine");
  const auto restored = [&](Byte public_version, Byte secret_version) {
    SavedGroup saved = group.serialize();
    saved.public_state[0] = public_version;
    saved.secret_state.writable()[0] = secret_version;
    const Hash bound = sha256(saved.public_state);
    std::memcpy(saved.secret_state.writable().data() + 1, bound.data(), bound.size());
    return error_of(Group::restore(saved, Standing::current));
  };
  EXPECT_EQ(restored(1, 1), "no error");
  for (const Byte other : {Byte{0}, Byte{2}, Byte{255}}) {
    EXPECT_EQ(restored(other, 1), "RFC 9420 section 16.6: a saved group of another version");
    EXPECT_EQ(restored(1, other), "RFC 9420 section 16.6: a saved group of another version");
  }
}

TEST(Group, AStateThatMayBeOldReadsButNeitherCommitsNorSends) {
  World world;
  People all = people(world, 3);
  Group old = value_of(Group::restore(all[1].serialize(), Standing::possibly_old));
  EXPECT_FALSE(old.protect(as_bytes("x"), {}, 0, world.outside()));
  EXPECT_FALSE(old.commit({}, world.outside()));
  EXPECT_FALSE(old.propose_update(world.outside()));
  EXPECT_FALSE(old.propose_remove({0}, world.outside()));
  EXPECT_FALSE(old.propose_add(world.key_package("new").key_package, world.outside()));
  const Group::Sent sent = value_of(all[0].protect(as_bytes("x"), {}, 0, world.outside()));
  EXPECT_TRUE(old.process(sent.message, world.outside()));
  // A commit that was pending when it was saved may have been followed by others.
  const Group pending = std::move(value_of(all[1].commit({}, world.outside())).next);
  EXPECT_FALSE(value_of(Group::restore(pending.serialize(), Standing::possibly_old)).accept_commit());
  // Neither following a commit nor being saved again makes it current.
  const Group::Committed made = value_of(all[0].commit({}, world.outside()));
  old = std::move(value_of(old.process(made.message, world.outside())).next);
  old = value_of(Group::restore(old.serialize(), Standing::current));
  EXPECT_NE(error_of(old.commit({}, world.outside())).find("may be old"), std::string::npos);
}

TEST(Group, SavedStatesThatWereChangedAreRefused) {
  World world;
  People all = people(world, 2);
  const SavedGroup saved = all[0].serialize();
  const SavedGroup other = all[1].serialize();
  EXPECT_FALSE(Group::restore(
      {.public_state = saved.public_state, .secret_state = other.secret_state.clone()}, Standing::current));
  for (std::size_t size = 0; size < saved.secret_state.size(); size += 7) {
    EXPECT_FALSE(Group::restore({.public_state = saved.public_state,
                                 .secret_state = Key::copy_of(saved.secret_state.reveal().first(size))},
                                Standing::current));
  }
  for (std::size_t at = 0; at < saved.public_state.size(); at += 11) {
    Bytes changed = saved.public_state;
    changed[at] ^= 1;
    EXPECT_FALSE(Group::restore({.public_state = changed, .secret_state = saved.secret_state.clone()},
                                Standing::current));
  }
}

TEST(Group, ASavedKeyPackageStillJoins) {
  World world;
  Group engine = world.create("engine");
  const OwnKeyPackage joiner =
      value_of(restore_own_key_package(serialize_own_key_package(world.key_package("m"))));
  const Group::Committed made =
      value_of(engine.commit({.proposals = {Add{joiner.key_package}}}, world.outside()));
  Group::Accepted accepted = value_of(made.next.accept_commit());
  const Group::Joined joined = value_of(Group::join(*accepted.welcome, joiner, world.outside()));
  EXPECT_TRUE(agree(accepted.next, joined.group));
  EXPECT_EQ(Group::join(*accepted.welcome, world.key_package("n"), world.outside()).error().code,
            Code::not_found);
}

}  // namespace
}  // namespace shearline::mls
