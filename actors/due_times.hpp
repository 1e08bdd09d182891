// When each partition next has something due, as far as the rotation actor knows: a cache of the store's index that may be
// too early, never too late. Pure; control thread.
#pragma once

#include "base/clock.hpp"
#include "io/store/store.hpp"

#include <algorithm>
#include <array>

namespace shearline::actors {

class DueTimes {
 public:
  // Nothing is known: look at once.
  void look_again(unsigned partition) { next_[partition] = 0; }
  void look_again_everywhere() { next_.fill(0); }

  // A record that is due then was stored. True: that is earlier than all we knew of.
  bool note(unsigned partition, TimeMs due) {
    const bool earlier = due < next_[partition];
    next_[partition] = std::min(next_[partition], due);
    return earlier;
  }

  bool is_due(unsigned partition, TimeMs now) const { return next_[partition] <= now; }
  TimeMs earliest() const {
    return *std::min_element(next_.begin(), next_.end() - 1);
  }  // {sys} has no timers

  // What is noted between the two, while the store is asked, is kept: the answer may not know of it.
  void begin_serving(unsigned partition) { next_[partition] = time_never; }
  void end_serving(unsigned partition, TimeMs next) { note(partition, next); }

 private:
  static_assert(store::system_partition == store::partition_count - 1);
  std::array<TimeMs, store::partition_count> next_{};
};

}  // namespace shearline::actors
