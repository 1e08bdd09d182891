// What a kernel of one instruction set gives to lanes.cpp, one file each. For those files only. The files of
// instruction sets that not every processor has are compiled with flags of their own, so nothing here may be
// an inline function: the linker keeps one copy of such, and might keep theirs.
#pragma once

#include "engine/lanes.hpp"

namespace shearline::engine::lanes::detail {

// SHA-256's round constants (FIPS 180-4 section 4.2.2), aligned for vector loads.
alignas(64) constexpr std::uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The block that ends the outer hash is a digest and a padding that is always the same: its words 8 to 15.
constexpr std::uint32_t digest_padding[8] = {0x80000000, 0, 0, 0, 0, 0, 0, (block_bytes + digest_bytes) * 8};

// Unnamed, so that each file has its own.
namespace {
// Of a message with its padding: 0x80 and a length of 64 bits follow it (FIPS 180-4 section 5.1.1).
[[maybe_unused]] constexpr std::size_t blocks_of(std::size_t message_bytes) {
  return (message_bytes + 8) / block_bytes + 1;
}

// Overwrites the stack where the functions of one call kept words of messages and digests, with stores of a Vector.
// Called from where they were called, so that its frame lies where theirs did. (Store by store: a REP STOS would take
// longer to begin than this takes to end.)
template <class Vector, std::size_t bytes>
[[gnu::noinline]] void wipe_stack() {
  Vector area[bytes / sizeof(Vector)];
#pragma GCC unroll 8
  for (Vector& vector : area) {
    vector = Vector{};
    asm volatile("" : "+m"(vector));
  }
}
}  // namespace

struct Functions {
  // Every message fits one block with its padding. Any count of jobs but 0.
  void (*one_block)(const Job* jobs, std::size_t count);
  // Messages of any length, any count but 0. Kernels that take a message into each element of a vector want
  // them sorted by length, for a set of lanes goes on until its longest message ends.
  void (*any_length)(const Job* jobs, std::size_t count);
  // Takes one block into the eight words of a chaining value: what midstates are made with.
  void (*compress)(std::uint32_t* words, const Byte* block);
};

extern const Functions portable;
extern const Functions sha_ni;
extern const Functions avx2;
extern const Functions avx512;
extern const Functions armv8;

// For the kernels that have lanes only.
void compress_portable(std::uint32_t* words, const Byte* block);

}  // namespace shearline::engine::lanes::detail
