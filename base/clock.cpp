#include "base/clock.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace shearline {

TimeMs SystemClock::now_ms() {
  static std::atomic<TimeMs> newest{0};
  using namespace std::chrono;
  const TimeMs now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  TimeMs seen = newest.load(std::memory_order_relaxed);
  while (seen < now && !newest.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
  }
  return seen < now ? now : seen;
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
