// A live group of MLS, in acts that the input chooses: honest members send, propose and commit; an insider, who knows all
// that a member knows, sends what is broken but signed and sealed as it must be; somebody on the way changes bytes, holds
// back and repeats. After each message: who refuses it is as before, byte by byte, and still hears the insider's next
// honest word; who accepts it can save, restore and commit; those who accept agree; and nothing but a proposal, which is
// then known, is accepted twice.
#include "tests/fuzz/mls_cast.hpp"
#include "tests/fuzz/mls_checks.hpp"
#include "tests/fuzz/mls_forger.hpp"

#include <utility>

namespace shearline::fuzz {
namespace {

using namespace mls;
using mls::testing::same_state;
using mls::testing::World;

constexpr std::size_t acts_max = 12;
constexpr std::size_t nobody = SIZE_MAX;

enum class Delay { never, possible };

struct Live {
  Group group;
  SavedGroup saved;  // of `group`
};

struct Sent {
  Bytes message;
  LeafIndex from;
  bool forged = false;
  bool accepted = false;
};

class Scene {
 public:
  Scene(CipherSuite suite, ByteView input)
      : cast_(cast_of(suite)), choices_(input), damage_(choices_, cast_.elsewhere) {
    world_.suite = suite;
    begin_input(world_);
    for (const Group& member : cast_.members) live_.push_back({member.clone(), member.serialize()});
    insider_ = 1;
    liar_.emplace(choices_, damage_, cast_, world_, live_[insider_].group);
  }

  void play() {
    for (std::size_t acts = 0; choices_.more() && acts < acts_max && live_.size() >= 2; ++acts) act();
  }

 private:
  void act() {
    switch (choices_.below(9)) {
      case 0:
        deliver(to_bytes(choices_.rest()), nobody,
                [](const auto&) { expect(false, "nobody accepts what no member made"); });
        return;
      case 1:
        return honest_application();
      case 2:
        return honest_proposal();
      case 3:
        return honest_commit();
      case 4:
        return send_as_insider(liar_->frame());
      case 5:
        return send_as_insider(liar_->proposal());
      case 6:
        return send_as_insider(liar_->commit(known_proposals()));
      case 7:
        if (!log_.empty()) deliver_logged(choices_.below(log_.size()));
        return;
      default:
        for (Live& one : live_) one.group = restored(one.saved);
    }
  }

  // ---- honest members ----

  std::size_t honest() {
    const std::size_t which = choices_.below(live_.size() - 1);
    return which < insider_ ? which : which + 1;
  }
  void become(std::size_t who, Group next) {
    live_[who].saved = next.serialize();
    live_[who].group = std::move(next);
  }

  void honest_application() {
    const std::size_t from = honest();
    const ByteView text = choices_.bytes();
    auto sent = live_[from].group.protect(text, choices_.bytes(), choices_.octet(), outside());
    expect(sent.has_value() == (live_[from].group.proposal_count() == 0), "we send unless proposals wait");
    if (!sent) return;
    become(from, std::move(sent->next));
    send(std::move(sent->message), from, Delay::possible);
  }

  void honest_proposal() {
    const std::size_t from = honest();
    const Group& group = live_[from].group;
    const OwnKeyPackage& joiner = cast_.joiners[choices_.below(cast_.joiners.size())];
    const std::size_t kind = choices_.below(3);
    auto sent = kind == 0   ? group.propose_update(outside())
                : kind == 1 ? group.propose_add(joiner.key_package, outside())
                            : group.propose_remove(LeafIndex{choices_.octet() & 7U}, outside());
    if (!sent) return expect_rule(sent.error());
    become(from, std::move(sent->next));
    send(std::move(sent->message), from, Delay::never);
  }

  // Of everything that was received; whoever has received the same follows.
  void honest_commit() {
    const std::size_t from = honest();
    Group::Committed made = expect_can_commit(live_[from].group, outside());
    become(from, std::move(made.next));
    auto accepted = restored(live_[from].saved).accept_commit();
    expect(accepted.has_value(), "our commit is there after a restart");
    change_on_the_way(made.message);
    const Heard heard = hear(made.message, from);
    for (std::size_t i = 0; i < live_.size(); ++i) {
      if (i != from && i != insider_) expect_value(heard[i], "an honest commit is followed");
    }
    log_.push_back({.message = made.message, .from = live_[from].group.own_leaf(), .accepted = true});
    start_epoch(heard, from, &accepted->next);
    for (const OwnKeyPackage& joiner : cast_.joiners) join(*accepted, joiner);
  }
  void join(const Group::Accepted& accepted, const OwnKeyPackage& joiner) {
    if (!accepted.welcome) return;
    const auto joined = Group::join(*accepted.welcome, joiner, outside());
    if (joined) expect(mls::testing::agree(joined->group, accepted.next), "who joins agrees");
  }

