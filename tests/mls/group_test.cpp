// RFC 9420 sections 11 and 12: groups among ourselves, in all suites: who may do what, what is refused with
// which rule, and that nothing changes until the caller says so.
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

TEST(Group, OneFlippedBitAnywhereChangesNothingAndTheGenuineMessageIsStillRead) {
  World world;
  People all = people(world, 3);
  CommitRequest request;
  request.proposals.emplace_back(Remove{all[2].own_leaf()});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  const Group::Sent sent = value_of(all[0].protect(as_bytes("text"), as_bytes("aad"), 16, world.outside()));
  const Group::Sent proposed = value_of(all[0].propose_update(world.outside()));
  for (const Bytes& genuine : {made.message, sent.message, proposed.message}) {
    for (std::size_t bit = 0; bit < genuine.size() * 8; ++bit) {
      Bytes damaged = genuine;
      damaged[bit / 8] = static_cast<Byte>(damaged[bit / 8] ^ 1 << bit % 8);
      ASSERT_FALSE(all[1].process(damaged, world.outside())) << "bit " << bit;
    }
    EXPECT_TRUE(all[1].process(genuine, world.outside()));
  }
}

TEST(Group, OneFlippedBitInAWelcomeIsRefused) {
  World world;
  Group engine = world.create("engine");
  const OwnKeyPackage joiner = world.key_package("joiner");
  CommitRequest request;
  request.proposals.emplace_back(Add{joiner.key_package});
  const Group::Committed made = value_of(engine.commit(request, world.outside()));
  const Bytes welcome = *value_of(made.next.accept_commit()).welcome;
  for (std::size_t bit = 0; bit < welcome.size() * 8; bit += 3) {
    Bytes damaged = welcome;
    damaged[bit / 8] = static_cast<Byte>(damaged[bit / 8] ^ 1 << bit % 8);
    ASSERT_FALSE(Group::join(damaged, joiner, world.outside())) << "bit " << bit;
  }
  EXPECT_TRUE(Group::join(welcome, joiner, world.outside()));
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

// ---- saving ----

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

TEST(Group, AStateThatMayBeOldReadsButNeitherCommitsNorSends) {
  World world;
  People all = people(world, 3);
  Group old = value_of(Group::restore(all[1].serialize(), Standing::possibly_old));
  EXPECT_FALSE(old.protect(as_bytes("x"), {}, 0, world.outside()));
  EXPECT_FALSE(old.commit({}, world.outside()));
  EXPECT_FALSE(old.propose_update(world.outside()));
  EXPECT_FALSE(old.propose_remove({0}, world.outside()));
  const Group::Sent sent = value_of(all[0].protect(as_bytes("x"), {}, 0, world.outside()));
  EXPECT_TRUE(old.process(sent.message, world.outside()));
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

// ---- who is acceptable ----

TEST(Group, TheIdentityCheckIsAskedAtJoinAddUpdateAndPath) {
  World world;
  People all = people(world, 3);
  std::map<Occasion, int> asked;
  world.identities = [&](const IdentityQuestion& question) -> Status {
    ++asked[question.occasion];
    const bool replaces = question.occasion == Occasion::update || question.occasion == Occasion::path;
    EXPECT_EQ(question.replaced != nullptr, replaces);
    return {};
  };
  all.add(1);
  EXPECT_EQ(asked[Occasion::add], 3);   // the committer and two who follow
  EXPECT_EQ(asked[Occasion::path], 2);  // those who follow
  EXPECT_EQ(asked[Occasion::join], 4);  // every leaf, by the new one
  const Group::Sent proposed = value_of(all[1].propose_update(world.outside()));
  value_of(all[0].process(proposed.message, world.outside()));
  EXPECT_EQ(asked[Occasion::update], 1);
}

TEST(Group, WhoTheIdentityCheckRefusesComesNowhere) {
  World world;
  People all = people(world, 3);
  const OwnKeyPackage intruder = world.key_package("intruder");
  CommitRequest request;
  request.proposals.emplace_back(Add{intruder.key_package});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  const Bytes welcome = *value_of(made.next.accept_commit()).welcome;
  world.identities = [](const IdentityQuestion& question) -> Status {
    if (as_text(question.leaf.credential.identity) != "intruder") return {};
    return fail(Code::unauthorized, "not a name that we know");
  };
  EXPECT_EQ(error_of(all[0].commit(request, world.outside())), "not a name that we know");
  EXPECT_EQ(error_of(all[1].process(made.message, world.outside())), "not a name that we know");
  EXPECT_EQ(error_of(Group::join(welcome, intruder, world.outside())), "not a name that we know");
  EXPECT_EQ(error_of(all[0].propose_add(intruder.key_package, world.outside())), "not a name that we know");
}

// ---- what is refused, and by which rule ----

TEST(Group, ProposalListsThatContradictThemselvesAreRefused) {
  World world;
  People all = people(world, 4);
  const auto refusal = [&](std::vector<Proposal> proposals) {
    return error_of(all[0].commit({.proposals = std::move(proposals)}, world.outside()));
  };
  EXPECT_NE(refusal({Remove{{0}}}).find("12.2: a Remove of the committer"), std::string::npos);
  EXPECT_NE(refusal({Remove{{2}}, Remove{{2}}}).find("12.2: two"), std::string::npos);
  EXPECT_NE(refusal({Remove{{9}}}).find("12.1.3"), std::string::npos);
  EXPECT_NE(refusal({Update{*all[0].tree().leaf({0})}}).find("12.2: an Update"), std::string::npos);
  EXPECT_NE(refusal({GroupContextExtensions{}, GroupContextExtensions{}}).find("12.2: two"),
            std::string::npos);
  EXPECT_NE(refusal({PreSharedKey{}}).find("12.1.4"), std::string::npos);
  const PreSharedKeyId unknown{.psk_id = {7}, .psk_group_id = {}, .psk_nonce = Bytes(32)};
  EXPECT_NE(refusal({PreSharedKey{unknown}}).find("that we do not have"), std::string::npos);
  EXPECT_NE(refusal({ReInit{}}).find("12.1.5"), std::string::npos);
  EXPECT_NE(refusal({ExternalInit{}}).find("12.1.6"), std::string::npos);
  const OwnKeyPackage twice = world.key_package("twice");
  EXPECT_NE(refusal({Add{twice.key_package}, Add{twice.key_package}}).find("7.3"), std::string::npos);
}

TEST(Group, KeyPackagesOfTheWrongTimeSuiteOrSignatureAreRefused) {
  World world;
  Group engine = world.create("engine");
  const auto refusal = [&](const KeyPackage& key_package) {
    return error_of(engine.commit({.proposals = {Add{key_package}}}, world.outside()));
  };
  const OwnKeyPackage good = world.key_package("m");
  world.now_s = test_now_s + test_lifetime_seconds + 1;
  EXPECT_NE(refusal(good.key_package).find("expired"), std::string::npos);
  world.now_s = test_now_s - clock_skew_seconds_max - 1;
  EXPECT_NE(refusal(good.key_package).find("not valid yet"), std::string::npos);
  world.now_s = test_now_s;
  KeyPackage bad = good.key_package;
  bad.init_key[3] ^= 1;
  EXPECT_NE(refusal(bad).find("10.1: the key package's signature"), std::string::npos);
  bad = good.key_package;
  bad.leaf_node.lifetime.not_after += key_package_lifetime_seconds_max;
  sign_leaf_node(bad.leaf_node, good.signature_key, {});
  sign_key_package(bad, good.signature_key);
  EXPECT_NE(refusal(bad).find("7.2"), std::string::npos);
  bad = good.key_package;
  bad.init_key = bad.leaf_node.encryption_key;
  sign_key_package(bad, good.signature_key);
  EXPECT_NE(refusal(bad).find("init key is its encryption key"), std::string::npos);
  bad = good.key_package;
  bad.leaf_node.credential = {.type = credential_type::x509, .identity = {}, .certificates = {{1}}};
  sign_leaf_node(bad.leaf_node, good.signature_key, {});
  sign_key_package(bad, good.signature_key);
  EXPECT_NE(refusal(bad).find("only basic credentials"), std::string::npos);
  world.suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
  EXPECT_NE(refusal(world.key_package("m").key_package).find("another cipher suite"), std::string::npos);
}

TEST(Group, AnExpiredLeafOfSomebodyElseDoesNotKeepAnyoneFromJoining) {
  World world;
  People all = people(world, 3);
  world.now_s = test_now_s + 2 * test_lifetime_seconds;
  all.add(1);
  all.expect_agreement();
}

TEST(Group, RequiredCapabilitiesBindEveryMember) {
  World world;
  People all = people(world, 2);
  const auto requiring = [](const RequiredCapabilities& required) {
    return GroupContextExtensions{
        {{extension_type::required_capabilities, encode([&](Writer& out) { write(out, required); })}}};
  };
  const auto refusal = [&](Proposal proposal) {
    return error_of(all[0].commit({.proposals = {std::move(proposal)}}, world.outside()));
  };
  EXPECT_NE(refusal(requiring({.extensions = {0xf001}, .proposals = {}, .credentials = {}})).find("11.1"),
            std::string::npos);
  EXPECT_NE(refusal(requiring({.extensions = {}, .proposals = {0xf001}, .credentials = {}})).find("11.1"),
            std::string::npos);
  EXPECT_NE(refusal(requiring({.extensions = {}, .proposals = {}, .credentials = {2}})).find("11.1"),
            std::string::npos);
  EXPECT_NE(refusal(GroupContextExtensions{{{0xf001, {}}}}).find("13.4"), std::string::npos);
  all.commit(0, {.proposals = {requiring({.extensions = {1, 5}, .proposals = {1, 7}, .credentials = {1}})}});
  all.expect_agreement();
  EXPECT_EQ(all[1].group_context().extensions.size(), 1U);
}

TEST(Group, MessagesOfOtherGroupsEpochsAndOurselvesAreToldApart) {
  World world;
  People all = people(world, 2);
  const Group::Sent sent = value_of(all[0].protect(as_bytes("x"), {}, 0, world.outside()));
  EXPECT_EQ(sent.next.process(sent.message, world.outside()).error().code, Code::conflict);
  const OwnKeyPackage alone = world.key_package("alone");
  const Group other = value_of(Group::create(alone, as_bytes("other group"), {}, world.outside()));
  EXPECT_EQ(other.process(sent.message, world.outside()).error().code, Code::not_found);
  Group stayed_behind = all[1].clone();
  const Group::Committed stale = value_of(all[1].commit({}, world.outside()));
  all.commit(0, {});
  const Group::Sent ahead = value_of(all[0].protect(as_bytes("x"), {}, 0, world.outside()));
  EXPECT_EQ(stayed_behind.process(ahead.message, world.outside()).error().code, Code::conflict);
  EXPECT_EQ(all[0].process(stale.message, world.outside()).error().code, Code::conflict);
}

TEST(Group, TooMuchIsRefused) {
  World world;
  Group engine = world.create("engine");
  EXPECT_FALSE(engine.protect(Bytes(application_data_bytes_max + 1), {}, 0, world.outside()));
  EXPECT_FALSE(engine.protect({}, Bytes(authenticated_data_bytes_max + 1), 0, world.outside()));
  EXPECT_FALSE(engine.protect({}, {}, padding_bytes_max + 1, world.outside()));
  EXPECT_TRUE(
      engine.protect(Bytes(application_data_bytes_max), {}, padding_bytes_max - 512, world.outside()));
}

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
