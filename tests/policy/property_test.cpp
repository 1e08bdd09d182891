// Thousands of histories from seeds: any command at any time, by anybody, and time that jumps to and over
// every boundary. After each step every invariant that one credential can show is checked, the events are
// held against the states, and what the model promises to users is followed from outside.
#include "base/crypto.hpp"
#include "tests/policy/workbench.hpp"

#include <map>

namespace shearline::policy {
namespace {

using test::Workbench;

constexpr std::uint64_t histories_per_part = 500;
constexpr int steps_per_history = 60;

class History : public Workbench {
 public:
  explicit History(std::uint64_t seed) : Workbench(seed) {
    ClassRules& base = rules.classes["default"];
    base.quorum = static_cast<std::uint32_t>(1 + pick(3));
    base.emergency_quorum = static_cast<std::uint32_t>(1 + pick(2));
    base.accept_pending = pick(2) == 0;
    base.retention_ms = pick(2) == 0 ? 30 * day_ms : hour_ms;
    base.minimum_interval_ms = pick(2) == 0 ? hour_ms : 0;
    EXPECT_EQ(keep(policy::create(with_hard_end(create_command()), context())), Code::ok) << refusal;
  }

  void step() {
    const Credential before = clone(credential);
    refused_ = false;
    operator_ended_ = false;
    act();
    follow(before);
  }
  std::map<std::string, int> seen;  // how often each event came about: the histories must reach them all

 private:
  std::size_t pick(std::size_t choices) { return static_cast<std::size_t>(random.next_u64() % choices); }

  Command with_hard_end(Command command) {
    if (pick(8) == 0) command.params.expires_at_ms = now + static_cast<TimeMs>(1 + pick(20)) * day_ms;
    return command;
  }

  void act() {
    switch (pick(20)) {
      case 0:
        return note(rotate_somehow());
      case 1:
        return notify();
      case 2:
      case 3:
        return acknowledge_somehow();
      case 4:
        return note(promote());
      case 5:
        return note(pick(3) == 0 ? cancel() : Code::conflict);
      case 6:
        return revoke_somehow();
      case 7:
        return change_group();
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
        return pass_time();
      default:
        return go_on();
    }
  }
  // What usually comes next, so that histories get far enough for things to go wrong in.
  void go_on() {
    if (!credential.rotation || !is_open(credential.rotation->state)) return note(rotate_somehow());
    if (credential.rotation->state == RotationState::prepared) return notify();
    for (const std::string& member : members) {
      if (!credential.rotation->acks.contains(member)) return note(ack(member));
    }
  }
  void note(Code code) { refused_ = code != Code::ok; }

  Code rotate_somehow() {
    Params params;
    params.emergency = pick(5) == 0;
    params.supersede = pick(3) == 0;
    if (pick(3) == 0) params.grace_ms = static_cast<std::int64_t>(pick(3)) * day_ms;
    if (pick(3) == 0) params.not_before_ms = now + static_cast<TimeMs>(pick(3)) * hour_ms;
    return rotate(params);
  }

  void acknowledge_somehow() {
    static constexpr std::array<std::string_view, 5> people = {"alice", "bob", "carol", "dave", "mallory"};
    Command ack = ack_command(people[pick(people.size())]);
    if (pick(6) == 0 && !ack.params.ack_tag.empty()) ack.params.ack_tag[pick(32)] ^= 1;
    if (pick(6) == 0 && !credential.ended.empty()) {
      ack.rotation_id = credential.ended[pick(credential.ended.size())].rotation_id.text();
    }
    note(keep(acknowledge(credential, ack, members, context())));
  }

  void revoke_somehow() {
    if (pick(3) != 0) return;
    operator_ended_ = true;
    if (pick(8) == 0) return note(revoke());
    note(revoke(credential.versions[pick(credential.versions.size())].version_id.text()));
  }

