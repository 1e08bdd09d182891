// How other threads wake the owner of a loop: an eventfd that is written only when the owner sleeps. One per
// loop, used by both backends; knows nothing of what the owner waits in.
#pragma once

#include "base/error.hpp"

#include <atomic>

namespace shearline::loop {

// Owner: one loop. notify() from any thread, the rest from the loop's own.
class Wake {
 public:
  Wake() = default;
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  Status open();
  // Readable from the first notice on and never read: the loop watches for edges, each write is one.
  int descriptor() const { return event_; }

  // Before the owner waits. False: a notice is there already, so it must not. Sleep is published first and
  // notices are checked after it, in one exchange: a notify() that comes later finds `sleeping` and writes the
  // eventfd, so none is lost between the check and the wait.
  bool fall_asleep() {
    State expected = State::running;
    return state_.compare_exchange_strong(expected, State::sleeping);
  }
  // After the wait, also where there was none. True: there was a notice, and what was written before it is
  // visible now.
  bool wake_up() { return state_.exchange(State::running) == State::notified; }

  // Cheap while the owner is awake: one exchange, no system call. The exchange must happen even when a notice
  // is already pending, since the owner's next exchange then sees everything written before this call.
  void notify();

 private:
  enum class State : int { running, sleeping, notified };

  alignas(64) std::atomic<State> state_{State::running};  // a line that other threads write
  int event_ = -1;
};

}  // namespace shearline::loop
