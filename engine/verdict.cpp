#include "engine/verdict.hpp"

namespace shearline::engine {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::current:
      return "current";
    case Verdict::grace:
      return "grace";
    case Verdict::next:
      return "next";
    case Verdict::rejected:
      return "rejected";
    case Verdict::malformed:
      return "malformed";
    case Verdict::throttled:
      return "throttled";
    case Verdict::unavailable:
      return "unavailable";
  }
  return "unavailable";
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::current:
      return "current";
    case Outcome::grace:
      return "grace";
    case Outcome::next:
      return "next";
    case Outcome::unknown_client:
      return "unknown_client";
    case Outcome::mismatch:
      return "mismatch";
    case Outcome::retired:
      return "retired";
    case Outcome::revoked:
      return "revoked";
    case Outcome::suspended:
      return "suspended";
    case Outcome::malformed:
      return "malformed";
    case Outcome::loading:
      return "loading";
    case Outcome::stale:
      return "stale";
  }
  return "loading";
}

}  // namespace shearline::engine
