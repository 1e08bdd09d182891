// Puts refused commands on record: counts them (refusals.hpp) and writes one event for all that were counted into the
// store, exactly once whatever becomes of the store's answers. The first of a kind in each round is worth an event at
// once, its repetitions wait for the end of the round (ADR 12). Used by the admin actor; knows nothing of commands.
#pragma once

#include "actors/context.hpp"
#include "actors/gate.hpp"
#include "actors/messages.hpp"
#include "actors/refusals.hpp"

#include <optional>
#include <set>
#include <string_view>

namespace shearline::actors {

inline constexpr std::size_t refusals_told_apart_max = 64;  // (who, code) pairs between two events

// Control thread; write() and end_round() park the calling fiber, and one waits for the other.
class RefusalRecord {
 public:
  RefusalRecord(ActorContext& context, AuditMailbox& audit);

  // who: an authenticated admin id, or empty for a stranger. True: the first of its kind in this round, to be written
  // before its sender hears of it. In one round that is true of at most refusals_told_apart_max + 1.
  [[nodiscard]] bool count(std::string_view who, Code code);
  bool empty() const { return refusals_.empty() && !pending_; }

  // Writes what was counted. An error leaves it to be written by the next call: an event whose put was not answered stays
  // as it is until the store says what became of it, and what is refused meanwhile goes into the next one.
  Status write();
  // Writes the repetitions as well; from here on the first of each kind is news again.
  Status end_round();

 private:
  Status write_pending();  // nothing to do without one

  ActorContext& context_;
  AuditMailbox& audit_;
  ClientLocks writing_;
  Refusals refusals_{refusals_told_apart_max};
  std::set<Refusals::Kind> news_;  // the kinds that came up in this round
  std::optional<Bytes> pending_;   // encoded, with its id: put again it is the same event
};

}  // namespace shearline::actors
