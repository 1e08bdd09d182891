// The replica actor: loads every partition, proves its sum, follows its changes, and is the only writer of the table and
// of the directory. One fiber per partition on the control thread. What it knows stays in use when the store is away;
// a record that is not authentic never replaces one that was (design: architecture.md "State", security.md).
#pragma once

#include "actors/context.hpp"
#include "actors/counter_memory.hpp"
#include "actors/directory.hpp"
#include "actors/messages.hpp"
#include "engine/table.hpp"

#include <functional>
#include <memory>
#include <string>

namespace shearline::actors {

inline constexpr std::int64_t follow_wait_ms =
    1000;  // how long one wait for changes lasts; the view's age when idle
inline constexpr std::int64_t lacking_looked_every_ms = 10'000;  // whether the store has again what it lacked
inline constexpr std::int64_t memory_written_every_ms = 10'000;
inline constexpr std::int64_t replica_pause_min_ms = 50;
inline constexpr std::int64_t replica_pause_max_ms = 2000;

class Replica {
 public:
  // rotation and audit are told when lost writes were put back.
  Replica(ActorContext& context, engine::Table& table, engine::View& view, Directory& directory,
          RotationMailbox& rotation, AuditMailbox& audit, CounterMemory& memory);
  ~Replica();

  void start();
  void stop();

  bool loaded() const;                 // every partition
  bool settled() const;                // every partition is loaded or was refused: checks are decided
  bool can_act() const;                // settled, and admins and groups are known: commands can be judged
  std::string why_not_loaded() const;  // one line for INFO and the log; empty when loaded
  bool fingerprint_known(const Hash& fingerprint) const;  // another credential was imported with this secret
  // Puts back what the store lost, as far as this node knows it. Holder only, before it acts.
  Status mend();
  TimeMs newest_record_ms() const;  // the newest moment any authenticated credential speaks of
  // Parks until this node has applied everything the store had when called: what a new holder does before it acts.
  Status catch_up(unsigned partition, std::int64_t timeout_ms);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::actors
