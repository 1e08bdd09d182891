// The parts of a message (lanes_parts.hpp) in SSE registers, put together to blocks. For lanes_avx2.cpp and
// lanes_sha_ni.cpp only, which compile it each for itself.
#pragma once

#include "engine/lanes_parts.hpp"

#include <immintrin.h>

namespace shearline::engine::lanes::detail {
namespace {

struct Sse {
  using Part = __m128i;
  [[gnu::always_inline]] static Part load(const Byte* from) {
    return _mm_loadu_si128(reinterpret_cast<const Part*>(from));
  }
  [[gnu::always_inline]] static Part of_halves(std::uint64_t low, std::uint64_t high) {
    return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
  }
  [[gnu::always_inline]] static Part combined(Part a, Part b) { return _mm_or_si128(a, b); }
  [[gnu::always_inline]] static Part moved(Part bytes, Part table) { return _mm_shuffle_epi8(bytes, table); }
};

[[gnu::always_inline]] inline __m128i from_big_endian(__m128i words) {
  return _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
}

// Words of one block in the machine's order; the last one of a message ends with its length in bits.
[[gnu::always_inline]] inline void load_padded_block(const Job& job, std::size_t block, __m128i* parts) {
  const std::size_t begin = block * block_bytes;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < parts_per_block; ++i) {
    parts[i] = from_big_endian(marked_part<Sse>(job.message, job.message_bytes, begin + i * part_bytes));
  }
  if (job.message_bytes + 8 >= begin + block_bytes) return;
  const std::uint64_t bits = bits_of(job);
  parts[3] =
      _mm_or_si128(parts[3], _mm_set_epi32(static_cast<int>(bits), static_cast<int>(bits >> 32), 0, 0));
}

}  // namespace
}  // namespace shearline::engine::lanes::detail
