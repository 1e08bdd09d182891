// What presented secrets mean to credentials: all that verification knows about versions, windows and stale views. Used
// by batch, for many checks at once. Two steps: compare() sees what is alike, conclude() makes an outcome of it. Both
// take the same steps whatever the answer is: no branch and no address depends on whether a client is known, its secret
// right or its credential in order, so that time tells none of it.
#pragma once

#include "base/clock.hpp"
#include "engine/entry.hpp"
#include "engine/keyed_hash.hpp"
#include "engine/lanes.hpp"
#include "engine/verdict.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace shearline::engine {

using PresentedDigest = std::array<Byte, lanes::digest_bytes>;

// What of an entry is as presented. Bit i for the version with index i, bit 4 + i for the dead digest with index i, as
// in Standing; then bit 8 + i for a window that has not ended, and one for the client: the entry is its own.
using Likeness = std::uint16_t;
inline constexpr unsigned open_at = 8;
inline constexpr unsigned same_client_at = 12;

// Checks as they are compared, side by side; all of one size. An entry is the client's own or any other: which, the
// comparison sees.
struct Presented {
  std::span<const Entry* const> entries;
  const KeyedHash* clients;
  const PresentedDigest* digests;  // of the secrets, under one pepper
};
// One likeness for each; bit i of the result is that of the client. Which places of an entry are in use is not looked at:
// what lies in the others may be alike, too.
std::uint64_t compare(const Presented& presented, TimeMs now, Likeness* likenesses);

// What the age of a partition's view means to its credentials.
struct Staleness {
  TimeMs horizon =
      time_never;  // a window that ended, though later than this, might have been made longer meanwhile
  std::uint64_t too_stale = 0;  // 1: for those that are strict
};
inline Staleness staleness_of(TimeMs heard_at_ms, TimeMs now) {
  const TimeMs age_ms = now - heard_at_ms;
  return {age_ms > stale_for_rejection_ms ? heard_at_ms : time_never, age_ms > stale_for_strict_ms ? 1U : 0U};
}

inline constexpr std::uint8_t no_version = 0xff;
struct Finding {
  Outcome outcome = Outcome::unknown_client;
  std::uint8_t version = no_version;  // the one whose digest it is, accepted or not
};

// The same checks again, with what compare() saw; all of one size. With one pepper in use `first` and `second` are the
// same.
struct Compared {
  std::span<const Entry* const> entries;
  const Likeness* first;
  const Likeness* second;
  const Staleness* stalenesses;  // by partition
};
void conclude(const Compared& compared, Finding* findings);

namespace detail {
std::uint64_t compare_portable(const Presented& presented, TimeMs now, Likeness* likenesses);
void conclude_portable(const Compared& compared, Finding* findings);
// Only where the lanes have an AVX-512 kernel: they ask for the same of the processor.
std::uint64_t compare_avx512(const Presented& presented, TimeMs now, Likeness* likenesses);
void conclude_avx512(const Compared& compared, Finding* findings);

// All ones or all zeros, and the compiler is not to see which, or it would make a branch of it.
inline std::uint64_t mask_of(bool condition) {
  std::uint64_t mask = 0 - std::uint64_t{condition};
  asm volatile("" : "+r"(mask));
  return mask;
}
inline std::uint64_t choose(std::uint64_t mask, std::uint64_t then, std::uint64_t otherwise) {
  return (then & mask) | (otherwise & ~mask);
}

// Outcomes by a number below 16, four bits each: a table that is one register, so that reading it touches no memory.
constexpr std::uint64_t packed(auto outcome_of) {
  static_assert(outcome_count <= 16);
  std::uint64_t outcomes = 0;
  for (unsigned i = 0; i < 16; ++i) outcomes |= static_cast<std::uint64_t>(outcome_of(i)) << 4 * i;
  return outcomes;
}
// What a secret comes to that the credential knows, its version not being open.
// The first two as they stand in Standing, in the byte behind `revoked`.
inline constexpr std::size_t flags_at = offsetof(Standing, revoked) + 1;
inline constexpr unsigned too_stale = 1;  // the credential is strict, and its view older than it allows
inline constexpr unsigned suspended = 2;
inline constexpr unsigned may_be_open = 4;  // its window might have been made longer, and we not heard of it
inline constexpr std::uint64_t known_secrets = packed([](unsigned i) {
  if ((i & too_stale) != 0) return Outcome::stale;
  if ((i & suspended) != 0) return Outcome::suspended;
  return (i & may_be_open) != 0 ? Outcome::stale : Outcome::retired;
});
// And one that accepts nothing.
inline constexpr unsigned is_dead = 1;
inline constexpr unsigned is_revoked = 2;
inline constexpr std::uint64_t other_secrets = packed([](unsigned i) {
  if ((i & is_dead) == 0) return Outcome::mismatch;
  return (i & is_revoked) != 0 ? Outcome::revoked : Outcome::retired;
});
}  // namespace detail

}  // namespace shearline::engine
