// Looking for clients in the index with one comparison for the eight slots of a bucket.
//
// The wide load only says where to look: the slot that it picks is then loaded by itself, atomically and with acquire,
// and only that load says what stands there. So what the language promises of atomics is all that is relied on, but for
// one thing: that a slot which has not changed is seen (a processor with AVX-512 does not tear an aligned piece of eight
// bytes, and the part of a slot that is compared never changes while it is in use).
#include "engine/avx512.hpp"
#include "engine/index.hpp"

#if defined(__x86_64__)

#include <bit>

namespace shearline::engine {
namespace {

// Not seen as an access by the compiler, which would call it a race.
SHEARLINE_AVX512 inline __m512i peek(const void* bucket) {
  __m512i slots;
  asm volatile("vmovdqa64 %1, %0" : "=v"(slots) : "m"(*static_cast<const char(*)[64]>(bucket)));
  return slots;
}

}  // namespace

SHEARLINE_AVX512 std::uint64_t Index::look_up_avx512(SlotKind kind, std::span<const KeyedHash> hashes,
                                                     std::uint32_t* entries) const {
  const __m512i marks = _mm512_set1_epi64(mark);
  std::uint64_t alike = 0;
  std::uint64_t going_on = 0;  // those that may stand in a later bucket
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const KeyedHash hash = hashes[i];
    const std::size_t bucket = home_of(hash);
    const std::uint64_t wanted = piece_of(kind, hash);
    const __m512i slots = peek(&slots_[bucket]);
    const __m512i pieces = _mm512_srli_epi64(slots, 32);
    const unsigned fits = _mm512_cmpeq_epi64_mask(pieces, _mm512_set1_epi64(static_cast<long long>(wanted)));
    const unsigned used = _mm512_test_epi64_mask(pieces, pieces);
    const unsigned marked = _mm512_test_epi64_mask(slots, marks);
    // No branch on what fits: a processor that learns which way it goes is slower when clients are of the other sort.
    going_on |= std::uint64_t{marked >> marked_by(hash) & ((fits - 1) >> 31)} << i;
    // The one that fits is the lowest bit there is; without any, some used place or the first one stands in.
    const unsigned places = fits | used << bucket_slots | 1U << 2 * bucket_slots;
    const auto place = static_cast<std::size_t>(std::countr_zero(places)) % bucket_slots;
    const std::uint64_t slot = load(bucket + place);
    entries[i] = entry_or_nobody(slot, hash);
    alike |= std::uint64_t{slot >> 32 == wanted} << i;
  }
  if (going_on != 0) [[unlikely]]
    alike |= look_up_some(kind, hashes, going_on, entries);
  return alike;
}

}  // namespace shearline::engine

#else

namespace shearline::engine {

std::uint64_t Index::look_up_avx512(SlotKind kind, std::span<const KeyedHash> hashes,
                                    std::uint32_t* entries) const {
  return look_up_portable(kind, hashes, entries);
}

}  // namespace shearline::engine

#endif
