// A token bucket per name, for commands: `per_minute` on average, a burst of as many. Pure; at most names_max names are
// told apart, and whoever has been quiet for a minute is forgotten.
#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace shearline::actors {

class CommandRate {
 public:
  explicit CommandRate(std::uint32_t per_minute) : per_minute_(per_minute) {}

  // 0: go ahead. Otherwise the milliseconds to wait.
  TimeMs take(const std::string& name, TimeMs now) {
    if (buckets_.size() >= names_max) forget_quiet(now);
    Bucket& bucket = buckets_.try_emplace(name, Bucket{static_cast<double>(per_minute_), now}).first->second;
    bucket.tokens =
        std::min<double>(per_minute_, bucket.tokens + static_cast<double>(now - bucket.at_ms) * rate());
    bucket.at_ms = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return static_cast<TimeMs>((1 - bucket.tokens) / rate()) + 1;
  }

 private:
  static constexpr std::size_t names_max = 4096;
  struct Bucket {
    double tokens = 0;
    TimeMs at_ms = 0;
  };
  double rate() const { return per_minute_ / 60'000.0; }
  void forget_quiet(TimeMs now) {
    std::erase_if(buckets_, [now](const auto& entry) { return now - entry.second.at_ms > 60'000; });
  }

  std::uint32_t per_minute_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace shearline::actors