  // ---- the insider ----

  Outside outside() { return outside_of(world_); }

  // What was proposed in this epoch and has come to somebody, as a saved state lists it.
  std::vector<Known> known_proposals() const {
    const Live& someone = live_[insider_ == 0 ? 1 : 0];
    Reader in(someone.saved.public_state);
    in.u8();
    read_group_context(in);
    in.opaque();
    read_ratchet_tree(in);
    in.u32();
    in.u8();
    std::vector<Known> out;
    in.vector([&](Reader& element) {
      Known one{.ref = element.opaque(), .proposal = {}, .sender = {}};
      one.proposal = std::make_shared<const Proposal>(read_proposal(element));
      one.sender = LeafIndex{element.u32()};
      out.push_back(std::move(one));
    });
    return out;
  }

  void send_as_insider(std::optional<Forger::Made> made) {
    if (!made) return;
    const std::size_t epoch_before = epochs_;
    const bool spent = send(std::move(made->message), insider_,
                            made->skips_far ? Delay::never : Delay::possible, made->forged);
    if (spent && epochs_ == epoch_before) liar_->spend(std::move(made->ratchets));
  }

  // ---- on the way ----

  // Whether its key is spent.
  bool send(Bytes message, std::size_t from, Delay delay, bool forged = false) {
    change_on_the_way(message);
    log_.push_back({.message = std::move(message), .from = live_[from].group.own_leaf(), .forged = forged});
    if (delay == Delay::possible && choices_.octet() >= 224) return true;  // may be delivered later
    return deliver_logged(log_.size() - 1);
  }
  // Whatever is changed by who is no member is refused.
  void change_on_the_way(const Bytes& genuine) {
    Bytes changed = genuine;
    damage_.some(changed);
    const bool sent_by_somebody =
        changed == genuine || std::ranges::find(log_, changed, &Sent::message) != log_.end();
    if (sent_by_somebody) return;
    for (const auto& received : hear(changed, nobody)) expect(!received, "nobody accepts a changed message");
  }
  bool deliver_logged(std::size_t which) {
    const Bytes message = log_[which].message;
    std::size_t from = 0;
    while (from < live_.size() && live_[from].group.own_leaf() != log_[which].from) ++from;
    const LeafIndex sender = log_[which].from;
    const bool forged = log_[which].forged;
    const bool again = log_[which].accepted;
    const std::size_t waiting = known_proposals().size();
    const bool accepted = deliver(message, from, [&](const auto& what) {
      expect(!again || std::holds_alternative<ProposalMessage>(what), "only a proposal is accepted twice");
      if (!std::holds_alternative<RemovedFromGroup>(what)) expect(!forged, "what is forged is refused");
      expect(sender_of(what) == sender, "who sent a message is who is said to have sent it");
    });
    if (again) expect(known_proposals().size() == waiting, "and then it is known");
    log_[which].accepted |= accepted;
    return accepted;
  }

  // ---- receiving ----

  using Heard = std::vector<Result<Group::Received>>;
  using What = decltype(Group::Received::what);

  static LeafIndex sender_of(const What& what) {
    if (const auto* const message = std::get_if<ApplicationMessage>(&what)) return message->sender;
    if (const auto* const proposal = std::get_if<ProposalMessage>(&what)) return proposal->sender;
    if (const auto* const change = std::get_if<EpochChange>(&what)) return change->committer;
    return std::get<RemovedFromGroup>(what).committer;
  }

  template <class See>
  bool deliver(const Bytes& message, std::size_t from, See see) {
    Heard heard = hear(message, from);
    for (const auto& one : heard) {
      if (one) see(one->what);
    }
    const bool accepted = std::ranges::any_of(heard, [](const auto& one) { return one.has_value(); });
    if (!accepted) return false;
    const auto first = std::ranges::find_if(heard, [](const auto& one) { return one.has_value(); });
    if (std::holds_alternative<EpochChange>((*first)->what) ||
        std::holds_alternative<RemovedFromGroup>((*first)->what)) {
      start_epoch(heard, nobody, nullptr);
      return true;
    }
    for (std::size_t i = 0; i < live_.size(); ++i) {
      if (i != from) expect_value(heard[i], "all or none accept what is no commit");
      if (heard[i]) become(i, std::move(heard[i]->next));
    }
    return true;
  }

