#include "tests/mls/history.hpp"

#include "mls/tree_validation.hpp"

#include <algorithm>

namespace shearline::mls::testing {
namespace {

constexpr std::size_t steps_per_history = 12;
constexpr std::size_t members_max = 7;

}  // namespace

History::History(std::uint64_t seed, Tally& tally) : tally_(tally), world_(seed), dice_(seed ^ 0x5eed) {
  if (seed % 16 == 5) world_.suite = CipherSuite::p256_aes128gcm_sha256_p256;
  if (seed % 8 == 3) world_.suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
  people_.push_back(std::make_unique<Person>(Person{.name = "0", .group = world_.create("0")}));
  open_epoch(people_[0]->group);
}

void History::run() {
  commit();
  for (std::size_t step = 0; step < steps_per_history && !::testing::Test::HasFailure(); ++step) {
    SCOPED_TRACE(::testing::Message() << "step " << step);
    one_step();
    check();
  }
  std::vector<std::string> names;
  for (const auto& person : people_) names.push_back(person->name);
  for (const std::string& name : names) catch_up(*named(name));
  check();
  for (auto& person : people_) {
    while (!person->mail.empty()) deliver_mail(*person, person->mail.size() - 1);
  }
}

Person* History::named(const std::string& name) {
  const auto found = std::ranges::find_if(people_, [&](const auto& one) { return one->name == name; });
  return found == people_.end() ? nullptr : found->get();
}

void History::one_step() {
  switch (roll(9)) {
    case 0:
    case 1:
      return send();
    case 2:
      return propose();
    case 3:
    case 4:
      return commit();
    case 5:
      return save_and_restore(anybody());
    case 6:
      return read_an_old_state(anybody());
    case 7:
      return deliver_handshake(anybody());
    default:
      return deliver_some_mail(anybody());
  }
}

// ---- application messages ----

void History::send() {
  Person& sender = anybody();  // perhaps in an epoch that is over for others
  const std::string text = "text " + std::to_string(counter_++);
  const auto sent = sender.group.protect(as_bytes(text), as_bytes(sender.name), roll(40), world_.outside());
  if (sender.group.proposal_count() > 0) {
    EXPECT_NE(error_of(sent).find("section 12.4"), std::string::npos);
    return;
  }
  ASSERT_TRUE(sent) << sent.error().message;
  sender.group = sent->next.clone();
  const Mail mail{.message = sent->message, .from = sender.name, .text = text, .epoch = sender.group.epoch()};
  for (auto& person : people_) {
    if (person.get() == &sender || chance(6)) continue;  // or lost
    person->mail.push_back(mail);
    if (chance(5)) person->mail.push_back(mail);  // doubled
  }
  for (const Group& removed : removed_) EXPECT_FALSE(reads(removed, mail));
}

bool History::reads(const Group& group, const Mail& mail) {
  // A removed member still reads what was sent before it was removed.
  return mail.epoch > group.epoch() && group.process(mail.message, world_.outside()).has_value();
}

void History::deliver_some_mail(Person& person) {
  for (std::size_t i = 0; i < 3 && !person.mail.empty(); ++i) deliver_mail(person, roll(person.mail.size()));
}

void History::deliver_mail(Person& person, std::size_t which) {
  const Mail mail = person.mail[which];
  person.mail.erase(person.mail.begin() + static_cast<std::ptrdiff_t>(which));
  const bool again = std::ranges::any_of(person.read, [&](const Mail& one) { return one.text == mail.text; });
  const std::uint64_t now = person.group.epoch();
  const auto received = person.group.process(mail.message, world_.outside());
  const bool readable =
      !again && mail.epoch >= person.joined && mail.epoch <= now && now - mail.epoch <= retained_epochs_max;
  ASSERT_EQ(received.has_value(), readable) << person.name << " in epoch " << now << ", from " << mail.from
                                            << " in epoch " << mail.epoch << ": " << error_of(received);
  if (mail.epoch > now && !again) person.mail.push_back(mail);  // it will come again
  ++(readable ? tally_.read : tally_.refused);
  if (!readable) return;
  const auto& message = std::get<ApplicationMessage>(received->what);
  EXPECT_EQ(as_text(message.data.reveal()), mail.text);
  EXPECT_EQ(as_text(message.authenticated_data), mail.from);
  EXPECT_EQ(as_text(message.credential.identity), mail.from);
  EXPECT_EQ(message.epoch, mail.epoch);
  person.group = received->next.clone();
  person.read.push_back(mail);
}

// ---- handshake messages ----

// The next one for this person; sometimes one that is not its turn yet, which must be refused.
void History::deliver_handshake(Person& person) {
  EpochLog& log = log_of(person);
  std::vector<std::size_t> unread;
  for (std::size_t i = 0; i < log.proposals.size(); ++i) {
    if (log.proposers[i] != person.name && !person.proposals_read[i]) unread.push_back(i);
  }
  if (person.group.epoch() + 2 <= newest()) {
    EXPECT_FALSE(person.group.process(epochs_[static_cast<std::size_t>(person.group.epoch()) + 1].commit,
                                      world_.outside()));
  }
  if (!unread.empty() && !log.commit.empty()) {  // before the proposals: good only if it names none of them
    const auto early = person.group.process(log.commit, world_.outside());
    if (!early) {
      EXPECT_NE(error_of(early).find("12.4: the commit names a proposal"), std::string::npos);
    }
  }
  if (!unread.empty()) {
    const std::size_t i = unread[roll(unread.size())];  // in any order
    auto received = person.group.process(log.proposals[i], world_.outside());
    ASSERT_TRUE(received) << received.error().message;
    person.group = std::move(received->next);
    person.proposals_read[i] = true;
    EXPECT_FALSE(person.group.process(log.proposals[i], world_.outside())) << "twice";
    return;
  }
  if (log.commit.empty() || log.committer == person.name) return;
  auto received = person.group.process(log.commit, world_.outside());
  ASSERT_TRUE(received) << person.name << ": " << received.error().message;
  if (std::holds_alternative<RemovedFromGroup>(received->what)) {
    EXPECT_FALSE(received->next.protect(as_bytes("x"), {}, 0, world_.outside()));
    removed_.push_back(std::move(received->next));
    ++tally_.removed;
    std::erase_if(people_, [&](const auto& one) { return one.get() == &person; });
    return;
  }
  person.group = std::move(received->next);
  EXPECT_FALSE(person.group.process(log.commit, world_.outside())) << "twice";
  enter(person);
}

// Until nothing waits for it. The person is gone afterwards if it was removed.
void History::catch_up(Person& person) {
  const std::string name = person.name;
  for (std::size_t turns = 0; turns < 200 && is_there(name) && !::testing::Test::HasFailure(); ++turns) {
    const std::uint64_t epoch = person.group.epoch();
    // Not by what waits: one proposal that is made twice is one and the same, and waits once.
    const auto proposals = std::ranges::count(person.proposals_read, true);
    deliver_handshake(person);
    if (!is_there(name)) return;
    if (person.group.epoch() == epoch && std::ranges::count(person.proposals_read, true) == proposals) return;
  }
}

void History::propose() {
  std::string name = anybody().name;
  catch_up(*named(name));
  Person* const proposer = named(name);
  if (proposer == nullptr || proposer->group.epoch() != newest()) return;
  const std::vector<Member> members = proposer->group.members();
  Result<Group::Sent> sent = fail(Code::invalid, "");
  switch (roll(4)) {
    case 0: {
      if (members.size() >= members_max) return;
      const OwnKeyPackage joiner = world_.key_package(std::to_string(++names_));
      sent = proposer->group.propose_add(joiner.key_package, world_.outside());
      waiting_.emplace(std::to_string(names_), restore_own(joiner));
      break;
    }
    case 1:
      if (members.size() < 3) return;
      sent = proposer->group.propose_remove(members[roll(members.size())].leaf, world_.outside());
      break;
    default:
      sent = proposer->group.propose_update(world_.outside());
  }
  ASSERT_TRUE(sent) << sent.error().message;
  proposer->group = std::move(sent->next);
  EpochLog& log = epochs_.back();
  log.proposals.push_back(std::move(sent->message));
  log.proposers.push_back(name);
  for (auto& person : people_) {
    if (person->group.epoch() == newest()) person->proposals_read.resize(log.proposals.size());
  }
}

// Through bytes, as a member keeps it until its Welcome comes.
OwnKeyPackage History::restore_own(const OwnKeyPackage& own) {
  return value_of(restore_own_key_package(serialize_own_key_package(own)));
}

CommitRequest History::request_for(const Group& group) {
  CommitRequest request;
  request.with_path = chance(2);
  request.with_received_proposals = !chance(4);
  const std::vector<Member> members = group.members();
  for (std::size_t i = members.size() == 1 ? 3 : roll(3); i > 0 && members.size() + i < members_max; --i) {
    const OwnKeyPackage joiner = world_.key_package(std::to_string(++names_));
    request.proposals.emplace_back(Add{joiner.key_package});
    waiting_.emplace(std::to_string(names_), restore_own(joiner));
  }
  const LeafIndex target = members[roll(members.size())].leaf;
  if (members.size() > 2 && target != group.own_leaf() && chance(2))
    request.proposals.emplace_back(Remove{target});
  return request;
}

void History::commit() {
  const std::string name = anybody().name;
  catch_up(*named(name));
  Person* const committer = named(name);
  if (committer == nullptr || committer->group.epoch() != newest()) return;
  Result<Group::Committed> made = committer->group.commit(request_for(committer->group), world_.outside());
  ASSERT_TRUE(made) << made.error().message;
  committer->group = std::move(made->next);
  if (chance(3)) save_and_restore(*committer);  // it survives a crash
  if (chance(6)) {                              // nobody took it
    committer->group = committer->group.clear_commit();
    return;
  }
  rival(*committer);
  EpochLog& log = epochs_.back();
  log.commit = committer->group.pending_commit();
  log.committer = name;
  ASSERT_EQ(log.commit, made->message);
  Group::Accepted accepted = value_of(committer->group.accept_commit());
  committer->group = std::move(accepted.next);
  open_epoch(committer->group);
  enter(*committer);
  if (accepted.welcome) welcome(*accepted.welcome, committer->group.own_leaf());
  if (chance(2)) save_and_restore(*committer);
}

// Somebody else commits at the same time; the delivery service takes the other one. What is pending with the rival
// is given up when it reads that.
void History::rival(const Person& winner) {
  Person& other = anybody();
  if (other.name == winner.name || other.group.epoch() != newest() || !chance(3)) return;
  Result<Group::Committed> made = other.group.commit({.proposals = {}}, world_.outside());
  if (made) other.group = std::move(made->next);
}

void History::welcome(const Bytes& message, LeafIndex signer) {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    Result<Group::Joined> joined = Group::join(message, it->second, world_.outside());
    if (!joined) {
      EXPECT_EQ(joined.error().code, Code::not_found) << joined.error().message;
      ++it;
      continue;
    }
    EXPECT_EQ(joined->signer, signer);
    ++tally_.joined;
    if (!chance(8)) {  // else the Welcome is lost: a member that never speaks
      Person person{.name = it->first, .group = std::move(joined->group), .joined = newest()};
      people_.push_back(std::make_unique<Person>(std::move(person)));
      enter(*people_.back());
    }
    it = waiting_.erase(it);
  }
}

