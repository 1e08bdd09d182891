#include "base/clock.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace shearline {

TimeMs never_backwards(std::atomic<TimeMs>& seen, TimeMs wall) {
  TimeMs newest = seen.load(std::memory_order_relaxed);
  while (newest < wall && !seen.compare_exchange_weak(newest, wall, std::memory_order_relaxed)) {
  }
  return newest < wall ? wall : newest;
}

TimeMs SystemClock::now_ms() {
  static std::atomic<TimeMs> seen{0};
  using namespace std::chrono;
  return never_backwards(seen, duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

std::string rfc3339(TimeMs at) {
  const std::time_t seconds = static_cast<std::time_t>(at / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48];
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(at % 1000));
  return text;
}

}  // namespace shearline
