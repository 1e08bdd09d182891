// SHA-256 compression with the SHA extensions of x86-64, one stream. The instructions want the eight state
// words as two registers, ABEF and CDGH, and do two rounds each; the message schedule lives in four registers
// of four words that are replaced as the rounds go on.
#include "engine/lanes_kernels.hpp"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define SHEARLINE_SHA_NI __attribute__((target("sha,sse4.1,ssse3")))

namespace shearline::engine::lanes::detail {
namespace {

struct State {
  __m128i abef;
  __m128i cdgh;
};

SHEARLINE_SHA_NI inline State load_state(const ChainingValue& words) {
  const auto* in = reinterpret_cast<const __m128i*>(words.data());
  const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(in), 0xb1);      // from A B C D, low word first
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(in + 1), 0x1b);  // from E F G H
  return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

SHEARLINE_SHA_NI inline void store_state(const State& state, ChainingValue& words) {
  auto* out = reinterpret_cast<__m128i*>(words.data());
  const __m128i feba = _mm_shuffle_epi32(state.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
  _mm_storeu_si128(out, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(out + 1, _mm_alignr_epi8(dchg, feba, 8));
}

SHEARLINE_SHA_NI inline void compress_one(State& state, const Byte* block) {
  const __m128i big_endian_words = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  __m128i w[4];
  for (int i = 0; i < 4; ++i) {
    w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + i), big_endian_words);
  }
  const State before = state;
  const auto* constants = reinterpret_cast<const __m128i*>(round_constants.data());
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {  // four rounds each
    __m128i& oldest = w[i & 3];
    const __m128i& newest = w[(i + 3) & 3];
    const __m128i sum = _mm_add_epi32(oldest, _mm_load_si128(constants + i));
    state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, sum);
    state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(sum, 0x0e));
    if (i < 12) {
      // w[t-16] + sigma0(w[t-15]), then w[t-7], then sigma1(w[t-2]).
      const __m128i seven_back = _mm_alignr_epi8(newest, w[(i + 2) & 3], 4);
      const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(oldest, w[(i + 1) & 3]), seven_back);
      oldest = _mm_sha256msg2_epu32(partial, newest);
    }
  }
  state.abef = _mm_add_epi32(state.abef, before.abef);
  state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
}

}  // namespace

bool has_sha_ni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSSE3) == 0 || (c & bit_SSE4_1) == 0) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

SHEARLINE_SHA_NI void compress_sha_ni(ChainingValue& state, const Byte* blocks, std::size_t count) {
  State registers = load_state(state);
  for (; count > 0; --count, blocks += block_bytes) compress_one(registers, blocks);
  store_state(registers, state);
}

}  // namespace shearline::engine::lanes::detail

#else

namespace shearline::engine::lanes::detail {

bool has_sha_ni() { return false; }
void compress_sha_ni(ChainingValue& state, const Byte* blocks, std::size_t count) {
  compress_portable(state, blocks, count);
}

}  // namespace shearline::engine::lanes::detail

#endif
