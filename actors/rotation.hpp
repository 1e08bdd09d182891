// The rotation actor: carries out commands on credentials and whatever time brings about. It decides nothing itself
// (policy::lifecycle does); it reads the record, asks for a decision, generates and hashes the secret, has it sealed,
// and stores state, events and finished envelope by one compare-and-put. After a crash every step is simply taken again
// (design: architecture.md journey 2). Control thread, lease holder only; one command per credential at a time.
#pragma once

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/known_state.hpp"
#include "actors/messages.hpp"

#include <memory>

namespace shearline::actors {

inline constexpr std::size_t commands_in_flight_max = 32;
inline constexpr std::size_t due_told_max = 1000;  // log lines about due entries that lead nowhere, or wait
inline constexpr std::size_t too_early_max = 1000;

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
