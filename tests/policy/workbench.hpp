// What the lifecycle's tests share: rules, a clock that only moves when told, ids from a seed, and the part
// of the caller that fills in what a decision leaves open (digest, tags, envelope). Every decision that
// passes through keep() is held against the invariants and against its own events.
#pragma once

#include "base/random.hpp"
#include "policy/lifecycle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace shearline::policy::test {

inline bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class Workbench {
 public:
  explicit Workbench(std::uint64_t seed = 1) : random(seed) { rules.hash = "rules-1"; }

  SeededRandom random;
  Rules rules;
  TimeMs now = 1'700'000'000'000;
  std::set<std::string> members = {"alice", "bob", "carol"};
  Credential credential;
  std::vector<AuditEvent> events;  // of the last decision kept

  Ulid new_id() { return Ulid::make(now, random); }

  Context context() {
    return {.now = now,
            .rules = rules,
            .node = "node-a",
            .mac_key_ref = "p1",
            .new_version_id = new_id(),
            .group_members = &members};
  }

  Command command(Verb verb, std::string_view kid = "alice") {
    Command command;
    command.kid = kid;
    command.jti = new_id();
    command.verb = verb;
    command.credential = "acme";
    command.issued_at_ms = now;
    command.expires_at_ms = now + minute_ms;
    command.reason = "because";
    return command;
  }

  Command create_command() {
    Command create = command(Verb::credential_create);
    create.params.kind = CredentialKind::oauth2_client_secret;
    create.params.metadata = {"team", "payments", "staging", "acme", "internal", 0};
    create.params.group = "ops";
    return create;
  }

  Command ack_command(std::string_view kid) {
    Command ack = command(Verb::ack, kid);
    if (credential.rotation) {
      ack.rotation_id = credential.rotation->rotation_id.text();
      for (const MemberTag& tag : credential.rotation->ack_tags) {
        if (tag.admin_id == kid) ack.params.ack_tag = to_bytes(tag.tag.reveal());
      }
    }
    return ack;
  }

  // What the rotation actor does between a decision and the store.
  void fill_secret(Decision& decision) {
    Rotation& rotation = *decision.next.rotation;
    for (Version& version : decision.next.versions) {
      if (version.version_id == rotation.version_id) random.fill(version.digest.writable());
    }
    for (const std::string& member : members) {
      MemberTag tag{.admin_id = member, .tag = {}};
      random.fill(tag.tag.writable());
      rotation.ack_tags.push_back(std::move(tag));
    }
    rotation.envelope_id = new_id();
    rotation.envelope = Bytes(8, 7);
  }

  void keep(Decision decision) {
    if (decision.needs_secret) fill_secret(decision);
    const auto invariant = broken_invariant(credential, decision.next, now);
    EXPECT_FALSE(invariant) << *invariant;
    const auto chain = broken_event_chain(credential, decision);
    EXPECT_FALSE(chain) << *chain;
    events = std::move(decision.events);
    credential = std::move(decision.next);
  }
  // The code of the refusal, ok when it was kept.
  Code keep(Result<Decision> decision) {
    refusal.clear();
    if (!decision) {
      refusal = decision.error().message;
      return decision.error().code;
    }
    keep(std::move(*decision));
    return Code::ok;
  }
  std::string refusal;

  Code create() { return keep(policy::create(create_command(), context())); }
  Code rotate(const Params& params = {}) {
    Command rotate = command(Verb::rotate);
    rotate.params = params;
    return keep(policy::rotate(credential, rotate, context()));
  }
  void notify() { keep(notified(credential, context())); }
  Code ack(std::string_view kid) {
    return keep(acknowledge(credential, ack_command(kid), members, context()));
  }
  Code promote() { return keep(policy::promote(credential, command(Verb::promote), members, context())); }
  Code cancel() { return keep(policy::cancel(credential, command(Verb::cancel), context())); }
  Code revoke(std::string version_id = "") {
    Command revoke = command(Verb::revoke);
    revoke.params.version_id = std::move(version_id);
    return keep(policy::revoke(credential, revoke, context()));
  }
  // False: nothing was due.
  bool advance() {
    std::optional<Decision> decision = policy::advance(credential, members, context());
    if (!decision) return false;
    EXPECT_FALSE(decision->events.empty());
    keep(std::move(*decision));
    return true;
  }
  bool advance_to(TimeMs time) {
    now = time;
    return advance();
  }

  // A credential that has been promoted once, well past every minimum interval.
  void make_active() {
    ASSERT_EQ(create(), Code::ok) << refusal;
    notify();
    const std::uint32_t quorum = credential.rotation->quorum_required;
    for (const std::string& member : members) {
      if (credential.rotation && credential.rotation->acks.size() < quorum) {
        ASSERT_EQ(ack(member), Code::ok);
      }
    }
    ASSERT_EQ(credential.status, CredentialStatus::active);
    now += hour_ms;
  }
  // A promoted rotation whose old version is in grace.
  void make_rotated(std::int64_t grace_ms = 7 * day_ms) {
    make_active();
    Params params;
    params.grace_ms = grace_ms;
    ASSERT_EQ(rotate(params), Code::ok) << refusal;
    notify();
    ASSERT_EQ(ack("alice"), Code::ok) << refusal;
  }

  const Version* in(VersionState state) const {
    const auto found = std::ranges::find(credential.versions, state, &Version::state);
    return found == credential.versions.end() ? nullptr : &*found;
  }
  const Version& version(const Ulid& id) const {
    return *std::ranges::find(credential.versions, id, &Version::version_id);
  }
  RotationState outcome() const { return credential.ended.front().outcome; }
  std::vector<std::string> event_types() const {
    std::vector<std::string> types;
    types.reserve(events.size());
    for (const AuditEvent& event : events) types.push_back(event.type);
    return types;
  }
  bool accepting(const Version& one) const {
    return is_accepting(credential, one, rules.of_class(credential.credential_class), now);
  }
};

}  // namespace shearline::policy::test
