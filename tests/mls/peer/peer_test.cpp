// Our MLS and ts-mls in one group, each as the leader (creator, leaf 0, the only committer, as the engine is) and as
// members, in each suite and in groups of 3 and 50. After every epoch all of them have one epoch authenticator.
#include "base/clock.hpp"
#include "tests/mls/peer/client.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace shearline::mls {
namespace {

using namespace testing;

enum class Leader { ours, theirs };

struct Setting {
  int suite;
  std::size_t members;
  Leader leader;
};

void PrintTo(const Setting& setting, std::ostream* out) {
  *out << "suite " << setting.suite << ", " << setting.members << " members";
}

std::string name_of(const ::testing::TestParamInfo<Setting>& info) {
  return "Suite" + std::to_string(info.param.suite) + "With" + std::to_string(info.param.members) +
         (info.param.leader == Leader::ours ? "WeLead" : "TheyLead");
}

// One group, and the whole list of what must work in it. Each part leaves a group that the next one can go on with.
class LivePeer : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    std::string why;
    peer = NodePeer::start(why);
    if (!peer && std::getenv("SHEARLINE_REQUIRE_PEERS") != nullptr) FAIL() << why;  // as scripts/test demands
    if (!peer) GTEST_SKIP() << why;
    world.now_s = SystemClock().now_ms() / 1000;  // ts-mls asks the clock itself
    world.suite = static_cast<CipherSuite>(GetParam().suite);
    peer->ask({{"do", "suite"}, {"number", GetParam().suite}});
    found_group();
  }

  // The leader is of one side; of the members every second is of the other side where they lead, and all are
  // where we lead, as it is with an engine and its admins.
  void found_group() {
    const bool we_lead = GetParam().leader == Leader::ours;
    clients.push_back(we_lead ? our_client(world, "leader") : their_client(world, *peer, "leader"));
    leader().key_package();
    leader().create(as_bytes("peer group"));
    std::vector<std::unique_ptr<Client>> joiners;
    for (std::size_t i = 1; i < GetParam().members; ++i) {
      joiners.push_back(client(!we_lead && i % 2 == 1, "member " + std::to_string(i)));
    }
    add(std::move(joiners));
    if (!we_lead) leader_commits({});  // ts-mls adds without a path; from here on there is one
  }

  Client& leader() { return *clients[0]; }
  Client& last() {
    return **std::ranges::find_if(clients.rbegin(), clients.rend(), [](const auto& one) { return !!one; });
  }
  std::unique_ptr<Client> client(bool is_ours, const std::string& name) {
    return is_ours ? our_client(world, name) : their_client(world, *peer, name);
  }
  std::unique_ptr<Client> take_out(std::size_t leaf) { return std::exchange(clients[leaf], nullptr); }

  template <class Do>
  void all_but(const Client& except, Do what) {
    for (const auto& one : clients) {
      if (one && one.get() != &except) what(*one);
    }
  }

  void add(std::vector<std::unique_ptr<Client>> joiners) {
    std::vector<Bytes> key_packages;
    for (const auto& joiner : joiners) key_packages.push_back(joiner->key_package());
    const MadeCommit made = leader().commit(key_packages, {});
    all_but(leader(), [&](Client& one) { one.hear(made.commit); });
    for (auto& joiner : joiners) {
      joiner->join(made.welcome);
      const auto blank = std::ranges::find_if(clients, [](const auto& one) { return !one; });  // the leftmost
      *(blank == clients.end() ? clients.emplace(clients.end()) : blank) = std::move(joiner);
    }
    expect_agreement();
  }

  void leader_commits(const std::vector<LeafIndex>& remove) {
    const MadeCommit made = leader().commit({}, remove);
    all_but(leader(), [&](Client& one) { one.hear(made.commit); });
    expect_agreement();
  }

  void expect_agreement() {
    const ClientFacts expected = leader().facts();
    EXPECT_EQ(expected.members, static_cast<std::size_t>(
                                    std::ranges::count_if(clients, [](const auto& one) { return !!one; })));
    all_but(leader(), [&](Client& one) {
      const ClientFacts facts = one.facts();
      EXPECT_EQ(facts.epoch, expected.epoch) << one.name();
      EXPECT_EQ(facts.epoch_authenticator, expected.epoch_authenticator) << one.name();
      EXPECT_EQ(facts.tree_hash, expected.tree_hash) << one.name();
      EXPECT_EQ(facts.members, expected.members) << one.name();
    });
  }

  void expect_all_hear(Client& from, const std::string& text) {
    const Bytes message = from.protect(text, "about " + text);
    all_but(from, [&](Client& one) {
      EXPECT_EQ(one.hear(message), (Heard{text, "about " + text})) << one.name() << " of " << from.name();
    });
  }

  // ---- the list ----

  void notifications_are_heard_and_exports_are_the_same(int epochs) {
    for (int epoch = 0; epoch < epochs; ++epoch) {
      expect_all_hear(leader(), "notification " + std::to_string(epoch));
      expect_all_hear(*clients[1], "answer " + std::to_string(epoch));
      expect_all_hear(last(), "last word " + std::to_string(epoch));
      const std::string exported = leader().exported("shearline", "context");
      all_but(leader(),
              [&](Client& one) { EXPECT_EQ(one.exported("shearline", "context"), exported) << one.name(); });
      leader_commits({});
    }
  }

  void a_members_commit_is_refused_by_policy_and_harms_nobody() {
    Client& rebel = last();
    rebel.remember();
    const MadeCommit made = rebel.commit({}, {});
    all_but(rebel, [&](Client& one) {
      EXPECT_EQ(refusal(one, made.commit), "policy: only the leader commits") << one.name();
    });
    rebel.go_back();
    expect_agreement();
    leader_commits({});
    expect_all_hear(leader(), "nothing happened");
  }

  void five_reordered_messages_are_all_read() {
    for (Client* const from : {&leader(), &last()}) {
      std::vector<Bytes> messages;
      for (int i = 0; i < 5; ++i) messages.push_back(from->protect(std::to_string(i), "nr"));
      all_but(*from, [&](Client& one) {
        for (const std::size_t i : {3U, 0U, 4U, 2U, 1U}) {
          EXPECT_EQ(one.hear(messages[i]), (Heard{std::to_string(i), "nr"})) << one.name();
        }
      });
    }
  }

  void a_gap_of_150_messages_is_bridged() {
    for (Client* const from : {&leader(), &last()}) {
      for (int lost = 0; lost < 150; ++lost) from->protect("lost", "");
      expect_all_hear(*from, "after the gap");
    }
  }

  void a_duplicate_is_refused_and_the_next_message_is_read() {
    for (Client* const from : {&leader(), &last()}) {
      const Bytes message = from->protect("once", "");
      all_but(*from, [&](Client& one) {
        one.hear(message);
        EXPECT_NE(refusal(one, message), "") << one.name();
      });
      expect_all_hear(*from, "next");
    }
  }

  void both_sides_go_on_after_being_saved_and_restored() {
    const auto restart_all = [&] {
      for (const auto& one : clients) {
        if (one) one->restart();
      }
      expect_agreement();
    };
    Client& sender = *clients[1];
    const Bytes late = sender.protect("sent before, read after", "late");
    restart_all();
    all_but(sender, [&](Client& one) {
      EXPECT_EQ(one.hear(late), (Heard{"sent before, read after", "late"})) << one.name();
    });
    restart_all();
    all_but(sender, [&](Client& one) { EXPECT_NE(refusal(one, late), "") << one.name(); });
    leader_commits({});
    restart_all();
    expect_all_hear(leader(), "after the restart");
    expect_all_hear(last(), "answer");
  }

  void a_removed_member_learns_of_it_and_cannot_read_on(std::size_t leaf) {
    const std::unique_ptr<Client> removed = take_out(leaf);
    const MadeCommit made = leader().commit({}, {index(leaf)});
    all_but(leader(), [&](Client& one) { one.hear(made.commit); });
    expect_agreement();
    removed->hear(made.commit);
    EXPECT_TRUE(removed->is_removed());
    expect_all_hear(leader(), "the next secret");
    EXPECT_NE(refusal(*removed, leader().protect("for those who are left", "")), "");
    EXPECT_THROW(removed->protect("still here", ""), Refused);
  }

  void a_freed_leaf_is_taken_by_the_next_member(std::size_t leaf) {
    ASSERT_EQ(clients[leaf], nullptr);
    std::vector<std::unique_ptr<Client>> joiners;
    joiners.push_back(client(GetParam().leader == Leader::theirs, "newcomer"));
    add(std::move(joiners));
    ASSERT_NE(clients[leaf], nullptr);
    expect_all_hear(leader(), "welcome");
    expect_all_hear(*clients[leaf], "thank you");
    leader_commits({});
    expect_all_hear(*clients[leaf], "still here");
  }

  void a_members_proposal_is_committed_by_reference(std::size_t leaf) {
    Client& proposer = *clients[1];
    const Bytes proposal = proposer.propose_remove(index(leaf));
    all_but(proposer, [&](Client& one) { one.hear(proposal); });
    take_out(leaf);
    leader_commits({});
    expect_all_hear(leader(), "one less");
  }

  static LeafIndex index(std::size_t leaf) { return {static_cast<std::uint32_t>(leaf)}; }
  // Empty if there was none.
  static std::string refusal(Client& one, const Bytes& message) {
    try {
      one.hear(message);
      return "";
    } catch (const Refused& refused) {
      return refused.what();
    }
  }

  World world;
  std::unique_ptr<NodePeer> peer;
  std::vector<std::unique_ptr<Client>> clients;  // by leaf; null where it is blank
};

