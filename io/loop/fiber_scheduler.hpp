// Boost.Fiber on a Loop, for the control thread and the CLI: when no fiber is ready the thread waits in the
// loop. The loop must outlive the thread's fibers and its scheduler. Everything here is for the owning thread
// only.
#pragma once

#include "base/error.hpp"
#include "io/loop/loop.hpp"

#include <boost/fiber/fiber.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace shearline::loop {

// Installs the scheduling algorithm on the calling thread and removes it at the end. Make it first on the
// thread, destroy it after every fiber is joined.
class FiberScheduler {
 public:
  explicit FiberScheduler(Loop& loop);
  ~FiberScheduler();
  FiberScheduler(const FiberScheduler&) = delete;
  FiberScheduler& operator=(const FiberScheduler&) = delete;
};

inline constexpr std::size_t fiber_stack_bytes = 64 * 1024;
// A fiber with our stack size; exceptions that escape end the process with a log line naming the fiber.
boost::fibers::fiber spawn(std::string name, std::function<void()> body);

// Parks the calling fiber until the operation's final completion. start(operation) submits it.
// Where `deadline_ms` (monotonic, -1: none) passes first, the operation is canceled and -ETIME returned.
int await(Loop& loop, const std::function<void(Operation&)>& start, std::int64_t deadline_ms = -1);

// Where a fiber waits for another one of the same thread. wait() returns false when the deadline passed
// first. set() wakes all that wait and stays set until reset().
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  void set();
  void reset() { set_ = false; }
  bool is_set() const { return set_; }
  bool wait(std::int64_t deadline_ms = -1);

 private:
  Loop& loop_;
  bool set_ = false;
  std::vector<boost::fibers::context*> waiters_;  // parked fibers of this thread
};

void sleep_for_ms(Loop& loop, std::int64_t ms);  // parks this fiber only

// Runs `work` on a helper thread and parks the fiber until it is done: scrypt, getaddrinfo, and nothing else.
void run_blocking(Loop& loop, const std::function<void()>& work);

}  // namespace shearline::loop
