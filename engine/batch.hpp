// All checks that one turn of a worker's loop delivered: add them as they are parsed (spans into the receive
// buffers, nothing copied), run once, read the results by index. Two passes over the table (prefetch, then
// read), HMACs together, constant-time compare; the same work for unknown, wrong, retired and right (design:
// security.md).
#pragma once

#include "engine/api_key.hpp"
#include "engine/table.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace shearline::engine {

inline constexpr std::size_t batch_checks_max = 4096;

struct Match {
  Outcome outcome = Outcome::loading;
  TimeMs retires_at_ms = time_never;  // for grace and next: not_after
  Ulid version_id;
  std::uint8_t partition = 0;
};

class Batch {
 public:
  Batch(const Table& table, const View& view);
  ~Batch();

  bool full() const;
  std::size_t size() const;
  // Index of the check. The bytes must stay as they are until run() returns. A malformed pair is a result,
  // not an error. A secret in the api_key form is unpacked: its client must agree, its crc must fit.
  std::size_t add_pair(ByteView client_id, ByteView secret);
  std::size_t add_key(ByteView api_key);
  void run(TimeMs now);
  Verdict verdict(std::size_t index) const;
  const Match& match(std::size_t index) const;
  ByteView client_id(std::size_t index) const;  // as presented, or from the key; valid until clear()
  void clear();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::engine
