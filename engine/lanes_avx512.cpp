// Sixteen messages at a time in the elements of AVX-512 vectors, and thirty-two in two groups side by side:
// rotations are one instruction, and so is every function of three words. Messages are loaded under a mask,
// which reads nothing past their end, and turned from rows into lanes in registers.
#include "engine/lanes_vector.hpp"

#include <immintrin.h>

namespace shearline::engine::lanes::detail {
namespace {

struct Avx512 {
  using Word = __m512i;
  static constexpr std::size_t lanes = 16;

  [[gnu::always_inline]] static Word all(std::uint32_t value) {
    return _mm512_set1_epi32(static_cast<int>(value));
  }
  [[gnu::always_inline]] static Word add(Word a, Word b) { return _mm512_add_epi32(a, b); }
  template <int bits>
  [[gnu::always_inline]] static Word rotate_right(Word word) {
    return _mm512_ror_epi32(word, bits);
  }
  template <int bits>
  [[gnu::always_inline]] static Word shift_right(Word word) {
    return _mm512_srli_epi32(word, bits);
  }
  // The constant of VPTERNLOG is the function's own table: bit abc of it is f(a, b, c).
  [[gnu::always_inline]] static Word xor3(Word a, Word b, Word c) {
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
  }
  [[gnu::always_inline]] static Word choose(Word e, Word f, Word g) {
    return _mm512_ternarylogic_epi32(e, f, g, 0xca);
  }
  [[gnu::always_inline]] static Word majority(Word a, Word b, Word c) {
    return _mm512_ternarylogic_epi32(a, b, c, 0xe8);
  }

  static void load_padded_messages(const Job* jobs, Word* words);
  static void load_blocks(const Job* jobs, std::size_t block, Word* words);
  static void load_midstates(const Job* jobs, std::size_t half, Word* words);
  static Word where_more(const std::uint32_t* numbers, std::uint32_t than, Word then, Word otherwise) {
    const __mmask16 more = _mm512_cmpgt_epu32_mask(_mm512_load_si512(numbers), all(than));
    return _mm512_mask_mov_epi32(otherwise, more, then);
  }
  static void store_digests(const Job* jobs, const Word* words);
};

constexpr std::size_t words_per_part = 4;  // 128 bits, within which most shuffles stay

struct PaddingRows {
  alignas(64) Byte of[one_block_message_bytes_max + 1][block_bytes];
};

// By the message's length, all of its block but the message (FIPS 180-4 section 5.1.1), the key's block
// counted in the length.
constexpr PaddingRows padding_rows = [] {
  PaddingRows rows{};
  for (std::size_t length = 0; length <= one_block_message_bytes_max; ++length) {
    const std::size_t bits = (block_bytes + length) * 8;
    rows.of[length][length] = 0x80;
    rows.of[length][block_bytes - 2] = static_cast<Byte>(bits >> 8);
    rows.of[length][block_bytes - 1] = static_cast<Byte>(bits);
  }
  return rows;
}();

[[gnu::always_inline]] inline __m512i from_big_endian(__m512i words) {
  return _mm512_shuffle_epi8(
      words, _mm512_broadcast_i32x4(_mm_set_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203)));
}

// Four rows of four words in each 128-bit part become four columns; each part for itself.
[[gnu::always_inline]] inline void transpose_in_parts(__m512i& r0, __m512i& r1, __m512i& r2, __m512i& r3) {
  const __m512i low01 = _mm512_unpacklo_epi32(r0, r1);
  const __m512i high01 = _mm512_unpackhi_epi32(r0, r1);
  const __m512i low23 = _mm512_unpacklo_epi32(r2, r3);
  const __m512i high23 = _mm512_unpackhi_epi32(r2, r3);
  r0 = _mm512_unpacklo_epi64(low01, low23);
  r1 = _mm512_unpackhi_epi64(low01, low23);
  r2 = _mm512_unpacklo_epi64(high01, high23);
  r3 = _mm512_unpackhi_epi64(high01, high23);
}

// The same with whole parts: part j of row i becomes part i of row j.
[[gnu::always_inline]] inline void transpose_parts(__m512i& r0, __m512i& r1, __m512i& r2, __m512i& r3) {
  const __m512i low01 = _mm512_shuffle_i32x4(r0, r1, 0x88);   // parts 0 and 2 of both
  const __m512i high01 = _mm512_shuffle_i32x4(r0, r1, 0xdd);  // parts 1 and 3
  const __m512i low23 = _mm512_shuffle_i32x4(r2, r3, 0x88);
  const __m512i high23 = _mm512_shuffle_i32x4(r2, r3, 0xdd);
  r0 = _mm512_shuffle_i32x4(low01, low23, 0x88);
  r1 = _mm512_shuffle_i32x4(high01, high23, 0x88);
  r2 = _mm512_shuffle_i32x4(low01, low23, 0xdd);
  r3 = _mm512_shuffle_i32x4(high01, high23, 0xdd);
}

// Sixteen rows of sixteen big-endian words become the words' lanes.
[[gnu::always_inline]] inline void transpose_blocks(__m512i* rows) {
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 16; i += 4) transpose_in_parts(rows[i], rows[i + 1], rows[i + 2], rows[i + 3]);
  // rows[4 i + k] now has in part j the words 4 j + k of jobs 4 i to 4 i + 3.
  __m512i words[16];
#pragma GCC unroll 4
  for (std::size_t k = 0; k < 4; ++k) {
    transpose_parts(rows[k], rows[4 + k], rows[8 + k], rows[12 + k]);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) words[4 * j + k] = from_big_endian(rows[4 * j + k]);
  }
#pragma GCC unroll 16
  for (std::size_t t = 0; t < 16; ++t) rows[t] = words[t];
}