  void change_group() {
    static constexpr std::array<std::string_view, 4> people = {"alice", "bob", "carol", "dave"};
    std::string who(people[pick(people.size())]);
    const bool has_acks = credential.rotation && !credential.rotation->acks.empty();
    if (has_acks && pick(2) == 0) who = *credential.rotation->acks.begin();
    if (!members.erase(who)) members.insert(who);
  }

  // To a boundary, one before it, past it, or anywhere; sometimes without anybody looking.
  void pass_time() {
    const TimeMs due = next_due(credential, rules);
    TimeMs to = now + static_cast<TimeMs>(pick(3 * hour_ms));
    if (due != time_never && due > now && pick(3) != 0) to = due - 1 + static_cast<TimeMs>(pick(3));
    if (pick(10) == 0) to = now + 40 * day_ms;
    now = std::max(now, to);
    if (pick(4) != 0) timer();
  }

  void timer() {
    const TimeMs due = next_due(credential, rules);
    const bool is_prepared = credential.rotation && credential.rotation->state == RotationState::prepared;
    const bool was_due = due <= now && !is_prepared;
    const bool did = advance();
    if (was_due) {
      EXPECT_TRUE(did) << "next_due said " << due << " but nothing was to be done at " << now;
    }
    if (did) {
      EXPECT_FALSE(advance()) << "one look at a time is enough";
    }
    if (due > now) {
      EXPECT_FALSE(did) << "next_due said " << due << " but something was due at " << now;
    }
    if (const TimeMs next = next_due(credential, rules); !is_prepared) {
      EXPECT_GT(next, now);
    }
  }

  // The promises as a user sees them, from the acceptance of each version alone.
  void follow(const Credential& before) {
    for (const AuditEvent& event : events) ++seen[event.type];
    const ClassRules base = *rules.find("default");
    const auto accepts = [&](const Credential& one) {
      return std::ranges::count_if(
          one.versions, [&](const Version& version) { return is_accepting(one, version, base, now); });
    };
    ASSERT_LE(accepts(credential), static_cast<std::ptrdiff_t>(accepting_versions_max));
    for (const Version& version : credential.versions) {
      const bool accepted = is_accepting(credential, version, base, now);
      if (accepted) {
        ASSERT_LT(now, version.not_after_ms);
      }
      if (version.state >= VersionState::retired) ever_ended_.insert(version.version_id);
      if (accepted) {
        ASSERT_FALSE(ever_ended_.contains(version.version_id)) << "came back to life";
      }
    }
    // Who still had the current version keeps an accepted one. (Once an operator has revoked the current one,
    // a window that was open beside it ends on time like any other.)
    const bool had_current = std::ranges::count(before.versions, VersionState::current, &Version::state) == 1;
    const bool hard_end = now >= credential.expires_at_ms;
    if (had_current && !operator_ended_ && !hard_end && before.status == CredentialStatus::active) {
      ASSERT_GT(accepts(credential), 0) << "locked out";
    }
    if (refused_) {
      ASSERT_EQ(credential_json(before), credential_json(credential)) << "a refusal changed something";
    }
    events.clear();
  }

