// The one way a fiber of ours goes to sleep: it parks, and a handler of its own thread's loop wakes it. Used
// by fiber_scheduler.cpp and run_blocking.cpp; others wait through await() and Event.
#pragma once

#include <boost/fiber/context.hpp>
#include <boost/fiber/scheduler.hpp>

namespace shearline::loop {

// Lives on the parked fiber's stack. Only its own thread touches it.
class ParkedFiber {
 public:
  // Returns after wake(); callers look again at what they wait for.
  void park() {
    parked_ = boost::fibers::context::active();
    parked_->suspend();
  }
  // May come more than once and before park(): only a parked fiber is made ready, and once.
  void wake() {
    if (parked_ == nullptr) return;
    boost::fibers::context* fiber = parked_;
    parked_ = nullptr;
    // Not context::schedule(): that one forbids a fiber to make itself ready, and the poll in pick_next()
    // runs while this fiber is still the active one.
    fiber->get_scheduler()->schedule(fiber);
  }

 private:
  boost::fibers::context* parked_ = nullptr;
};

}  // namespace shearline::loop
