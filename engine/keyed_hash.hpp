// SipHash-1-3 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF"): where a
// client id stands in the table. Its key is random per process, so nobody outside can choose ids that
// collide. Not a MAC for anything that is stored.
#pragma once

#include "base/bytes.hpp"
#include "base/random.hpp"

#include <bit>
#include <cstdint>

namespace shearline::engine {

struct KeyedHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const KeyedHash&) const = default;
};

// The state before the first word.
struct SipKey {
  std::uint64_t v0, v1, v2, v3;
};

class KeyedHasher {
 public:
  KeyedHasher(std::uint64_t k0, std::uint64_t k1) : k0_(k0), k1_(k1) {}
  explicit KeyedHasher(Random& random) : KeyedHasher(random.next_u64(), random.next_u64()) {}

  KeyedHash operator()(ByteView bytes) const;
  SipKey key() const;

 private:
  std::uint64_t k0_;
  std::uint64_t k1_;
};

}  // namespace shearline::engine
