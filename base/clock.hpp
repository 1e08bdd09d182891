// Time comes in as a value: Unix milliseconds, UTC, never going backwards within a process (design:
// model.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace shearline {

using TimeMs = std::int64_t;  // Unix milliseconds
inline constexpr TimeMs time_never = INT64_MAX;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeMs now_ms() = 0;
};

// Follows the wall clock but never goes backwards. Thread-safe.
class SystemClock final : public Clock {
 public:
  TimeMs now_ms() override;
};

// What the process has seen so far never sinks: the later of `seen` and `wall`, remembered in `seen`.
TimeMs never_backwards(std::atomic<TimeMs>& seen, TimeMs wall);

std::string rfc3339(TimeMs at);  // "2026-01-31T12:00:00.000Z"

}  // namespace shearline
