// Comparing a check with its entry in three instructions: the client's hash and all digests are the first line of the
// entry, windows and the prefixes of dead digests its last. Then outcomes for eight checks at a time.
#include "engine/avx512.hpp"
#include "engine/judge.hpp"

#if defined(__x86_64__)

#include <cstddef>

namespace shearline::engine {
namespace {

constexpr std::size_t last_line = 128;
// As words of 8 bytes: the client's hash and the digests take two each; then the windows, then the dead prefixes.
static_assert(offsetof(Entry, client) == 0 && offsetof(Entry, digests) == 16 && sizeof(ShortDigest) == 16);
static_assert(offsetof(Entry, not_after_ms) == last_line && offsetof(Entry, dead_prefixes) == last_line + 24);
constexpr unsigned first_of_versions = 0b01010100;
constexpr unsigned first_of_client = 0b00000001;

}  // namespace

SHEARLINE_AVX512 std::uint64_t detail::compare_avx512(const Presented& presented, TimeMs now,
                                                      Likeness* likenesses) {
  std::uint64_t same_clients = 0;
  const __m512i now_everywhere = _mm512_set1_epi64(now);
  for (std::size_t i = 0; i < presented.entries.size(); ++i) {
    const auto* entry = reinterpret_cast<const Byte*>(presented.entries[i]);
    const __m128i digest = _mm_loadu_si128(reinterpret_cast<const __m128i*>(presented.digests[i].data()));
    const __m128i client = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&presented.clients[i]));
    const __m512i digest_everywhere = _mm512_broadcast_i64x2(digest);
    const __m512i first = _mm512_load_si512(entry);
    const __m512i last = _mm512_load_si512(entry + last_line);
    const unsigned equal = _mm512_cmpeq_epi64_mask(first, _mm512_inserti64x2(digest_everywhere, client, 0));
    const unsigned dead = _mm512_cmpeq_epi64_mask(last, _mm512_broadcastq_epi64(digest));
    const unsigned open = _mm512_cmpgt_epi64_mask(last, now_everywhere);
    const unsigned both = equal & equal >> 1;
    const std::uint64_t same_client = both & first_of_client;
    // The windows are words 0 to 2 of the line, the dead prefixes 3 to 6.
    likenesses[i] = static_cast<Likeness>(_pext_u32(both, first_of_versions) |
                                          (dead << (Standing::dead_at - accepting_versions_max) & 0xf0) |
                                          (open & 0x7) << open_at | same_client << same_client_at);
    same_clients |= same_client << i;
  }
  return same_clients;
}

namespace {

SHEARLINE_AVX512 inline __m512i all(std::uint64_t value) {
  return _mm512_set1_epi64(static_cast<long long>(value));
}

SHEARLINE_AVX512 inline __m512i part(__m512i standings, unsigned byte) {
  return _mm512_and_si512(_mm512_srli_epi64(standings, 8 * byte), all(0xff));
}

SHEARLINE_AVX512 inline __m512i unpacked(std::uint64_t outcomes, __m512i i) {
  return _mm512_and_si512(_mm512_srlv_epi64(all(outcomes), _mm512_slli_epi64(i, 2)), all(15));
}

// Words of eight bytes, `at` bytes behind each address.
SHEARLINE_AVX512 inline __m512i words_at(__mmask8 wanted, __m512i addresses, std::size_t at) {
  return _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), wanted, _mm512_add_epi64(addresses, all(at)),
                                     nullptr, 1);
}

