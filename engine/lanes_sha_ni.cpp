// SHA-256 with the SHA extensions of x86-64, two messages in flight. The instructions want the eight words of a
// chaining value as two registers, ABEF and CDGH, and do two rounds each; the message schedule lives in four
// registers of four words that are replaced as the rounds go on.
#include "engine/lanes_streams.hpp"
#include "engine/lanes_x86_block.hpp"

#include <immintrin.h>

namespace shearline::engine::lanes::detail {
namespace {

struct ShaNi {
  using Vector = __m128i;
  struct State {
    __m128i abef;
    __m128i cdgh;
  };

  [[gnu::always_inline]] static Vector add(Vector a, Vector b) { return _mm_add_epi32(a, b); }
  [[gnu::always_inline]] static Vector load_words(const std::uint32_t* from) {
    return _mm_loadu_si128(reinterpret_cast<const Vector*>(from));
  }
  [[gnu::always_inline]] static void add_to(State& state, const State& more) {
    state.abef = _mm_add_epi32(state.abef, more.abef);
    state.cdgh = _mm_add_epi32(state.cdgh, more.cdgh);
  }
  [[gnu::always_inline]] static void four_rounds(State& state, Vector constants_and_words) {
    state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, constants_and_words);
    state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(constants_and_words, 0x0e));
  }
  // From words t-16 to t-1 the words t to t+3.
  [[gnu::always_inline]] static Vector next_words(Vector oldest, Vector old, Vector newer, Vector newest) {
    const Vector seven_back = _mm_alignr_epi8(newest, newer, 4);
    return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(oldest, old), seven_back), newest);
  }

  [[gnu::always_inline]] static void load_state(State& state, const std::uint32_t* words) {
    const Vector cdab = _mm_shuffle_epi32(load_words(words), 0xb1);      // from A B C D, low word first
    const Vector efgh = _mm_shuffle_epi32(load_words(words + 4), 0x1b);  // from E F G H
    state.abef = _mm_alignr_epi8(cdab, efgh, 8);
    state.cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
  }
  [[gnu::always_inline]] static void digest_words(const State& state, Vector* words) {
    const Vector feba = _mm_shuffle_epi32(state.abef, 0x1b);
    const Vector dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
    words[0] = _mm_blend_epi16(feba, dchg, 0xf0);
    words[1] = _mm_alignr_epi8(dchg, feba, 8);
  }
  [[gnu::always_inline]] static void load_block(const Job& job, std::size_t block, Vector* words) {
    load_padded_block(job, block, words);
  }
  [[gnu::always_inline]] static void store_digest(const State& state, Byte* digest) {
    Vector words[2];
    digest_words(state, words);
    _mm_storeu_si128(reinterpret_cast<Vector*>(digest), from_big_endian(words[0]));
    _mm_storeu_si128(reinterpret_cast<Vector*>(digest) + 1, from_big_endian(words[1]));
  }
};

constexpr std::size_t streams = 2;
constexpr std::size_t stack_bytes = 768;  // more than the functions below and their spilled registers need

void one_block(const Job* jobs, std::size_t count) {
  for (; count >= streams; count -= streams, jobs += streams) hash_one_block<ShaNi, streams>(jobs);
  for (; count > 0; --count, ++jobs) hash_one_block<ShaNi, 1>(jobs);
  wipe_stack<ShaNi::Vector, stack_bytes>();
}

void any_length(const Job* jobs, std::size_t count) {
  hash_any_length<ShaNi, streams>(jobs, count);
  wipe_stack<ShaNi::Vector, stack_bytes>();
}

void compress(std::uint32_t* words, const Byte* block) {
  compress_block<ShaNi>(words, block);
  wipe_stack<ShaNi::Vector, stack_bytes>();
}

}  // namespace

const Functions sha_ni{one_block, any_length, compress};

}  // namespace shearline::engine::lanes::detail
