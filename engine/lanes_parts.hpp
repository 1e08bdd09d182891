// A message's padded blocks in 128-bit parts, for the kernels that have no masked loads. Everything stays in registers,
// and nothing past the end of a message is read: its last part is taken from its last sixteen bytes and moved to its
// place. For lanes_avx2.cpp, lanes_sha_ni.cpp and lanes_armv8.cpp only, which compile it each for itself.
//
// `P` names the instruction set: P::Part is 16 bytes; load, of_halves, combined (or) and moved (bytes by a table, 0 where
// the table has its highest bit set) are its operations.
#pragma once

#include "engine/lanes_kernels.hpp"

namespace shearline::engine::lanes::detail {
namespace {

constexpr std::size_t part_bytes = 16;
constexpr std::size_t parts_per_block = block_bytes / part_bytes;

// Read at part_bytes - n: the table that moves the last n bytes to the front and clears the rest.
alignas(32) constexpr Byte last_to_front[2 * part_bytes] = {
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
// Read at part_bytes - n: 0x80 in byte n.
alignas(32) constexpr Byte end_mark[2 * part_bytes] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80};

template <class Integer>
[[gnu::always_inline]] inline std::uint64_t load_integer(const Byte* from) {
  Integer value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

// A whole message of fewer than sixteen bytes, zeros behind it: two loads that overlap where it is no power of 2.
template <class P>
inline typename P::Part load_short(const Byte* message, std::size_t bytes) {
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
  return P::of_halves(low, high);
}

// Sixteen bytes from offset `begin` of the message and its end mark; the length is not in them.
template <class P>
[[gnu::always_inline]] inline typename P::Part marked_part(const Byte* message, std::size_t bytes,
                                                           std::size_t begin) {
  if (bytes >= begin + part_bytes) return P::load(message + begin);
  if (bytes < begin) return P::of_halves(0, 0);
  const std::size_t left = bytes - begin;
  const typename P::Part mark = P::load(end_mark + part_bytes - left);
  if (left == 0) return mark;
  if (bytes < part_bytes) return P::combined(load_short<P>(message, bytes), mark);
  const typename P::Part last = P::load(message + bytes - part_bytes);
  return P::combined(P::moved(last, P::load(last_to_front + part_bytes - left)), mark);
}

// Bits of the inner hash's input, the key's block counted in.
[[gnu::always_inline]] inline std::uint64_t bits_of(const Job& job) {
  return (block_bytes + std::uint64_t{job.message_bytes}) * 8;
}

}  // namespace
}  // namespace shearline::engine::lanes::detail
