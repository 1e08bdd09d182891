// One flipped bit anywhere in any message: it is refused by a rule that is named, the receiver's saved state is byte for byte what it was, and
// the genuine message is read afterwards. Welcome, commit, proposal and application message, as PrivateMessage and, for
// what may go in the clear, as PublicMessage.
#include "tests/mls/insider.hpp"

namespace shearline::mls {
namespace {

using namespace testing;

// Saving is dear beside refusing, so the state is looked at every so many bits and after the last one.
constexpr std::size_t bits_per_look = 97;

class BitFlip : public ::testing::TestWithParam<int> {
 protected:
  BitFlip() : all(people(world_of(GetParam()), 4)), joiner(world.key_package("new")) {
    for (std::size_t i = 0; i < 4; ++i) all.commit(i, {});
  }
  World& world_of(int suite) {
    world.suite = static_cast<CipherSuite>(suite);
    return world;
  }

  template <class Try>
  static void for_every_bit(const Bytes& genuine, Try refused) {
    for (std::size_t bit = 0; bit < genuine.size() * 8; ++bit) {
      Bytes damaged = genuine;
      damaged[bit / 8] = static_cast<Byte>(damaged[bit / 8] ^ 1 << bit % 8);
      ASSERT_TRUE(refused(damaged)) << "bit " << bit;
    }
  }

  static bool names_its_rule(const Error& error) { return error.message.starts_with("RFC 9420 section "); }

  void expect_harmless(const Bytes& genuine) {
    const Group& receiver = all[2];
    const SavedGroup before = receiver.serialize();
    std::size_t bits = 0;
    for_every_bit(genuine, [&](const Bytes& damaged) {
      const auto received = receiver.process(damaged, world.outside());
      return !received && names_its_rule(received.error()) &&
             (++bits % bits_per_look != 0 || same_state(before, receiver.serialize()));
    });
    EXPECT_TRUE(same_state(before, receiver.serialize()));
    EXPECT_TRUE(receiver.process(genuine, world.outside()));
  }

  World world;
  People all;
  OwnKeyPackage joiner;
};
INSTANTIATE_TEST_SUITE_P(Suite, BitFlip, ::testing::Values(1, 2, 3));

TEST_P(BitFlip, InAnApplicationMessage) {
  expect_harmless(value_of(all[0].protect(as_bytes("text"), as_bytes("aad"), 8, world.outside())).message);
}

TEST_P(BitFlip, InACommitAsPrivateMessage) {
  CommitRequest request;
  request.proposals.emplace_back(Remove{{3}});
  expect_harmless(value_of(all[0].commit(request, world.outside())).message);
}

TEST_P(BitFlip, InACommitAsPublicMessage) { expect_harmless(Insider(all[0]).commit({Remove{{3}}}, world)); }

TEST_P(BitFlip, InAProposalAsPrivateMessage) {
  expect_harmless(value_of(all[0].propose_update(world.outside())).message);
}

TEST_P(BitFlip, InAProposalAsPublicMessage) {
  expect_harmless(Insider(all[0]).proposal(Add{joiner.key_package}));
}

TEST_P(BitFlip, InAnApplicationMessageOfAnEpochThatIsOver) {
  const Bytes late = value_of(all[0].protect(as_bytes("late"), {}, 0, world.outside())).message;
  all.commit(1, {});
  expect_harmless(late);
}

TEST_P(BitFlip, InAWelcome) {
  CommitRequest request;
  request.proposals.emplace_back(Add{joiner.key_package});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  const Bytes welcome = *value_of(made.next.accept_commit()).welcome;
  const Key before = serialize_own_key_package(joiner);
  for_every_bit(welcome, [&](const Bytes& damaged) {
    const auto joined = Group::join(damaged, joiner, world.outside());
    return !joined && names_its_rule(joined.error());
  });
  EXPECT_TRUE(equal(before.reveal(), serialize_own_key_package(joiner).reveal()));
  EXPECT_TRUE(Group::join(welcome, joiner, world.outside()));
}

}  // namespace
}  // namespace shearline::mls
