// A message's padded blocks in 128-bit parts for the kernels that have no masked loads. Everything stays in
// registers, and nothing past the end of a message is read: its last part is taken from its last sixteen bytes
// and moved to its place. For lanes_avx2.cpp and lanes_sha_ni.cpp only, which compile it each for itself.
#pragma once

#include "engine/lanes_kernels.hpp"

#include <immintrin.h>

namespace shearline::engine::lanes::detail {
namespace {

constexpr std::size_t part_bytes = 16;
constexpr std::size_t parts_per_block = block_bytes / part_bytes;

// Read at part_bytes - n: the shuffle that moves the last n bytes to the front and clears the rest.
alignas(32) constexpr Byte last_to_front[2 * part_bytes] = {
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
// Read at part_bytes - n: 0x80 in byte n.
alignas(32) constexpr Byte end_mark[2 * part_bytes] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80};

[[gnu::always_inline]] inline __m128i load_part(const Byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

[[gnu::always_inline]] inline __m128i from_big_endian(__m128i words) {
  return _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
}

template <class Integer>
[[gnu::always_inline]] inline std::uint64_t load_integer(const Byte* from) {
  Integer value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

// A whole message of fewer than sixteen bytes, zeros behind it: two loads that overlap where it is no power of 2.
inline __m128i load_short(const Byte* message, std::size_t bytes) {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (bytes >= 8) {
    low = load_integer<std::uint64_t>(message);
    if (bytes > 8) high = load_integer<std::uint64_t>(message + bytes - 8) >> (8 * (16 - bytes));
  } else if (bytes >= 4) {
    low = load_integer<std::uint32_t>(message) | load_integer<std::uint32_t>(message + bytes - 4)
                                                     << (8 * (bytes - 4));
  } else if (bytes > 0) {
    low = std::uint64_t{message[0]} | std::uint64_t{message[bytes / 2]} << (8 * (bytes / 2)) |
          std::uint64_t{message[bytes - 1]} << (8 * (bytes - 1));
  }
  return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
}

// Sixteen bytes from offset `begin` of the message and its end mark; the length is not in them.
[[gnu::always_inline]] inline __m128i marked_part(const Byte* message, std::size_t bytes, std::size_t begin) {
  if (bytes >= begin + part_bytes) return load_part(message + begin);
  if (bytes < begin) return _mm_setzero_si128();
  const std::size_t left = bytes - begin;
  const __m128i mark = load_part(end_mark + part_bytes - left);
  if (left == 0) return mark;
  if (bytes < part_bytes) return _mm_or_si128(load_short(message, bytes), mark);
  const __m128i last = load_part(message + bytes - part_bytes);
  return _mm_or_si128(_mm_shuffle_epi8(last, load_part(last_to_front + part_bytes - left)), mark);
}

// Words of one block in the machine's order; the last one of a message ends with its length in bits, the
// key's block counted in.
[[gnu::always_inline]] inline void load_padded_block(const Job& job, std::size_t block, __m128i* parts) {
  const std::size_t begin = block * block_bytes;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < parts_per_block; ++i) {
    parts[i] = from_big_endian(marked_part(job.message, job.message_bytes, begin + i * part_bytes));
  }
  if (job.message_bytes + 8 >= begin + block_bytes) return;
  const std::uint64_t bits = (block_bytes + std::uint64_t{job.message_bytes}) * 8;
  parts[3] =
      _mm_or_si128(parts[3], _mm_set_epi32(static_cast<int>(bits), static_cast<int>(bits >> 32), 0, 0));
}

}  // namespace
}  // namespace shearline::engine::lanes::detail
