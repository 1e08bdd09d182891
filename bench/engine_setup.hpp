// What the benchmarks of the engine by itself have in common: the moment at which they take place, what they draw their
// credentials from, and a view of the table that is whole and fresh at that moment. Used by bench/ alone.
#pragma once

#include "base/clock.hpp"
#include "engine/table.hpp"

#include <cstdint>

namespace shearline::bench {

inline constexpr TimeMs now = 1'800'000'000'000;
inline constexpr std::uint64_t seed = 7;

struct FreshView : engine::View {
  FreshView() {
    loaded = true;
    for (auto& heard : heard_at_ms) heard = now;
  }
};

}  // namespace shearline::bench
