// The file of the audit trail: a hash chain (ledger/hash_chain.hpp) on disk, appended and synced in batches. Used by the
// audit actor only; knows nothing of actors.
#pragma once

#include "base/error.hpp"
#include "io/loop/loop.hpp"
#include "ledger/hash_chain.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::actors {

// Fiber-blocking on the loop. Holds a lock on the file, so that two engines never share a data folder.
class AuditFile {
 public:
  // Checks the end of what is there, as many lines as it remembers events of, and cuts a torn last line away: quick
  // however long the trail has become; all of it is checked by `shearline audit`. invalid: the chain is broken; nobody
  // appends to a file that shows tampering. conflict: another engine has it.
  static Result<AuditFile> open(loop::Loop& loop, const std::string& path);
  AuditFile(AuditFile&& other) noexcept;
  AuditFile& operator=(AuditFile&&) = delete;
  ~AuditFile();

  const ledger::HashChain& chain() const { return chain_; }
  // Appends and syncs all of it, or fails and leaves the file as it was for the next try.
  Status append(ledger::HashChain::Draft draft);

 private:
  AuditFile(loop::Loop& loop, int file);

  loop::Loop* loop_;
  int file_ = -1;
  ledger::HashChain chain_;
  std::uint64_t bytes_ = 0;
};

using EventIds = std::set<std::string, std::less<>>;
// Which of these events (by their event_id) stand in the file, however far back. Blocking, and reads the whole file where
// one does not: for a helper thread, and for what the chain does not remember.
Result<EventIds> events_in_file(const std::string& path, const EventIds& wanted);

// The newest events about one subject, oldest first, read backwards from the end of the file. Blocking: for a helper
// thread. They are told up to whichever comes first of the two limits; `more` says that there were older ones. A group or
// an admin may have a credential's name: the partition tells whose events are asked for.
inline constexpr std::size_t events_told_max = 100;
inline constexpr std::size_t events_told_bytes_max = 32 * 1024;  // an answer is one JWS of at most 64 KiB
struct EventsAbout {
  std::vector<std::string> events;  // JSON objects
  bool more = false;
  EventIds ids;  // the `id` of every event about it that stands in the file, told or not
};
// after: only events newer than the one with this id; empty: no such limit.
Result<EventsAbout> newest_events_about(const std::string& path, unsigned partition, std::string_view subject,
                                        std::string_view after, std::size_t at_most);

}  // namespace shearline::actors
