// HMAC-SHA-256 for many keys at once, from midstates: the one place where verification spends its time. Used
// by digest and batch; which kernel runs is decided by what the processor has and by how many jobs there are.
// Knows nothing of credentials, and leaves no byte of a message behind.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace shearline::engine::lanes {

inline constexpr std::size_t block_bytes = 64;
inline constexpr std::size_t digest_bytes = 32;
// The longest message whose padding fits the same block: two compressions for the whole HMAC.
inline constexpr std::size_t one_block_message_bytes_max = block_bytes - 1 - 8;

using ChainingValue = std::array<std::uint32_t, 8>;
using Block = std::span<const Byte, block_bytes>;

// SHA-256 chaining values after the key's block of the inner and of the outer hash (RFC 2104): what is left
// of a key. Wiped with its owner. One behind the other, because kernels load both at once.
struct Midstates {
  Midstates() = default;
  Midstates(const Midstates&) = default;
  Midstates& operator=(const Midstates&) = default;
  ~Midstates();

  ChainingValue inner{};
  ChainingValue outer{};
};
static_assert(sizeof(Midstates) == block_bytes && offsetof(Midstates, outer) == block_bytes / 2);

// Everything is borrowed for the call. No byte beyond a message is read, and a digest overlaps nothing else.
struct Job {
  const Midstates* key = nullptr;
  const Byte* message = nullptr;  // any length, any alignment
  std::size_t message_bytes = 0;
  Byte* digest = nullptr;  // digest_bytes of room
};

enum class Kernel : std::uint8_t { portable, sha_ni, avx2, avx512, armv8 };
std::string_view name_of(Kernel kernel);
// The environment variable by which a test makes hmac(jobs) use one kernel for every number of jobs.
inline constexpr const char* kernel_variable = "SHEARLINE_LANES";
// What this processor can run, the fastest for many jobs first; never empty.
std::span<const Kernel> kernels();
Result<Kernel> kernel_named(std::string_view name);  // one of kernels()
// The one that kernel_variable named when the process began to hash. Throws std::invalid_argument, while
// starting up, when that is a name this processor has no kernel for; the server judges it before (config.hpp).
std::optional<Kernel> forced_kernel();
// Whether hmac(jobs) takes it, for some number of jobs. Other parts of a check have an AVX-512 way of their own, which
// they take when the lanes do.
bool uses(Kernel kernel);

void hmac(std::span<const Job> jobs);                 // on the fastest kernels for so many (lanes_plan.hpp)
void hmac(Kernel kernel, std::span<const Job> jobs);  // on one of kernels(), for tests and benchmarks

// The chaining value after one block, from SHA-256's initial value: how midstates come about.
ChainingValue after_block(Block block);

}  // namespace shearline::engine::lanes
