// Where a fuzzer cuts a stream: at every byte while that stays quick, and beyond it at places that the stream itself
// chooses, so that every place has its turn while a search changes the stream, and a finding repeats itself. The stored
// corpus is cut with more patience than what a search tries.
#pragma once

#include "base/bytes.hpp"
#include "base/crypto.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace shearline::fuzz {

// Bytes gone through over all cuts of one stream: cutting everywhere is quadratic.
inline constexpr std::size_t cut_bytes_max = SHEARLINE_FUZZ_SEARCHES ? 128 * 1024 : 2 * 1024 * 1024;
inline constexpr std::size_t cuts_min = 8;

class Cuts {
 public:
  explicit Cuts(ByteView stream) : stream_(stream), random_(seed_of(stream)) {}

  // Every place, the two ends among them, if that is affordable where one cut costs so many bytes; else some.
  std::vector<std::size_t> in_two(std::size_t cost_bytes) {
    const std::size_t places = stream_.size() + 1;
    const std::size_t affordable = std::max(cuts_min, cut_bytes_max / std::max<std::size_t>(1, cost_bytes));
    if (places > affordable) return some(affordable);
    std::vector<std::size_t> out(places);
    for (std::size_t i = 0; i < places; ++i) out[i] = i;
    return out;
  }

  std::vector<std::size_t> some(std::size_t count) {
    std::vector<std::size_t> out(count);
    for (std::size_t& each : out) each = random_.next_u64() % (stream_.size() + 1);
    return out;
  }

  // The whole stream in pieces of 1 to `bytes_max`.
  std::vector<ByteView> in_many(std::size_t bytes_max) {
    std::vector<ByteView> out;
    for (ByteView rest = stream_; !rest.empty(); rest = rest.subspan(out.back().size()))
      out.push_back(rest.first(std::min<std::size_t>(rest.size(), 1 + random_.next_u64() % bytes_max)));
    return out;
  }

 private:
  static std::uint64_t seed_of(ByteView stream) {
    const Hash hash = sha256(stream);
    std::uint64_t seed = 0;
    std::memcpy(&seed, hash.data(), sizeof seed);
    return seed;
  }

  const ByteView stream_;
  SeededRandom random_;
};

}  // namespace shearline::fuzz
