// Where a group's secrets lie: in the locked arena and nowhere else, and nowhere at all once they are spent. Looks
// through the process's own memory, so it is not built under sanitizers, which keep what was freed.
#include "tests/mls/insider.hpp"

#include <cstring>
#include <fstream>
#include <sstream>

namespace shearline::mls {
namespace {

using namespace testing;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

struct Found {
  std::size_t in_arena = 0;
  std::size_t elsewhere = 0;
};

// How often the bytes lie in memory that can be written, the stack apart. `secret` lies in the arena itself.
Found look_for(const Key& secret) {
  Found found;
  const ByteView wanted = secret.reveal();
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    std::string rights;
    std::istringstream(line) >> std::hex >> from >> dash >> to >> rights;
    if (!rights.starts_with("rw") || line.ends_with("[stack]")) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel says where memory is by numbers
    const auto* at = reinterpret_cast<const Byte*>(from);
    const auto* const end = at + (to - from);
    const bool is_arena = wanted.data() >= at && wanted.data() < end;
    for (;;) {
      at = static_cast<const Byte*>(
          memmem(at, static_cast<std::size_t>(end - at), wanted.data(), wanted.size()));
      if (at == nullptr) break;
      ++(is_arena ? found.in_arena : found.elsewhere);
      ++at;
    }
  }
  return found;
}

constexpr std::string_view text = "the new secret of a credential, long enough to be found";

class Secrets : public ::testing::TestWithParam<int> {
 protected:
  Secrets() : all(people(world_of(GetParam()), 3)) {}
  World& world_of(int suite) {
    world.suite = static_cast<CipherSuite>(suite);
    return world;
  }
  static std::vector<Key> private_keys(const Insider& member) {
    std::vector<Key> out;
    for (NodeIndex node{0}; node.value < tree_math::node_width(member.tree.leaf_count()); ++node.value) {
      if (const hpke::KeyPair* const pair = member.keys.find(node)) out.push_back(pair->private_key.clone());
    }
    return out;
  }

  World world;
  People all;
};
INSTANTIATE_TEST_SUITE_P(Suite, Secrets, ::testing::Values(1, 2, 3));

TEST_P(Secrets, ACopyInOrdinaryMemoryWouldBeFound) {
  const Key secret = random_key(world.random, 32);
  EXPECT_EQ(look_for(secret).in_arena, 1U);
  EXPECT_EQ(look_for(secret).elsewhere, 0U);
  const Bytes copy = to_bytes(secret.reveal());
  EXPECT_EQ(look_for(secret).elsewhere, 1U);
}

TEST_P(Secrets, LieInTheArenaOnly) {
  all.expect_delivery(0, text);
  all.commit(1, {});
  all.add(1);
  all.expect_delivery(3, text);
  all[0] = value_of(Group::restore(all[0].serialize(), Standing::current));
  const Insider member(all[0]);
  std::vector<Key> secrets = private_keys(member);
  EXPECT_GE(secrets.size(), 3U);
  for (const Key* const secret :
       {&member.secrets.sender_data_secret, &member.secrets.exporter_secret, &member.secrets.membership_key,
        &member.secrets.epoch_authenticator, &member.secrets.init_secret}) {
    secrets.push_back(secret->clone());
  }
  secrets.push_back(Key::copy_of(as_bytes(text)));
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    EXPECT_EQ(look_for(secrets[i]).elsewhere, 0U) << "secret " << i;
  }
}

TEST_P(Secrets, OfAnEpochThatIsOverAreGone) {
  all.commit(0, {});
  std::vector<Key> spent;
  {
    Insider member(all[0]);
    for (Key* const secret : {&member.secrets.exporter_secret, &member.secrets.membership_key,
                              &member.secrets.epoch_authenticator, &member.secrets.init_secret}) {
      spent.push_back(std::move(*secret));
    }
    for (Key& key : private_keys(member)) spent.push_back(std::move(key));
  }
  EXPECT_GT(look_for(spent[0]).in_arena, 1U);
  all.commit(0, {});
  for (std::size_t i = 0; i < spent.size(); ++i) EXPECT_EQ(look_for(spent[i]).in_arena, 1U) << "secret " << i;
}

