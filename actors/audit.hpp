// The audit actor: moves events from the store's outbox to the audit file, syncs, and only then acknowledges them in the
// store (design: architecture.md journey 3). A crash between the steps neither loses an event nor doubles it in this node's
// file; where another node takes over, the identity tells that it is the same one (docs/adr/0001). Runs on the
// control thread; works only while this node holds the control lease. A full or broken disk stops the trail with an
// alarm and never a verification: events wait in the store.
#pragma once

#include "actors/audit_file.hpp"
#include "actors/context.hpp"
#include "actors/messages.hpp"

#include <memory>
#include <string>

namespace shearline::actors {

inline constexpr std::size_t audit_batch_max = 256;  // events per partition and sync
inline constexpr std::int64_t audit_retry_ms = 1000;
inline constexpr std::int64_t audit_looks_every_ms = 30'000;  // without being told that there is something

class Audit {
 public:
  // path: the audit file in the data folder, opened and checked by start().
  Audit(ActorContext& context, std::string path);
  ~Audit();

  Status start();  // invalid: the file shows tampering
  AuditMailbox& mailbox();
  // The newest events about a credential that this node has on disk. Parks the calling fiber.
  Result<EventsAbout> events_about(std::string_view client_id, std::string_view after,
                                   std::size_t at_most) const;
  // Events that are on disk; for INFO and tests.
  std::uint64_t lines() const;
  void stop();  // drains what is in the mailbox, joins, and lets go of the file

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::actors