void History::open_epoch(const Group& group) {
  ASSERT_EQ(group.epoch(), epochs_.size());
  ++tally_.epochs;
  EpochLog log;
  log.authenticator = to_bytes(group.epoch_authenticator().reveal());
  log.tree_hash = group.group_context().tree_hash;
  epochs_.push_back(std::move(log));
  RatchetTree tree = group.tree();
  const Status valid = validate_tree(tree, {.cipher_suite = group.cipher_suite(),
                                            .group_id = group.group_id(),
                                            .group_context_extensions = group.group_context().extensions,
                                            .now_s = world_.now_s,
                                            .identities = world_.identities});
  EXPECT_TRUE(valid) << valid.error().message;
  EXPECT_EQ(to_bytes(tree.tree_hash()), group.group_context().tree_hash);
}

void History::enter(Person& person) {
  person.proposals_read.assign(log_of(person).proposals.size(), false);
  expect_agreement(person);
}

// ---- saving ----

void History::save_and_restore(Person& person) {
  ++tally_.restored;
  const SavedGroup saved = person.group.serialize();
  person.group = value_of(Group::restore(saved, Standing::current));
  const SavedGroup again = person.group.serialize();
  EXPECT_EQ(saved.public_state, again.public_state);
  EXPECT_TRUE(equal(saved.secret_state.reveal(), again.secret_state.reveal()));
}

