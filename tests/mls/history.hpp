// Random histories of one group, from seeds: members come and go, propose, update and commit, with and without path,
// two at a time, and every message is delayed, doubled, reordered or lost; anybody's state is saved and restored at any
// point. After every step whoever should agree has one epoch authenticator, tree hash and valid tree and reads what the
// others send; those who were removed do not. Used by history_test.
#pragma once

#include "tests/mls/group_fixture.hpp"

#include <map>

namespace shearline::mls::testing {

// The messages of one epoch in the order the delivery service gives them: proposals, then the commit that ends it.
struct EpochLog {
  std::vector<Bytes> proposals;
  std::vector<std::string> proposers;
  Bytes commit;  // empty while the epoch lasts
  std::string committer;
  // What the members of this epoch agree on.
  Bytes authenticator;
  Bytes tree_hash;
};

struct Mail {
  Bytes message;
  std::string from;
  std::string text;
  std::uint64_t epoch = 0;
};

struct Person {
  std::string name;
  Group group;
  std::uint64_t joined = 0;               // the first epoch that it knows
  std::vector<bool> proposals_read = {};  // of its epoch
  std::vector<Mail> mail = {};            // application messages on their way to it, in any order
  std::vector<Mail> read = {};            // those it has had; again they are refused
};

// What has happened, so that a run can show that it was not about nothing.
struct Tally {
  std::size_t epochs = 0;
  std::size_t read = 0;
  std::size_t refused = 0;
  std::size_t joined = 0;
  std::size_t removed = 0;
  std::size_t restored = 0;
};

class History {
 public:
  History(std::uint64_t seed, Tally& tally);
  void run();

 private:
  std::size_t roll(std::size_t sides) { return static_cast<std::size_t>(dice_.next_u64() % sides); }
  bool chance(std::size_t one_in) { return roll(one_in) == 0; }
  Person& anybody() { return *people_[roll(people_.size())]; }
  std::uint64_t newest() const { return epochs_.size() - 1; }
  EpochLog& log_of(const Person& person) { return epochs_[static_cast<std::size_t>(person.group.epoch())]; }
  Person* named(const std::string& name);  // null: not there any more
  bool is_there(const std::string& name) { return named(name) != nullptr; }
  void one_step();

  // ---- application messages ----

  void send();
  bool reads(const Group& group, const Mail& mail);
  void deliver_some_mail(Person& person);
  void deliver_mail(Person& person, std::size_t which);

  // ---- handshake messages ----

  void deliver_handshake(Person& person);
  void catch_up(Person& person);
  void propose();
  static OwnKeyPackage restore_own(const OwnKeyPackage& own);
  CommitRequest request_for(const Group& group);
  void commit();
  void rival(const Person& winner);
  void welcome(const Bytes& message, LeafIndex signer);
  void open_epoch(const Group& group);
  void enter(Person& person);

  // ---- saving ----

  void save_and_restore(Person& person);
  void read_an_old_state(const Person& person);

  // ---- what must hold ----

  void expect_agreement(const Person& person);
  void check();

  Tally& tally_;
  World world_;
  SeededRandom dice_;
  std::vector<std::unique_ptr<Person>> people_;
  std::map<std::string, OwnKeyPackage> waiting_;  // for a Welcome, by name
  std::vector<Group> removed_;
  std::vector<EpochLog> epochs_;
  std::uint64_t names_ = 0;
  std::uint64_t counter_ = 0;
};

}  // namespace shearline::mls::testing