  std::set<Ulid> ever_ended_;
  bool refused_ = false;
  bool operator_ended_ = false;
};

// In parts, so that they run beside each other and none comes near a time limit under a sanitizer.
class Histories : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Part, Histories, testing::Range<std::uint64_t>(0, 5));

TEST_P(Histories, NeverBreakAnInvariant) {
  std::map<std::string, int> seen;
  const std::uint64_t first = GetParam() * histories_per_part;
  for (std::uint64_t seed = first; seed < first + histories_per_part; ++seed) {
    History history(seed);
    for (int step = 0; step < steps_per_history; ++step) {
      history.step();
      if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
    for (const auto& [type, count] : history.seen) seen[type] += count;
  }
  // A property that was never exercised proves nothing.
  for (const char* type :
       {"rotation.prepared", "rotation.notified", "rotation.acknowledged", "rotation.acks_dropped",
        "rotation.promoted", "rotation.completed", "rotation.expired", "rotation.canceled",
        "rotation.superseded", "version.pending", "version.current", "version.grace", "version.retired",
        "version.revoked", "version.destroyed", "credential.active", "credential.revoked"}) {
    EXPECT_GT(seen[type], 10) << type;
  }
}

// The checks themselves must be able to fail: each mistake is made by hand and must be named.
class Invariants : public testing::Test, public Workbench {
 protected:
  // What is wrong after `spoil` changed a copy of the credential.
  template <class Spoil>
  std::string broken_by(Spoil spoil) {
    Credential after = clone(credential);
    spoil(after);
    return broken_invariant(credential, after, now).value_or("nothing");
  }
  static Version& find(Credential& credential, VersionState state) {
    return *std::ranges::find(credential.versions, state, &Version::state);
  }
};

TEST_F(Invariants, NameAnEndlessWindow) {
  make_rotated();
  EXPECT_NE(broken_by([](Credential& c) { find(c, VersionState::grace).not_after_ms = time_never; }),
            "nothing");
}
TEST_F(Invariants, NameAWindowThatIsNotPromotionPlusGrace) {
  make_rotated();
  EXPECT_NE(broken_by([](Credential& c) { find(c, VersionState::grace).not_after_ms -= 1; }), "nothing");
}
TEST_F(Invariants, NameAWindowOnTheNewVersion) {
  make_rotated();
  EXPECT_NE(broken_by([&](Credential& c) { find(c, VersionState::current).not_after_ms = now + 1; }),
            "nothing");
}
TEST_F(Invariants, NameALockOut) {
  make_active();
  EXPECT_NE(broken_by([&](Credential& c) {
              Version& current = find(c, VersionState::current);
              current.state = VersionState::retired;
              current.not_after_ms = current.ended_at_ms = now;
            }),
            "nothing");
}
TEST_F(Invariants, NameAResurrection) {
  make_rotated(0);
  now += hour_ms;
  EXPECT_NE(broken_by([&](Credential& c) {
              Version& old = find(c, VersionState::retired);
              old.state = VersionState::grace;
              old.not_after_ms = now + hour_ms;
            }),
            "nothing");
}
TEST_F(Invariants, NameADigestThatOutlivedItsVersion) {
  make_rotated(0);
  EXPECT_NE(broken_by([&](Credential& c) { find(c, VersionState::retired).state = VersionState::destroyed; }),
            "nothing");
}
TEST_F(Invariants, NameAnExchangedDigest) {
  make_active();
  EXPECT_NE(broken_by([&](Credential& c) { random.fill(find(c, VersionState::current).digest.writable()); }),
            "nothing");
}
TEST_F(Invariants, NameAPromotionShortOfItsQuorum) {
  make_rotated();
  EXPECT_NE(broken_by([](Credential& c) { c.rotation->acks.clear(); }), "nothing");
}
TEST_F(Invariants, NameAPendingVersionWithoutARotation) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  EXPECT_NE(broken_by([](Credential& c) { c.rotation.reset(); }), "nothing");
}
TEST_F(Invariants, NameAnEventThatIsMissingOrTooMany) {
  make_active();
  const auto decision = policy::rotate(credential, command(Verb::rotate), context());
  ASSERT_TRUE(decision);
  Decision fewer{.next = clone(decision->next), .events = decision->events, .needs_secret = false};
  EXPECT_FALSE(broken_event_chain(credential, fewer));
  fewer.events.pop_back();
  EXPECT_TRUE(broken_event_chain(credential, fewer));
  Decision more{.next = clone(decision->next), .events = decision->events, .needs_secret = false};
  more.events.push_back(more.events.back());
  EXPECT_TRUE(broken_event_chain(credential, more));
}

}  // namespace
}  // namespace shearline::policy
