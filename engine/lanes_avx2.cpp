// Eight messages at a time in the elements of AVX2 vectors, for processors that have neither AVX-512 nor the
// SHA extensions. A rotation is three instructions here, which makes a compression twice as long as with
// AVX-512 and the rounds wide enough to fill the processor with one group of lanes.
#include "engine/lanes_vector.hpp"
#include "engine/lanes_x86_block.hpp"

#include <immintrin.h>

namespace shearline::engine::lanes::detail {
namespace {

struct Avx2 {
  using Word = __m256i;
  static constexpr std::size_t lanes = 8;

  [[gnu::always_inline]] static Word all(std::uint32_t value) {
    return _mm256_set1_epi32(static_cast<int>(value));
  }
  [[gnu::always_inline]] static Word add(Word a, Word b) { return _mm256_add_epi32(a, b); }
  template <int bits>
  [[gnu::always_inline]] static Word rotate_right(Word word) {
    return _mm256_or_si256(_mm256_srli_epi32(word, bits), _mm256_slli_epi32(word, 32 - bits));
  }
  template <int bits>
  [[gnu::always_inline]] static Word shift_right(Word word) {
    return _mm256_srli_epi32(word, bits);
  }
  [[gnu::always_inline]] static Word xor3(Word a, Word b, Word c) {
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
  }
  [[gnu::always_inline]] static Word choose(Word e, Word f, Word g) {
    return _mm256_xor_si256(_mm256_and_si256(e, _mm256_xor_si256(f, g)), g);
  }
  // b ^ c is a ^ b of the round before, which the compiler sees.
  [[gnu::always_inline]] static Word majority(Word a, Word b, Word c) {
    return _mm256_xor_si256(_mm256_and_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(b, c)), b);
  }

  static void load_padded_messages(const Job* jobs, Word* words) { load_blocks(jobs, 0, words); }
  static void load_blocks(const Job* jobs, std::size_t block, Word* words);
  static void load_midstates(const Job* jobs, std::size_t half, Word* words);
  static Word where_more(const std::uint32_t* numbers, std::uint32_t than, Word then, Word otherwise) {
    const Word flip = all(0x80000000);  // the comparison is of signed numbers
    const Word held = _mm256_load_si256(reinterpret_cast<const Word*>(numbers));
    const Word more = _mm256_cmpgt_epi32(_mm256_xor_si256(held, flip), _mm256_xor_si256(all(than), flip));
    return _mm256_blendv_epi8(otherwise, then, more);
  }
  static void store_digests(const Job* jobs, const Word* words);
};

// Eight rows of eight words become eight columns.
[[gnu::always_inline]] inline void transpose(__m256i* rows) {
  __m256i pairs[8];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    pairs[2 * i] = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
    pairs[2 * i + 1] = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
  }
  __m256i fours[8];  // fours[k] and fours[4 + k]: words k and 4 + k of rows 0 to 3 and of rows 4 to 7
#pragma GCC unroll 2
  for (std::size_t i = 0; i < 8; i += 4) {
    fours[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
#pragma GCC unroll 4
  for (std::size_t k = 0; k < 4; ++k) {
    rows[k] = _mm256_permute2x128_si256(fours[k], fours[4 + k], 0x20);
    rows[4 + k] = _mm256_permute2x128_si256(fours[k], fours[4 + k], 0x31);
  }
}

[[gnu::always_inline]] inline void Avx2::load_blocks(const Job* jobs, std::size_t block, Word* words) {
  for (std::size_t i = 0; i < lanes; ++i) {
    __m128i parts[parts_per_block];
    load_padded_block(jobs[i], block, parts);
    words[i] = _mm256_set_m128i(parts[1], parts[0]);
    words[8 + i] = _mm256_set_m128i(parts[3], parts[2]);
  }
  transpose(words);
  transpose(words + 8);
}

[[gnu::always_inline]] inline void Avx2::load_midstates(const Job* jobs, std::size_t half, Word* words) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < lanes; ++i) {
    words[i] = _mm256_loadu_si256(reinterpret_cast<const Word*>(jobs[i].key) + half);
  }
  transpose(words);
}

[[gnu::always_inline]] inline void Avx2::store_digests(const Job* jobs, const Word* words) {
  const Word big_endian = _mm256_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL, 0x0c0d0e0f08090a0bLL,
                                            0x0405060700010203LL);
  Word rows[8];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < lanes; ++i) rows[i] = words[i];
  transpose(rows);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < lanes; ++i) {
    _mm256_storeu_si256(reinterpret_cast<Word*>(jobs[i].digest), _mm256_shuffle_epi8(rows[i], big_endian));
  }
}

[[gnu::noinline]] void hash_eight(const Job* jobs) { hash_in_memory<Avx2, 1>(jobs); }
[[gnu::noinline]] void hash_eight_of_any_length(const Job* jobs) { hash_any_length<Avx2>(jobs); }

constexpr std::size_t stack_bytes = 3072;  // more than the functions above and below need

void one_block(const Job* jobs, std::size_t count) {
  for (; count >= 8; count -= 8, jobs += 8) hash_eight(jobs);
  if (count > 0) hash_rest<8>(jobs, count, hash_eight);
  wipe_stack<Avx2::Word, stack_bytes>();
}

void any_length(const Job* jobs, std::size_t count) {
  for (; count >= 8; count -= 8, jobs += 8) hash_eight_of_any_length(jobs);
  if (count > 0) hash_rest<8>(jobs, count, hash_eight_of_any_length);
  wipe_stack<Avx2::Word, stack_bytes>();
}

}  // namespace

const Functions avx2{one_block, any_length, compress_portable};

}  // namespace shearline::engine::lanes::detail