// conclude_one() of judge.cpp for up to eight checks, and said in the same order.
SHEARLINE_AVX512 inline __m128i conclude_eight(__mmask8 wanted, const Entry* const* entries, __m512i first,
                                               __m512i second, const Staleness* stalenesses) {
  const __m512i addresses = _mm512_maskz_loadu_epi64(wanted, static_cast<const void*>(entries));
  const __m512i standings = words_at(wanted, addresses, offsetof(Entry, standing));
  const __m512i under_second = part(standings, offsetof(Standing, under_second));
  const __m512i found = _mm512_and_si512(_mm512_ternarylogic_epi64(under_second, second, first, 0xca),
                                         part(standings, offsetof(Standing, in_use)));
  const __m512i same = _mm512_and_si512(found, all((1U << Standing::dead_at) - 1));
  const __m512i live = _mm512_and_si512(same, _mm512_srli_epi64(first, open_at));
  const __mmask8 accepts = _mm512_test_epi64_mask(live, live);
  const __m512i places = _mm512_mask_mov_epi64(same, accepts, live);
  static_assert(accepting_versions_max == 3);
  __m512i version = _mm512_mask_mov_epi64(all(2), _mm512_test_epi64_mask(places, all(2)), all(1));
  version = _mm512_mask_mov_epi64(version, _mm512_test_epi64_mask(places, all(1)), all(0));
  const __m512i version_bits = _mm512_slli_epi64(version, 3);
  const __m512i role = _mm512_and_si512(
      _mm512_srlv_epi64(standings, _mm512_add_epi64(version_bits, all(8 * offsetof(Standing, roles)))),
      all(0xff));
  const __m512i partition = part(standings, offsetof(Standing, partition));
  static_assert(sizeof(Staleness) == 16);
  const __m512i staleness =
      _mm512_add_epi64(_mm512_slli_epi64(partition, 4), all(reinterpret_cast<std::uintptr_t>(stalenesses)));
  const __m512i horizon = words_at(wanted, staleness, offsetof(Staleness, horizon));
  const __m512i too_stale = words_at(wanted, staleness, offsetof(Staleness, too_stale));
  const __m512i not_after =
      words_at(wanted, _mm512_add_epi64(addresses, version_bits), offsetof(Entry, not_after_ms));
  const __m512i faults =
      _mm512_and_si512(part(standings, detail::flags_at), _mm512_or_si512(too_stale, all(detail::suspended)));
  const __m512i situation = _mm512_or_si512(
      faults, _mm512_maskz_mov_epi64(_mm512_cmpgt_epi64_mask(not_after, horizon), all(detail::may_be_open)));
  const __mmask8 stands = _mm512_testn_epi64_mask(faults, faults);
  const __m512i known =
      _mm512_mask_mov_epi64(unpacked(detail::known_secrets, situation), accepts & stands, role);
  const __mmask8 dead = _mm512_test_epi64_mask(found, all(0xffU << Standing::dead_at));
  const __mmask8 revoked = _mm512_test_epi64_mask(found, part(standings, offsetof(Standing, revoked)));
  const __m512i other = unpacked(detail::other_secrets,
                                 _mm512_or_si512(_mm512_maskz_mov_epi64(dead, all(detail::is_dead)),
                                                 _mm512_maskz_mov_epi64(revoked, all(detail::is_revoked))));
  const __mmask8 is_client = _mm512_test_epi64_mask(first, all(1U << same_client_at));
  const __mmask8 knows = _mm512_test_epi64_mask(same, same) & is_client;
  __m512i outcome = all(static_cast<std::uint64_t>(Outcome::unknown_client));
  outcome = _mm512_mask_mov_epi64(_mm512_mask_mov_epi64(outcome, is_client, other), knows, known);
  version = _mm512_mask_mov_epi64(all(no_version), knows, version);
  return _mm512_cvtepi64_epi16(_mm512_or_si512(outcome, _mm512_slli_epi64(version, 8)));
}

}  // namespace

SHEARLINE_AVX512 void detail::conclude_avx512(const Compared& compared, Finding* findings) {
  static_assert(sizeof(Finding) == 2 && offsetof(Finding, outcome) == 0 && sizeof(Likeness) == 2);
  constexpr std::size_t lanes = 8;
  for (std::size_t at = 0; at < compared.entries.size(); at += lanes) {
    const std::size_t left = compared.entries.size() - at;
    const auto wanted = static_cast<__mmask8>(left < lanes ? (1U << left) - 1 : 0xff);
    const auto likenesses = [&](const Likeness* from) SHEARLINE_AVX512 {
      return _mm512_cvtepu16_epi64(_mm_maskz_loadu_epi16(wanted, from + at));
    };
    _mm_mask_storeu_epi16(findings + at, wanted,
                          conclude_eight(wanted, compared.entries.data() + at, likenesses(compared.first),
                                         likenesses(compared.second), compared.stalenesses));
  }
}

}  // namespace shearline::engine

#else

namespace shearline::engine {

std::uint64_t detail::compare_avx512(const Presented& presented, TimeMs now, Likeness* likenesses) {
  return compare_portable(presented, now, likenesses);
}

void detail::conclude_avx512(const Compared& compared, Finding* findings) {
  conclude_portable(compared, findings);
}

}  // namespace shearline::engine

#endif
