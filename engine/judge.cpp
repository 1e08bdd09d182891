#include "engine/judge.hpp"

#include <bit>
#include <cstring>

namespace shearline::engine {
namespace {

using Words = std::array<std::uint64_t, 2>;

Words words_of(std::span<const Byte, 16> digest) {
  Words words;
  std::memcpy(words.data(), digest.data(), sizeof words);
  return words;
}

// 1 for zero, 0 for anything else, in the same time: the compiler is not to see what the value means, or it would make
// a branch of it.
unsigned is_zero(std::uint64_t difference) {
  asm volatile("" : "+r"(difference));
  return static_cast<unsigned>(1 ^ ((difference | (0 - difference)) >> 63));
}

// All bytes, always: where two digests part is nobody's business.
unsigned same_digest(const Words& a, const Words& b) { return is_zero((a[0] ^ b[0]) | (a[1] ^ b[1])); }

Likeness compare_one(const Entry& entry, KeyedHash client, const Words& presented, TimeMs now) {
  unsigned same = 0;
  unsigned dead = 0;
  unsigned open = 0;
  for (std::size_t i = 0; i < accepting_versions_max; ++i) {
    same |= same_digest(words_of(entry.digests[i].reveal()), presented) << i;
    open |= static_cast<unsigned>(now < entry.not_after_ms[i]) << i;
  }
  for (std::size_t i = 0; i < dead_digests_max; ++i)
    dead |= is_zero(entry.dead_prefixes[i] ^ presented[0]) << i;
  const unsigned its = is_zero((entry.client.low ^ client.low) | (entry.client.high ^ client.high));
  return static_cast<Likeness>(same | dead << Standing::dead_at | open << open_at | its << same_client_at);
}

std::uint64_t unpacked(std::uint64_t outcomes, std::uint64_t i) { return outcomes >> 4 * i & 15; }

// judge_avx512.cpp says the same of eight checks at a time, line by line.
Finding conclude_one(const Entry& entry, Likeness first, Likeness second, const Staleness* stalenesses) {
  using detail::choose;
  using detail::mask_of;
  constexpr std::uint64_t versions = (1U << Standing::dead_at) - 1;
  const auto standing = std::bit_cast<std::uint64_t>(entry.standing);
  const auto part = [standing](std::size_t byte) { return standing >> 8 * byte & 0xff; };
  const std::uint64_t found =
      choose(part(offsetof(Standing, under_second)), second, first) & part(offsetof(Standing, in_use));
  const std::uint64_t same = found & versions;
  const std::uint64_t live = same & std::uint64_t{first} >> open_at;
  const std::uint64_t accepts = mask_of(live != 0);
  // The last place stands in where there is none: something is read, and not used.
  constexpr std::uint64_t last_place = 1U << (accepting_versions_max - 1);
  const auto version = static_cast<unsigned>(std::countr_zero(choose(accepts, live, same) | last_place));
  const std::uint64_t role = part(offsetof(Standing, roles) + version);
  // Behind a secret that the credential knows, a stale view tells nobody which clients exist.
  const Staleness& staleness = stalenesses[part(offsetof(Standing, partition))];
  const std::uint64_t may_be_open = entry.not_after_ms[version] > staleness.horizon ? detail::may_be_open : 0;
  const std::uint64_t situation =
      (part(detail::flags_at) & (staleness.too_stale | detail::suspended)) | may_be_open;
  const std::uint64_t stands = mask_of((situation & (detail::too_stale | detail::suspended)) == 0);
  const std::uint64_t known = choose(accepts & stands, role, unpacked(detail::known_secrets, situation));
  const std::uint64_t dead = found >> Standing::dead_at != 0 ? detail::is_dead : 0;
  const std::uint64_t revoked = (found & part(offsetof(Standing, revoked))) != 0 ? detail::is_revoked : 0;
  const std::uint64_t other = unpacked(detail::other_secrets, dead | revoked);
  const std::uint64_t is_client = mask_of((first >> same_client_at & 1) != 0);
  const std::uint64_t knows = mask_of(same != 0) & is_client;
  constexpr auto unknown = static_cast<std::uint64_t>(Outcome::unknown_client);
  return {static_cast<Outcome>(choose(knows, known, choose(is_client, other, unknown))),
          static_cast<std::uint8_t>(choose(knows, version, no_version))};
}

}  // namespace

std::uint64_t detail::compare_portable(const Presented& presented, TimeMs now, Likeness* likenesses) {
  std::uint64_t same_clients = 0;
  for (std::size_t i = 0; i < presented.entries.size(); ++i) {
    likenesses[i] = compare_one(*presented.entries[i], presented.clients[i],
                                words_of(std::span(presented.digests[i]).first<16>()), now);
    same_clients |= std::uint64_t{likenesses[i]} >> same_client_at << i;
  }
  return same_clients;
}

void detail::conclude_portable(const Compared& compared, Finding* findings) {
  for (std::size_t i = 0; i < compared.entries.size(); ++i) {
    findings[i] =
        conclude_one(*compared.entries[i], compared.first[i], compared.second[i], compared.stalenesses);
  }
}

std::uint64_t compare(const Presented& presented, TimeMs now, Likeness* likenesses) {
  static const auto compare_here =
      lanes::uses(lanes::Kernel::avx512) ? detail::compare_avx512 : detail::compare_portable;
  return compare_here(presented, now, likenesses);
}

void conclude(const Compared& compared, Finding* findings) {
  static const auto conclude_here =
      lanes::uses(lanes::Kernel::avx512) ? detail::conclude_avx512 : detail::conclude_portable;
  conclude_here(compared, findings);
}

}  // namespace shearline::engine
