// Puts refused commands on record: counts them (refusals.hpp) and now and then writes one event for all of them into the
// store, exactly once whatever becomes of the store's answers. Used by the admin actor; knows nothing of commands.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/refusals.hpp"

#include <optional>
#include <string_view>

namespace shearline::actors {

inline constexpr std::size_t refusals_told_apart_max = 64;  // (who, code) pairs between two events

// Control thread; write() parks the calling fiber and is called by one fiber at a time.
class RefusalRecord {
 public:
  RefusalRecord(ActorContext& context, AuditMailbox& audit);

  // who: an authenticated admin id, or empty for a stranger.
  void count(std::string_view who, Code code) { refusals_.count(who, code); }
  bool empty() const { return refusals_.empty() && !pending_; }

  // Writes what was counted. An error leaves it to be written by the next call: an event whose put was not answered stays
  // as it is until the store says what became of it, and what is refused meanwhile goes into the next one.
  Status write();

 private:
  Status write_pending();  // nothing to do without one

  ActorContext& context_;
  AuditMailbox& audit_;
  Refusals refusals_{refusals_told_apart_max};
  std::optional<Bytes> pending_;  // encoded, with its id: put again it is the same event
};

}  // namespace shearline::actors
