// What a check can come to: the verdict the wire says, and the finer outcome that stays inside (counters,
// events).
#pragma once

#include <cstdint>
#include <string_view>

namespace shearline::engine {

// The byte is the MVERIFY answer (design: protocols.md section 1).
enum class Verdict : char {
  current = 'c',
  grace = 'g',
  next = 'n',
  rejected = 'r',
  malformed = 'm',
  throttled = 't',
  unavailable = 'u',
};

enum class Outcome : std::uint8_t {
  current,
  grace,
  next,
  unknown_client,
  mismatch,
  retired,  // a digest we still recognise, or a version past its window
  revoked,
  suspended,
  malformed,
  loading,  // no complete table yet: cannot decide
  stale,    // the view is too old to say "rejected" about this one
};
inline constexpr std::size_t outcome_count = 11;

std::string_view name_of(Verdict verdict);  // "current"
std::string_view name_of(Outcome outcome);  // "unknown_client"
constexpr Verdict verdict_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::current:
      return Verdict::current;
    case Outcome::grace:
      return Verdict::grace;
    case Outcome::next:
      return Verdict::next;
    case Outcome::unknown_client:
    case Outcome::mismatch:
    case Outcome::retired:
    case Outcome::revoked:
    case Outcome::suspended:
      return Verdict::rejected;
    case Outcome::malformed:
      return Verdict::malformed;
    case Outcome::loading:
    case Outcome::stale:
      return Verdict::unavailable;
  }
  return Verdict::unavailable;
}

}  // namespace shearline::engine
