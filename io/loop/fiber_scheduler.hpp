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

// Sanitizers make frames several times as large.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t fiber_stack_bytes = 256 * 1024;
#else
inline constexpr std::size_t fiber_stack_bytes = 64 * 1024;
#endif
// A fiber with our stack size below a guard page; exceptions that escape end the process with a log line
// naming the fiber.
boost::fibers::fiber spawn(std::string name, std::move_only_function<void()> body);

// Parks the calling fiber until the operation's final completion. start(operation) submits it.
// Where `deadline_ms` (loop.monotonic_ms(), -1: none) passes first, the operation is canceled and -ETIME
// returned; one that finished all the same keeps its result, so no byte and no descriptor is lost.
int await(Loop& loop, const std::function<void(Operation&)>& start, std::int64_t deadline_ms = -1);

// Where a fiber waits for another one of the same thread, or for a handler of its loop. wait() returns false
// when the deadline passed first. set() wakes all that wait and stays set until reset(). Nobody may wait when
// it is destroyed.
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void set();
  void reset() { set_ = false; }
  bool is_set() const { return set_; }
  bool wait(std::int64_t deadline_ms = -1);

 private:
  struct Waiter;

  Loop& loop_;
  bool set_ = false;
  std::vector<Waiter*> waiters_;  // on the stacks of the parked fibers
};

void sleep_for_ms(Loop& loop, std::int64_t ms);  // parks this fiber only

// Runs `work` on a helper thread and parks the fiber until it is done: scrypt, getaddrinfo, and nothing else.
// What it throws is thrown here.
void run_blocking(Loop& loop, const std::function<void()>& work);

}  // namespace shearline::loop
