// One decision in the making: a copy of the credential and the events that lead to its new states. Every
// change of state goes through here, so none can be without its event. Private to the lifecycle.
#pragma once

#include "policy/lifecycle.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shearline::policy {

class Change {
 public:
  using Details = std::vector<std::pair<std::string, std::string>>;

  // author: the command that causes what follows; null: time alone does.
  Change(const Credential& before, const Context& context, const Command* author)
      : context_(context), author_(author), counts_events_(before.events_written > 0) {
    decision_.next = clone(before);
  }

  Credential& credential() { return decision_.next; }
  const Context& context() const { return context_; }
  TimeMs now() const { return context_.now; }
  ClassRules class_rules() const { return context_.rules.of_class(decision_.next.credential_class); }

  Version* find(const Ulid& version_id);
  Version* current();
  Version* pending();  // of the open rotation
  bool has_rotation_in(RotationState state) const {
    return decision_.next.rotation && decision_.next.rotation->state == state;
  }

  void to(CredentialStatus status);
  // `at`: when it ended, for states that are an end; what is destroyed loses its digest.
  void to(Version& version, VersionState state, TimeMs at, Details details = {});
  void add(Version version, Details details = {});
  void open(Rotation rotation);
  void to(RotationState state, Details details = {});
  // The rotation leaves its place and stays as id and outcome.
  void end_rotation(RotationState outcome, TimeMs at, Details details = {});
  // Something worth keeping that changes no state: an ack.
  void note(std::string type, Details details);
  void created(std::string type, Details details);

  // While it lives, what happens is brought about by time, not by the command.
  class AsEngine {
   public:
    explicit AsEngine(Change& change) : change_(change), author_(std::exchange(change.author_, nullptr)) {}
    ~AsEngine() { change_.author_ = author_; }
    AsEngine(const AsEngine&) = delete;
    AsEngine& operator=(const AsEngine&) = delete;

   private:
    Change& change_;
    const Command* author_;
  };

  bool empty() const { return decision_.events.empty(); }
  Decision finish(bool needs_secret = false);

 private:
  AuditEvent& event(std::string type, std::string_view before, std::string_view after, Details details);

  const Context& context_;
  const Command* author_;
  bool counts_events_;
  Decision decision_;
};

// ---- steps that several decisions share ----

// Ends what has run out by now: the hard end, a deadline without quorum, windows of grace.
void end_what_is_over(Change& change);
// Acks that count: distinct, and from those who are members now.
std::size_t counted_acks(const Rotation& rotation, const std::set<std::string>& group_members);
// The open rotation's version becomes current, now; the caller has made sure that it may.
void promote_now(Change& change);

}  // namespace shearline::policy
