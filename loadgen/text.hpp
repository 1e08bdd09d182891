// Numbers as people read them, and printf into a string. Shared by the reports; knows nothing of what they show.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

namespace shearline::loadgen {

// At most 511 characters: numbers with words between them, not texts of unknown length.
template <class... Args>
std::string format(const char* pattern, Args... args) {
  char buffer[512];
  const int length = std::snprintf(buffer, sizeof buffer, pattern, args...);
  return {buffer, length < 0 ? 0 : std::min(static_cast<std::size_t>(length), sizeof buffer - 1)};
}

inline double per_second(std::uint64_t count, std::int64_t elapsed_ns) {
  return elapsed_ns <= 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(elapsed_ns);
}

inline double microseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1000; }

// "12.34 M/s"
inline std::string rate_text(double each_second) {
  if (each_second >= 1e6) return format("%.2f M/s", each_second / 1e6);
  if (each_second >= 1e3) return format("%.1f k/s", each_second / 1e3);
  return format("%.0f /s", each_second);
}

// "850 ns", "12.3 us", "4.56 ms", "1.2 s"
inline std::string time_text(std::uint64_t ns) {
  const auto value = static_cast<double>(ns);
  if (value < 1e3) return format("%.0f ns", value);
  if (value < 1e6) return format("%.1f us", value / 1e3);
  if (value < 1e9) return format("%.2f ms", value / 1e6);
  return format("%.2f s", value / 1e9);
}

}  // namespace shearline::loadgen