[[gnu::always_inline]] inline void Avx512::load_padded_messages(const Job* jobs, Word* words) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < lanes; ++i) {
    const std::size_t length = jobs[i].message_bytes;
    const __mmask64 there = (std::uint64_t{1} << length) - 1;
    words[i] = _mm512_or_si512(_mm512_maskz_loadu_epi8(there, jobs[i].message),
                               _mm512_load_si512(padding_rows.of[length]));
  }
  transpose_blocks(words);
}

// One block of a message that may have ended before it.
__m512i padded_block(const Job& job, std::size_t block) {
  const std::size_t begin = block * block_bytes;
  if (job.message_bytes >= begin + block_bytes) return _mm512_loadu_si512(job.message + begin);
  __m512i row = _mm512_setzero_si512();
  if (job.message_bytes >= begin) {
    const std::uint64_t end = std::uint64_t{1} << (job.message_bytes - begin);
    row = _mm512_maskz_loadu_epi8(end - 1, job.message + begin);
    row = _mm512_mask_mov_epi8(row, end, _mm512_set1_epi8(static_cast<char>(0x80)));
  }
  if (block + 1 < blocks_of(job.message_bytes)) return row;
  const std::uint64_t bits = (block_bytes + std::uint64_t{job.message_bytes}) * 8;
  return _mm512_mask_set1_epi64(row, 0x80, static_cast<long long>(__builtin_bswap64(bits)));
}

void Avx512::load_blocks(const Job* jobs, std::size_t block, Word* words) {
  for (std::size_t i = 0; i < lanes; ++i) words[i] = padded_block(jobs[i], block);
  transpose_blocks(words);
}

// Four words of sixteen chaining values, each somewhere else in memory, into lanes.
template <class Address>
[[gnu::always_inline]] inline void load_four_words(Address address_of, __m512i* words) {
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    const auto part = [&](std::size_t job) { return _mm_loadu_si128(address_of(job)); };
    __m512i row = _mm512_castsi128_si512(part(i));
    row = _mm512_mask_broadcast_i32x4(row, 0x00f0, part(4 + i));
    row = _mm512_mask_broadcast_i32x4(row, 0x0f00, part(8 + i));
    words[i] = _mm512_mask_broadcast_i32x4(row, 0xf000, part(12 + i));
  }
  transpose_in_parts(words[0], words[1], words[2], words[3]);
}

[[gnu::always_inline]] inline void Avx512::load_midstates(const Job* jobs, std::size_t half, Word* words) {
  const auto at = [=](std::size_t job) { return reinterpret_cast<const __m128i*>(jobs[job].key) + 2 * half; };
  load_four_words([at](std::size_t job) { return at(job); }, words);
  load_four_words([at](std::size_t job) { return at(job) + 1; }, words + words_per_part);
}

[[gnu::always_inline]] inline void Avx512::store_digests(const Job* jobs, const Word* words) {
  __m512i rows[8];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) rows[i] = words[i];
  transpose_in_parts(rows[0], rows[1], rows[2], rows[3]);
  transpose_in_parts(rows[4], rows[5], rows[6], rows[7]);
  // Part j of rows[i] is the first half of the digest of job 4 j + i, part j of rows[4 + i] the second.
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    const __m512i first = from_big_endian(rows[i]);
    const __m512i second = from_big_endian(rows[4 + i]);
    const __m512i low = _mm512_permutex2var_epi64(first, _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), second);
    const __m512i high =
        _mm512_permutex2var_epi64(first, _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4), second);
    const auto out = [&](std::size_t job) { return reinterpret_cast<__m256i*>(jobs[job].digest); };
    _mm256_storeu_si256(out(i), _mm512_castsi512_si256(low));
    _mm256_storeu_si256(out(4 + i), _mm512_extracti64x4_epi64(low, 1));
    _mm256_storeu_si256(out(8 + i), _mm512_castsi512_si256(high));
    _mm256_storeu_si256(out(12 + i), _mm512_extracti64x4_epi64(high, 1));
  }
}

[[gnu::noinline]] void hash_sixteen(const Job* jobs) { hash_in_registers<Avx512>(jobs); }
[[gnu::noinline]] void hash_thirty_two(const Job* jobs) { hash_in_memory<Avx512, 2>(jobs); }
[[gnu::noinline]] void hash_sixteen_of_any_length(const Job* jobs) { hash_any_length<Avx512>(jobs); }

// More than the functions above and below need: schedules and chaining values, the copies of hash_rest(), and
// what registers were spilled.
constexpr std::size_t one_group_stack_bytes = 3 * 1024;
constexpr std::size_t two_groups_stack_bytes = 5 * 1024;

void one_block(const Job* jobs, std::size_t count) {
  const bool in_two_groups = count > 16;
  for (; count >= 32; count -= 32, jobs += 32) hash_thirty_two(jobs);
  if (count > 16) {
    hash_rest<32>(jobs, count, hash_thirty_two);
  } else if (count == 16) {
    hash_sixteen(jobs);
  } else if (count > 0) {
    hash_rest<16>(jobs, count, hash_sixteen);
  }
  in_two_groups ? wipe_stack<Avx512::Word, two_groups_stack_bytes>()
                : wipe_stack<Avx512::Word, one_group_stack_bytes>();
}

void any_length(const Job* jobs, std::size_t count) {
  for (; count >= 16; count -= 16, jobs += 16) hash_sixteen_of_any_length(jobs);
  if (count > 0) hash_rest<16>(jobs, count, hash_sixteen_of_any_length);
  wipe_stack<Avx512::Word, one_group_stack_bytes>();
}

}  // namespace

const Functions avx512{one_block, any_length, compress_portable};

}  // namespace shearline::engine::lanes::detail
