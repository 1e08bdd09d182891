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

SHEARLINE_AVX512 std::uint64_t Index::look_up_avx512(std::span<const KeyedHash> hashes,
                                                     std::uint32_t* entries) const {
  const __m512i marks = _mm512_set1_epi64(mark);
  std::uint64_t alike = 0;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const KeyedHash hash = hashes[i];
    const std::size_t bucket = home_of(hash);
    const std::uint64_t wanted = piece_of(SlotKind::client, hash);
    const __m512i slots = peek(&slots_[bucket]);
    const __m512i pieces = _mm512_srli_epi64(slots, 32);
    const unsigned fits = _mm512_cmpeq_epi64_mask(pieces, _mm512_set1_epi64(static_cast<long long>(wanted)));
    const unsigned used = _mm512_test_epi64_mask(pieces, pieces);
    const unsigned marked = _mm512_test_epi64_mask(slots, marks);
    if (fits == 0 && (marked >> marked_by(hash) & 1) != 0) [[unlikely]] {
      alike |= std::uint64_t{look_up_one(hash, entries[i])} << i;
      continue;
    }
    // The one that fits is the lowest bit there is; without any, some unused place stands in.
    const unsigned places = fits | used << bucket_slots | 1U << 2 * bucket_slots;
    const auto place = static_cast<std::size_t>(std::countr_zero(places)) % bucket_slots;
    const std::uint64_t slot = load(bucket + place);
    const std::uint64_t piece = slot >> 32;
    std::uint64_t is_used_mask = 0 - std::uint64_t{piece != 0};
    asm volatile("" : "+r"(is_used_mask));  // or the compiler would make a branch of it
    entries[i] = entry_of((slot & is_used_mask) | (nobody_for(hash) & ~is_used_mask));
    alike |= std::uint64_t{piece == wanted} << i;
  }
  return alike;
}

}  // namespace shearline::engine

#else

namespace shearline::engine {

std::uint64_t Index::look_up_avx512(std::span<const KeyedHash> hashes, std::uint32_t* entries) const {
  return look_up_portable(hashes, entries);
}

}  // namespace shearline::engine

#endif
