// Randomness comes in as an object, so that tests and simulation can hold it.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>

namespace shearline {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(ByteSpan out) = 0;
  std::uint64_t next_u64();
};

// The operating system's generator. Thread-safe. Ends the process if the system cannot deliver.
class SystemRandom final : public Random {
 public:
  void fill(ByteSpan out) override;
};

// For tests, simulation and the load generator only: repeatable from its seed (SplitMix64).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(ByteSpan out) override;

 private:
  std::uint64_t state_;
};

}  // namespace shearline