  Heard hear(const Bytes& message, std::size_t from) {
    Heard out;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      Live& one = live_[i];
      auto received = one.group.process(message, outside());
      expect(same_state(one.group.serialize(), one.saved), "processing changes no state");
      if (!received) {
        expect_rule(received.error());
        const bool first = std::ranges::none_of(out, [](const auto& other) { return !other; });
        if (first && i != insider_) expect_hears_the_insider(one.group);
        out.push_back(std::unexpected(received.error()));
        continue;
      }
      expect(i != from, "nobody accepts their own message");
      check(one.group, *received, std::ranges::none_of(out, [](const auto& other) { return !!other; }));
      out.push_back(std::move(received));
    }
    return out;
  }

  // With the key of the message that was just refused, if it was the insider's.
  void expect_hears_the_insider(const Group& who) {
    const auto received = who.process(liar_->honest_word(), outside());
    expect_value(received, "who refused one message reads the next");
    expect(std::holds_alternative<ApplicationMessage>(received->what), "and reads what was sent");
  }

  // What is dear is looked at with the first who accepts.
  void check(const Group& before, const Group::Received& received, bool first) {
    const Group& next = received.next;
    if (first) restored(next.serialize());
    if (const auto* const change = std::get_if<EpochChange>(&received.what)) {
      if (first) expect_can_commit(next, outside());
      if (first) expect_valid_tree(next, outside());
      return check_epoch(before, next, *change);
    }
    expect(next.group_context() == before.group_context() && next.tree() == before.tree(),
           "only a commit changes the group");
    if (std::holds_alternative<RemovedFromGroup>(received.what)) {
      expect(next.standing() == Standing::removed && !next.commit({}, outside()),
             "who was removed is silent");
      return;
    }
    const std::size_t more = next.proposal_count() - before.proposal_count();
    expect(more <= 1, "one proposal more, or one that is known");
    if (more == 0) return;
    expect(std::holds_alternative<ProposalMessage>(received.what), "only a proposal waits");
    if (first) expect_can_commit(next, outside());
  }

  void check_epoch(const Group& before, const Group& next, const EpochChange& change) {
    expect(next.epoch() == before.epoch() + 1 && next.group_id() == before.group_id(), "the next epoch");
    expect(next.own_leaf() == before.own_leaf() && next.proposal_count() == 0, "we are who we were");
    const auto is_in = [](const std::vector<LeafIndex>& leaves, LeafIndex leaf) {
      return std::ranges::find(leaves, leaf) != leaves.end();
    };
    const std::uint32_t leaves = std::max(before.tree().leaf_count(), next.tree().leaf_count());
    for (LeafIndex at{0}; at.value < leaves; ++at.value) {
      const LeafNode* const was = before.tree().leaf(at);
      const LeafNode* const is = next.tree().leaf(at);
      const bool added = is_in(change.added, at);
      const bool stays = was != nullptr && !is_in(change.removed, at);
      expect(added || stays == (is != nullptr), "who is in the group was there or was added");
      if (was == nullptr || is == nullptr || added) continue;
      expect(was->credential == is->credential, "members keep their names");
      const bool may_change = at == change.committer || is_in(change.updated, at);
      expect(may_change || *was == *is, "only who updates or commits has a new leaf");
    }
  }

  // Those who accepted the commit go on, and the committer with the state it made, if it is honest.
  void start_epoch(const Heard& heard, std::size_t committer, const Group* committers) {
    std::vector<Live> next;
    std::optional<std::size_t> liar;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const bool follows = heard[i] && heard[i]->next.standing() != Standing::removed;
      const Group* const state = follows ? &heard[i]->next : i == committer ? committers : nullptr;
      if (state == nullptr) continue;
      if (i == insider_) liar = next.size();
      next.push_back({state->clone(), state->serialize()});
    }
    for (const Live& one : next)
      expect(mls::testing::agree(next[0].group, one.group), "those who accept agree");
    ++epochs_;
    live_ = std::move(next);
    if (live_.empty()) return;
    insider_ = liar.value_or(live_.size() - 1);
    liar_.emplace(choices_, damage_, cast_, world_, live_[insider_].group);
  }

  const Cast& cast_;
  Choices choices_;
  Damage damage_;
  World world_;
  std::vector<Live> live_;
  std::size_t insider_ = 1;  // who of them; its own group is told what the others send
  std::optional<Forger> liar_;
  std::vector<Sent> log_;
  std::size_t epochs_ = 0;
};

}  // namespace
}  // namespace shearline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return shearline::fuzz::play_scene<shearline::fuzz::Scene>({data, size});
}
