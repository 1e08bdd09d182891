// The credential table: an index of 8-byte slots over a dense array of immutable entries of at most 256
// bytes. A change writes a new entry and swaps the slot, so no reader ever sees half of one; old entries and
// outgrown indexes come back into use when every worker has passed a turn of its loop (a sleeping worker
// counts as passed). Readers: all workers, without locks. Writer: the replica actor alone (design:
// architecture.md "The table").
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "base/ulid.hpp"
#include "engine/digest.hpp"
#include "engine/verdict.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace shearline::engine {

inline constexpr std::size_t accepting_versions_max = 3;
inline constexpr std::size_t dead_digests_max = 4;
inline constexpr std::size_t workers_max = 64;

// What the writer says about one credential. Digests are borrowed for the call.
struct AcceptedVersion {
  Outcome role = Outcome::current;  // current, grace or next
  const Digest* digest = nullptr;
  TimeMs not_after_ms = time_never;
  Ulid version_id;
};
struct DeadDigest {
  const Digest* digest = nullptr;
  bool revoked = false;  // else retired
};
struct CredentialFacts {
  std::string_view client_id;
  std::uint64_t revision = 0;  // an older or equal one is ignored
  std::uint8_t partition = 0;
  bool suspended = false;
  bool strict_when_stale = false;
  TimeMs expires_at_ms = time_never;
  std::span<const AcceptedVersion> accepted;  // at most accepting_versions_max
  std::span<const DeadDigest> dead;           // newest first, at most dead_digests_max
  std::optional<std::array<Byte, 16>> foreign_key_lookup;
};

// How fresh what we know is. Written by the replica, read by workers.
struct View {
  static constexpr std::size_t partitions_max = 32;
  std::atomic<bool> loaded{false};                                // every partition loaded and its sum proven
  std::array<std::atomic<TimeMs>, partitions_max> heard_at_ms{};  // the follower's last answer
  TimeMs age_ms(std::size_t partition, TimeMs now) const {
    const TimeMs heard = heard_at_ms[partition].load(std::memory_order_relaxed);
    return now > heard ? now - heard : 0;
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
  // The pepper is used for the midstates of every entry; pepper_id is what a version's mac_key_ref must say.
  Table(const TableOptions& options, const Key& pepper, Random& random);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // Writer. false: the revision is not newer than what is there.
  bool put(const CredentialFacts& facts);
  void clear();
  std::size_t size() const;
  std::uint64_t revision_of(std::string_view client_id) const;  // 0: unknown; writer thread only
  // Brings back memory that no reader can still see; cheap, called by the writer after changes and now and
  // then.
  void reclaim();

  // Readers. Between turns a worker says so; an entry found in one turn must not be used in the next.
  void enter_turn(std::size_t worker);
  void leave_turn(std::size_t worker);  // before sleeping

  // The rest of the reading interface belongs to Batch and is the implementer's.
  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::engine
