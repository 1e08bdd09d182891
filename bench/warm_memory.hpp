// Memory that was touched just before somebody needs it: takes out of a measurement what a host of virtual machines takes to
// find memory. Used by table_bench.
#pragma once

#include "bench/measuring.hpp"
#include "engine/entry.hpp"
#include "engine/region.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace shearline::bench {

// What a table takes from the kernel in all until it has so many credentials and slots, its outgrown indexes counted, and
// what it asks for ahead.
inline std::size_t memory_for(std::size_t credentials, std::size_t index_slots) {
  constexpr std::size_t ahead_bytes = std::size_t{32} << 20;
  return credentials * (sizeof(engine::Entry) + sizeof(engine::EntrySide)) + index_slots * 8 * 2 +
         ahead_bytes;
}

// It doubles when three quarters are in use.
inline std::size_t slots_for(std::size_t credentials) { return std::bit_ceil(credentials * 4 / 3 + 1); }

// Memory that the host has given to this machine, handed on to whoever asks the kernel next.
class WarmMemory {
 public:
  explicit WarmMemory(std::size_t bytes) : region_(bytes), left_(bytes) {
    const auto begin = Time::now();
    for (std::size_t at = 0; at < bytes; at += huge_page_bytes) region_.data()[at] = 1;
    found_in_s_ = us_since(begin) / 1e6;
  }
  // Until `wanted` bytes were handed on in all.
  void hand_on(std::size_t wanted) {
    while (handed_on_ < wanted && left_ > 0) {
      const std::size_t some = std::min(left_, huge_page_bytes);
      left_ -= some;
      handed_on_ += some;
      region_.shrink_to(left_);
    }
  }

  double found_in_s() const { return found_in_s_; }  // how long the kernel and the host took

 private:
  static constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;
  engine::Region region_;
  std::size_t left_;
  std::size_t handed_on_ = 0;
  double found_in_s_ = 0;
};

}  // namespace shearline::bench
