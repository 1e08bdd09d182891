// All checks that one turn of a worker's loop delivered: add them as they are parsed (spans into the receive
// buffers, nothing copied), run once, read the results by index. Two passes over the table (prefetch, then
// read), HMACs together, constant-time compare; the same work for unknown, wrong, retired and right (design:
// security.md). Owned by one worker, used on its thread; knows no clock and no connection.
//
// On its way a pair allocates nothing and is copied nowhere but into the lanes that hash it. It takes four cache lines from
// a large table, one of the index and three of its entry, each prefetched a group ahead; one more with a second pepper.
#pragma once

#include "engine/api_key.hpp"
#include "engine/table.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace shearline::engine {

inline constexpr std::size_t batch_checks_max = 4096;

struct Match {
  Outcome outcome = Outcome::loading;
  TimeMs retires_at_ms = time_never;  // of the version that matched: its not_after or the hard end
  Ulid version_id;                    // of the version that matched, also of one past its window
  std::uint8_t partition = 0;
};

// Memory for batch_checks_max checks is taken at construction; nothing allocates after that.
class Batch {
 public:
  Batch(const Table& table, const View& view);
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  bool full() const;
  std::size_t size() const;
  // Index of the check; not when full(). The bytes must stay as they are until run() returns. A malformed
  // check is a result, not an error. A secret in the api_key form is unpacked: its client must agree, its crc
  // must fit.
  std::size_t add_pair(ByteView client_id, ByteView secret);
  // A key of the engine's form, or a foreign one that an import made known.
  std::size_t add_key(ByteView api_key);
  // Once, in a turn of the table (Table::enter_turn). The results are read in the same turn.
  void run(TimeMs now);

  std::span<const Outcome> outcomes() const;  // of all checks, by index
  Outcome outcome(std::size_t index) const { return outcomes()[index]; }
  Verdict verdict(std::size_t index) const { return verdict_of(outcome(index)); }
  Match match(std::size_t index) const;
  // As presented, or from the key; of a foreign key the client it was found to belong to, or empty. Until
  // clear().
  ByteView client_id(std::size_t index) const;
  void clear();

  // HMACs since construction: the same for every outcome, which tests hold against it.
  std::uint64_t hashed_jobs() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::engine