// ---- of three, in every suite ----

INSTANTIATE_TEST_SUITE_P(Groups, LivePeer,
                         ::testing::Values(Setting{1, 3, Leader::ours}, Setting{1, 3, Leader::theirs},
                                           Setting{2, 3, Leader::ours}, Setting{2, 3, Leader::theirs},
                                           Setting{3, 3, Leader::ours}, Setting{3, 3, Leader::theirs}),
                         name_of);

TEST_P(LivePeer, HearsNotificationsInEveryEpochAndExportsTheSame) {
  notifications_are_heard_and_exports_are_the_same(3);
}
TEST_P(LivePeer, RefusesACommitOfAMemberByPolicyAndTakesNoHarm) {
  a_members_commit_is_refused_by_policy_and_harms_nobody();
}
TEST_P(LivePeer, ReadsFiveReorderedMessages) { five_reordered_messages_are_all_read(); }
TEST_P(LivePeer, BridgesAGapOf150Messages) { a_gap_of_150_messages_is_bridged(); }
TEST_P(LivePeer, RefusesADuplicateAndReadsTheNextMessage) {
  a_duplicate_is_refused_and_the_next_message_is_read();
}
TEST_P(LivePeer, GoesOnAfterBeingSavedAndRestored) { both_sides_go_on_after_being_saved_and_restored(); }
TEST_P(LivePeer, RemovesAMemberWhoCannotReadOnAndGivesItsLeafToAnother) {
  a_removed_member_learns_of_it_and_cannot_read_on(1);
  a_freed_leaf_is_taken_by_the_next_member(1);
}
TEST_P(LivePeer, CommitsAMembersProposalByReference) { a_members_proposal_is_committed_by_reference(2); }

// ---- of fifty: built once, because that takes most of the time ----

class LargeLivePeer : public LivePeer {};
INSTANTIATE_TEST_SUITE_P(Groups, LargeLivePeer,
                         ::testing::Values(Setting{1, 50, Leader::ours}, Setting{1, 50, Leader::theirs}),
                         name_of);

TEST_P(LargeLivePeer, DoesTheWholeList) {
  notifications_are_heard_and_exports_are_the_same(1);
  a_members_commit_is_refused_by_policy_and_harms_nobody();
  five_reordered_messages_are_all_read();
  a_gap_of_150_messages_is_bridged();
  a_duplicate_is_refused_and_the_next_message_is_read();
  both_sides_go_on_after_being_saved_and_restored();
  a_removed_member_learns_of_it_and_cannot_read_on(25);
  a_freed_leaf_is_taken_by_the_next_member(25);
  a_members_proposal_is_committed_by_reference(49);
}

}  // namespace
}  // namespace shearline::mls