// A state that may be old follows as the other does and says nothing.
void History::read_an_old_state(const Person& person) {
  const Group old = value_of(Group::restore(person.group.serialize(), Standing::possibly_old));
  EXPECT_FALSE(old.protect(as_bytes("x"), {}, 0, world_.outside()));
  EXPECT_FALSE(old.commit({.proposals = {}}, world_.outside()));
  EXPECT_FALSE(old.propose_update(world_.outside()));
  for (const Mail& mail : person.mail) {
    EXPECT_EQ(old.process(mail.message, world_.outside()).has_value(),
              person.group.process(mail.message, world_.outside()).has_value());
  }
}

// ---- what must hold ----

void History::expect_agreement(const Person& person) {
  const EpochLog& log = log_of(person);
  EXPECT_TRUE(equal(person.group.epoch_authenticator().reveal(), log.authenticator)) << person.name;
  EXPECT_EQ(person.group.group_context().tree_hash, log.tree_hash) << person.name;
}

// A word from somebody, on copies: whoever is in that epoch hears it, and nobody who was removed.
void History::check() {
  for (const auto& person : people_) expect_agreement(*person);
  const Person& speaker = anybody();
  const auto word = speaker.group.forget_proposals().protect(as_bytes("word"), {}, 0, world_.outside());
  ASSERT_TRUE(word) << word.error().message;
  for (const auto& person : people_) {
    if (person.get() == &speaker || person->group.epoch() != speaker.group.epoch()) continue;
    EXPECT_TRUE(person->group.process(word->message, world_.outside()))
        << person->name << ", " << speaker.name;
  }
  const Mail mail{
      .message = word->message, .from = speaker.name, .text = "word", .epoch = speaker.group.epoch()};
  for (const Group& removed : removed_) EXPECT_FALSE(reads(removed, mail));
}

}  // namespace shearline::mls::testing
