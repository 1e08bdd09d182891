// See timers.hpp.
#include "io/loop/timers.hpp"

namespace shearline::loop {

void TimerQueue::start(Timer& timer, std::int64_t deadline_ms) {
  timer.unlink();
  timer.deadline_ms = deadline_ms;
  running_.insert(timer);
}

std::optional<std::int64_t> TimerQueue::next_deadline_ms() const {
  if (running_.empty()) return std::nullopt;
  return running_.begin()->deadline_ms;
}

void TimerQueue::expire_due(std::int64_t now_ms) {
  while (!running_.empty() && running_.begin()->deadline_ms <= now_ms) {
    Timer& timer = *running_.begin();
    timer.unlink();
    timer.expire(&timer);
  }
}

}  // namespace shearline::loop
