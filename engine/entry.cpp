#include "engine/entry.hpp"

#include <bit>

namespace shearline::engine {
namespace {

using Words = std::array<std::uint64_t, 2>;

Words words_of(std::span<const Byte, 16> digest) {
  Words words;
  std::memcpy(words.data(), digest.data(), sizeof words);
  return words;
}

// 1 for zero, 0 for anything else, in the same time: the compiler is not to see what the value means, or it
// would make a branch of it.
unsigned is_zero(std::uint64_t difference) {
  asm volatile("" : "+r"(difference));
  return static_cast<unsigned>(1 ^ ((difference | (0 - difference)) >> 63));
}

// All bytes, always: where two digests part is nobody's business.
unsigned same_digest(const Words& a, const Words& b) { return is_zero((a[0] ^ b[0]) | (a[1] ^ b[1])); }

// Which places hold a presented digest, as masks.
struct Places {
  unsigned same = 0;
  unsigned dead = 0;
};

Places compare_under_one(const Entry& entry, const Words& presented) {
  Places places;
  for (std::size_t i = 0; i < accepting_versions_max; ++i) {
    places.same |= same_digest(words_of(entry.digests[i].reveal()), presented) << i;
  }
  for (std::size_t i = 0; i < dead_digests_max; ++i) {
    places.dead |= is_zero(entry.dead_prefixes[i] ^ presented[0]) << i;
  }
  return places;
}

Places compare_under_both(const Entry& entry, const PresentedDigests& presented) {
  const Places first = compare_under_one(entry, words_of(presented.under_first.first<16>()));
  const Places second = compare_under_one(entry, words_of(presented.under_second.first<16>()));
  const unsigned accepted_under = entry.accepted_under_second;
  const unsigned dead_under = entry.dead_under_second;
  return {(first.same & ~accepted_under) | (second.same & accepted_under),
          (first.dead & ~dead_under) | (second.dead & dead_under)};
}

bool window_ended_after(TimeMs not_after_ms, TimeMs heard_at_ms) { return not_after_ms > heard_at_ms; }

}  // namespace

ShortDigest shortened(std::span<const Byte, 32> digest) { return ShortDigest::copy_of(digest.first<16>()); }
std::uint64_t prefix_of(std::span<const Byte, 32> digest) { return words_of(digest.first<16>())[0]; }

Finding judge(const Entry& entry, const PresentedDigests& presented, TimeMs now, TimeMs heard_at_ms) {
  // Every digest and every window is looked at before anything is decided. How many peppers are in use is the
  // table's, not the credential's: it may branch.
  const bool one_pepper = presented.under_first.data() == presented.under_second.data();
  auto [same, dead] = one_pepper ? compare_under_one(entry, words_of(presented.under_first.first<16>()))
                                 : compare_under_both(entry, presented);
  unsigned open = 0;
  for (std::size_t i = 0; i < accepting_versions_max; ++i) {
    open |= static_cast<unsigned>(now < entry.not_after_ms[i]) << i;
  }
  same &= entry.accepted_mask;
  dead &= entry.dead_mask;

  if (same == 0) {
    if (dead == 0) return {Outcome::mismatch, no_version};
    return {(dead & entry.revoked_mask) != 0 ? Outcome::revoked : Outcome::retired, no_version};
  }
  // From here on the caller has shown a secret that the credential knows, so a stale view tells nobody which
  // clients exist.
  const unsigned candidates = (same & open) != 0 ? same & open : same;
  const auto version = static_cast<std::uint8_t>(std::countr_zero(candidates));
  const TimeMs age_ms = now > heard_at_ms ? now - heard_at_ms : 0;
  if (entry.strict_when_stale && age_ms > stale_for_strict_ms) return {Outcome::stale, version};
  if (entry.suspended) return {Outcome::suspended, version};
  if ((open >> version & 1) != 0) return {entry.roles[version], version};
  const bool may_have_changed =
      age_ms > stale_for_rejection_ms && window_ended_after(entry.not_after_ms[version], heard_at_ms);
  return {may_have_changed ? Outcome::stale : Outcome::retired, version};
}

}  // namespace shearline::engine
