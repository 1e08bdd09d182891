// Timers of one loop, ordered by deadline and linked in place: starting and stopping allocates nothing. Loops
// drive the queue; handlers and parked fibers own the timers. Knows no clock: the loop says what time it is.
#pragma once

#include <boost/intrusive/set.hpp>

#include <cstdint>
#include <optional>

namespace shearline::loop {

// expire(self) is called once, on the loop's thread, when the deadline has come. A timer that is destroyed
// stops.
struct Timer : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  void (*expire)(Timer* self) = nullptr;
  std::int64_t deadline_ms = 0;

  bool is_running() const { return is_linked(); }
  bool operator<(const Timer& other) const { return deadline_ms < other.deadline_ms; }
};

class TimerQueue {
 public:
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  void start(Timer& timer, std::int64_t deadline_ms);  // starting a running timer moves it
  static void stop(Timer& timer) { timer.unlink(); }

  std::optional<std::int64_t> next_deadline_ms() const;

  // A handler that starts its timer again must choose a later deadline, or this does not end.
  void expire_due(std::int64_t now_ms);

 private:
  boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>> running_;
};

}  // namespace shearline::loop