// The first epoch's secret is the first that `create` draws, so that all that comes of it is known here.
TEST_P(Secrets, ThatAnEpochBeginsWithAreSpentAtOnce) {
  SeededRandom drawn(99);
  SeededRandom same(99);
  Outside outside{.random = drawn, .now_s = world.now_s, .identities = world.identities};
  Group group = value_of(Group::create(world.key_package("m"), as_bytes("group"), {}, outside));
  const Key epoch_secret = random_key(same, hash_bytes);
  const EpochSecrets of_it = derive_epoch_secrets(epoch_secret);
  EXPECT_EQ(look_for(of_it.exporter_secret).in_arena, 2U) << "this one, and the group's";
  EXPECT_EQ(look_for(epoch_secret).in_arena, 1U);
  EXPECT_EQ(look_for(of_it.confirmation_key).in_arena, 1U);
  EXPECT_EQ(look_for(of_it.encryption_secret).in_arena, 2U) << "until the first message";
  group = std::move(value_of(group.protect(as_bytes(text), {}, 0, outside)).next);
  EXPECT_EQ(look_for(of_it.encryption_secret).in_arena, 1U);
}

// Members 0 and 1 know the node above them; an Update of one of them, committed by another, blanks it.
TEST_P(Secrets, OfANodeThatIsBlankNowAreGone) {
  all.commit(0, {});
  const Key above_both = Insider(all[1]).keys.find({1})->private_key.clone();
  EXPECT_EQ(look_for(above_both).in_arena, 3U);
  Group::Sent update = value_of(all[0].propose_update(world.outside()));
  all[0] = std::move(update.next);
  for (const std::size_t i : {1U, 2U}) {
    all[i] = std::move(value_of(all[i].process(update.message, world.outside())).next);
  }
  all.commit(2, {});
  EXPECT_EQ(look_for(above_both).in_arena, 1U);
}

TEST_P(Secrets, OfAMessageThatWasReadAreGone) {
  const SecretTree::Sent first = value_of(Insider(all[0]).ratchets.next({0}, RatchetType::application));
  all.expect_delivery(0, text);
  EXPECT_EQ(look_for(first.key->key).in_arena, 1U);
  EXPECT_EQ(look_for(first.key->nonce).in_arena, 1U);
  EXPECT_EQ(look_for(Key::copy_of(as_bytes(text))).in_arena, 1U);
}

TEST_P(Secrets, OfSkippedMessagesGoWithTheEpochsThatAreRetained) {
  const SecretTree::Sent skipped = value_of(Insider(all[0]).ratchets.next({0}, RatchetType::application));
  all[0] = std::move(value_of(all[0].protect(as_bytes("lost"), {}, 0, world.outside())).next);
  all.expect_delivery(0, text);
  for (std::size_t epochs = 0; epochs <= retained_epochs_max; ++epochs) {
    EXPECT_EQ(look_for(skipped.key->key).in_arena, 3U)
        << "this one, and those of the two who wait for the message";
    all.commit(1, {});
  }
  EXPECT_EQ(look_for(skipped.key->key).in_arena, 1U);
}

// Late application messages are read for some epochs; a late handshake message is never.
TEST_P(Secrets, OfSkippedHandshakeMessagesGoWithTheirEpoch) {
  const SecretTree::Sent skipped = value_of(Insider(all[1]).ratchets.next({1}, RatchetType::handshake));
  all[1] = std::move(value_of(all[1].propose_update(world.outside())).next);  // lost
  Group::Sent update = value_of(all[1].propose_update(world.outside()));
  all[1] = std::move(update.next);
  for (const std::size_t i : {0U, 2U}) {
    all[i] = std::move(value_of(all[i].process(update.message, world.outside())).next);
  }
  EXPECT_EQ(look_for(skipped.key->key).in_arena, 3U) << "this one, and those of the two who wait for it";
  all.commit(0, {});
  EXPECT_EQ(look_for(skipped.key->key).in_arena, 1U);
}

TEST_P(Secrets, OfAKeyPackageGoWithItAndOnlyItsLeafKeyIsInTheGroup) {
  OwnKeyPackage joiner = world.key_package("joiner");
  const Key init_key = joiner.init_key.private_key.clone();
  const Key leaf_key = joiner.encryption_key.private_key.clone();
  CommitRequest request;
  request.proposals.emplace_back(Add{joiner.key_package});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  const Group::Accepted accepted = value_of(made.next.accept_commit());
  const Group::Joined joined = value_of(Group::join(*accepted.welcome, joiner, world.outside()));
  joiner = world.key_package("the next one");
  EXPECT_EQ(look_for(init_key).in_arena, 1U);
  EXPECT_EQ(look_for(leaf_key).in_arena, 2U);
}

TEST_P(Secrets, OfAMemberWhoWasRemovedAreNoLongerThere) {
  all.commit(2, {});
  const Key leaf_key = Insider(all[2]).keys.find(tree_math::node_of({2}))->private_key.clone();
  CommitRequest request;
  request.proposals.emplace_back(Remove{{2}});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  all[2] = std::move(value_of(all[2].process(made.message, world.outside())).next);
  EXPECT_EQ(look_for(leaf_key).in_arena, 1U);
}

#endif

}  // namespace
}  // namespace shearline::mls
