// HMAC-SHA-256 for many keys at once, from midstates: the one place where verification spends its time. Used
// by digest and batch; which kernel runs is decided once per process by what the processor has. Knows nothing
// of credentials, and leaves no byte of a message behind.
#pragma once

#include "base/bytes.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace shearline::engine::lanes {

inline constexpr std::size_t block_bytes = 64;
inline constexpr std::size_t digest_bytes = 32;
// The longest message whose padding fits the same block: two compressions for the whole HMAC.
inline constexpr std::size_t one_block_message_bytes_max = block_bytes - 1 - 8;

using ChainingValue = std::array<std::uint32_t, 8>;
using Block = std::span<const Byte, block_bytes>;

// inner and outer: what SHA-256 has in hand after the key's block (RFC 2104). Everything is borrowed for the
// call; the digest may not overlap a message.
struct Job {
  const ChainingValue* inner = nullptr;
  const ChainingValue* outer = nullptr;
  ByteView message;        // any length
  Byte* digest = nullptr;  // digest_bytes of room
};

enum class Kernel { portable, sha_ni };
std::string_view name_of(Kernel kernel);
// What this processor can run, the fastest first; never empty.
std::span<const Kernel> kernels();

void hmac(std::span<const Job> jobs);                 // on the fastest kernel
void hmac(Kernel kernel, std::span<const Job> jobs);  // on one of kernels(), for tests and benchmarks

// The chaining value after one block, from SHA-256's initial value: how midstates come about.
ChainingValue after_block(Block block);

}  // namespace shearline::engine::lanes
