// The credential table: an index of 8-byte slots over a dense array of immutable entries of 192 bytes. Read by all
// workers without locks (through Batch), written by the replica actor alone (design: architecture.md "The table").
// Knows no store and no clock.
//
// Why no reader ever sees half of a change: an entry is written whole while no slot points at it and is not
// touched again while a reader may look at it. A change writes a new entry and then swaps one 8-byte slot, a
// single atomic store-release; a reader takes the slot by load-acquire and so finds either the old entry or
// the new one, and everything the writer put into it. An index that grows too large for its slots is copied into
// a next one that no reader knows, while both are kept up to date; then the pointer to it is stored as a slot is,
// and a reader that loads it finds every slot and entry written before (growing_index.hpp). The old entry, and
// an index that was outgrown, come back into use only when every worker has ended the turn in which it may have
// found them (turns.hpp; a sleeping worker counts as passed). An imported api_key is found by two slots; both
// point at the same entry, and a change swaps them one after the other.
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "base/ulid.hpp"
#include "engine/digest.hpp"
#include "engine/turns.hpp"
#include "engine/verdict.hpp"

#include <array>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace shearline::engine {

inline constexpr std::size_t accepting_versions_max = 3;
inline constexpr std::size_t dead_digests_max = 4;
inline constexpr std::size_t peppers_max = 2;  // in use at once (security.md "Keyring")

// What the writer says about one credential. Digests are borrowed for the call; `pepper` is the place, among
// those the table was made with, of the one that a digest was made under.
struct AcceptedVersion {
  Outcome role = Outcome::current;  // current, grace or next
  const Digest* digest = nullptr;
  TimeMs not_after_ms = time_never;
  Ulid version_id;
  std::uint8_t pepper = 0;
};
struct DeadDigest {
  const Digest* digest = nullptr;
  bool revoked = false;  // else retired
  std::uint8_t pepper = 0;
};
struct CredentialFacts {
  std::string_view client_id;
  std::uint64_t revision = 0;  // an older or equal one is ignored
  std::uint8_t partition = 0;
  bool suspended = false;
  bool strict_when_stale = false;
  TimeMs expires_at_ms = time_never;
  // Initialised, so that a caller may name only the members it needs.
  // NOLINTBEGIN(readability-redundant-member-init)
  std::span<const AcceptedVersion> accepted = {};  // at most accepting_versions_max
  std::span<const DeadDigest> dead = {};           // newest first, at most dead_digests_max
  // NOLINTEND(readability-redundant-member-init)
  std::optional<std::array<Byte, foreign_key_lookup_bytes>> foreign_key_lookup = std::nullopt;
};

// What we know and how fresh it is. Written by the replica, read by workers.
struct View {
  static constexpr std::size_t partitions_max = 32;
  std::atomic<bool> loaded{false};  // every partition that could be loaded is, its sum proven
  // One bit for each partition that could not be loaded: about its clients nothing is said. Cleared when all of it is in
  // the table.
  std::atomic<std::uint32_t> withheld{0};
  // Which partition a client's record stands in; set before `withheld` ever is.
  unsigned (*partition_of)(std::string_view client_id) = nullptr;
  std::array<std::atomic<TimeMs>, partitions_max> heard_at_ms{};  // the follower's last answer
  TimeMs age_ms(std::size_t partition, TimeMs now) const {
    const TimeMs heard = heard_at_ms[partition].load(std::memory_order_relaxed);
    return now > heard ? now - heard : 0;
  }
  bool whole() const {
    return loaded.load(std::memory_order_acquire) && withheld.load(std::memory_order_acquire) == 0;
  }
};
inline constexpr TimeMs stale_for_rejection_ms = 5'000;  // model.md "stale view"
inline constexpr TimeMs stale_for_strict_ms = 15 * 60'000;

struct TableOptions {
  std::size_t capacity_hint = 1024;
  std::size_t workers = 1;  // reader slots, at most workers_max
};

class Table {
 public:
  // One pepper or two: they make the midstates of every entry. While there are two, every check is hashed under
  // both, so that its time does not tell under which its credential is kept. Throws std::invalid_argument.
  Table(const TableOptions& options, std::span<const Key> peppers, Random& random);
  Table(const TableOptions& options, const Key& pepper, Random& random)
      : Table(options, std::span(&pepper, 1), random) {}
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // Writer. false: the revision is not newer than what is there (0 never is).
  bool put(const CredentialFacts& facts);
  // At most so many, one after the other; bit i is what put(facts[i]) says. New clients are hashed side by side, and what
  // is in memory is fetched ahead.
  static constexpr std::size_t put_together_max = derived_together_max;
  std::bitset<put_together_max> put(std::span<const CredentialFacts> facts);
  std::size_t size() const;                                     // credentials; any thread
  std::size_t index_slots() const;                              // of 8 bytes; writer thread only
  std::uint64_t revision_of(std::string_view client_id) const;  // 0: unknown; writer thread only
  void prefetch(std::string_view client_id) const;              // before either of them; writer thread only
  // Brings back memory that no reader can still see; cheap, called by the writer after changes and now and
  // then.
  void reclaim();

  // Readers. Between turns a worker says so; an entry found in one turn must not be used in the next.
  void enter_turn(std::size_t worker);
  void leave_turn(std::size_t worker);  // before sleeping

  // The rest of the reading interface belongs to Batch (table_impl.hpp).
  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::engine
