// The rotation actor: carries out commands on credentials and whatever time brings about. It decides nothing itself
// (policy::lifecycle does); it reads the record, asks for a decision, generates and hashes the secret, has it sealed,
// and stores state, events and finished envelope by one compare-and-put. After a crash every step is simply taken again
// (design: architecture.md journey 2). Control thread, lease holder only; one command per credential at a time.
#pragma once

#include "actors/audit_file.hpp"
#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/messages.hpp"

#include <functional>
#include <memory>
#include <string>

namespace shearline::actors {

inline constexpr std::size_t commands_in_flight_max = 32;
inline constexpr int attempts_max =
    5;  // of one command, while others are faster or the store's answers are lost
inline constexpr std::int64_t attempt_pause_ms = 100;
// An item whose put was not answered is looked for again so long: a restart of Redis, and no more, because the items of one
// command must not outlast the sender's patience.
inline constexpr std::int64_t import_item_patience_ms = 3000;
inline constexpr int unheard_in_a_row_max = 2;     // items of an import that the store did not answer
inline constexpr std::size_t due_told_max = 1000;  // log lines about due entries that lead nowhere, or wait
inline constexpr std::size_t too_early_max = 1000;

// What rotation and admin want to know of other actors' state, as functions.
struct KnownState {
  std::function<std::uint64_t(std::string_view client_id)> revision_of;  // replica
  std::function<bool(const Hash& fingerprint)> fingerprint_known;        // replica
  // audit: the newest events about a subject, newer than the one with the id `after`
  std::function<Result<EventsAbout>(std::string_view subject, std::string_view after, std::size_t at_most)>
      events_about;
};

class Rotation {
 public:
  Rotation(ActorContext& context, const Directory& directory, KnownState known,
           DistributionMailbox& distribution, AuditMailbox& audit);
  ~Rotation();

  void start();
  RotationMailbox& mailbox();
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::actors
