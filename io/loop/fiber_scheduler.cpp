// Boost.Fiber's scheduling algorithm on a Loop, and the four ways a fiber waits: for an operation, an event,
// time, and a helper thread (run_blocking.cpp). A fiber parks here and is put on the ready list by a handler
// of the loop; Boost's own timed waits and cross-thread wakes are not used (their races were mended
// after 1.74).
#include "io/loop/fiber_scheduler.hpp"

#include "base/log.hpp"
#include "io/loop/parked_fiber.hpp"

#include <boost/context/detail/exception.hpp>
#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/algo/round_robin.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/protected_fixedsize_stack.hpp>
#include <boost/fiber/scheduler.hpp>
#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>

namespace shearline::loop {
namespace {

namespace fibers = boost::fibers;

// A fiber that only yields would keep the thread from ever looking at the ring, and one that computes long before it
// yields would seldom let it look.
constexpr unsigned picks_between_polls = 64;
constexpr std::chrono::microseconds time_between_polls{100};

class RingAlgorithm final : public fibers::algo::algorithm {
 public:
  explicit RingAlgorithm(Loop& loop) : loop_(loop) {}

  void awakened(fibers::context* fiber) noexcept override { fiber->ready_link(ready_); }

  // The poll may complete an operation of the very fiber that is about to be switched away from; it then goes
  // to the end of the list, behind the dispatcher, and is resumed only after its switch.
  fibers::context* pick_next() noexcept override {
    if (++picks_ >= picks_between_polls || (!ready_.empty() && is_late())) turn(0);
    if (ready_.empty()) return nullptr;
    fibers::context* next = &ready_.front();
    ready_.pop_front();
    return next;
  }

  bool has_ready_fibers() const noexcept override { return !ready_.empty(); }

  // Nothing is ready: the thread sleeps in the ring.
  void suspend_until(const std::chrono::steady_clock::time_point& until) noexcept override {
    using namespace std::chrono;
    if (until == steady_clock::time_point::max()) return turn(-1);
    const auto wait = ceil<milliseconds>(until - steady_clock::now()).count();
    turn(std::max<std::int64_t>(0, wait));
  }

  void notify() noexcept override { loop_.notify(); }

 private:
  void turn(std::int64_t wait_ms) noexcept {
    picks_ = 0;
    loop_.turn(wait_ms);
    polled_at_ = std::chrono::steady_clock::now();
  }
  bool is_late() const noexcept { return std::chrono::steady_clock::now() - polled_at_ > time_between_polls; }

  Loop& loop_;
  unsigned picks_ = 0;
  std::chrono::steady_clock::time_point polled_at_;
  fibers::scheduler::ready_queue_type ready_;
};

}  // namespace

FiberScheduler::FiberScheduler(Loop& loop) { fibers::use_scheduling_algorithm<RingAlgorithm>(loop); }
// What is left on the ready list (this fiber's dispatcher) moves to Boost's own algorithm, so that nothing
// points at the loop when the thread ends.
FiberScheduler::~FiberScheduler() { fibers::use_scheduling_algorithm<fibers::algo::round_robin>(); }

namespace {

void run_named(const std::string& name, std::move_only_function<void()>& body) {
  try {
    body();
  } catch (const boost::context::detail::forced_unwind&) {
    throw;  // how Boost.Context unwinds a stack; must not be swallowed
  } catch (const std::exception& error) {
    log::error("fiber_failed", {{"fiber", name}, {"error", error.what()}});
    std::abort();
  } catch (...) {
    log::error("fiber_failed", {{"fiber", name}, {"error", "not a std::exception"}});
    std::abort();
  }
}

}  // namespace

namespace {

// A fiber's last frames are never left, so AddressSanitizer keeps their surroundings poisoned; the next mapping at
// that address (observed: a ring's submission queue, which liburing maps past the sanitizer) would inherit that.
class FiberStack {
 public:
  boost::context::stack_context allocate() { return pages_.allocate(); }
  void deallocate(boost::context::stack_context& stack) {
    ASAN_UNPOISON_MEMORY_REGION(static_cast<char*>(stack.sp) - stack.size, stack.size);
    pages_.deallocate(stack);
  }

 private:
  fibers::protected_fixedsize_stack pages_{fiber_stack_bytes};
};

}  // namespace

boost::fibers::fiber spawn(std::string name, std::move_only_function<void()> body) {
  return {std::allocator_arg, FiberStack(),
          [name = std::move(name), body = std::move(body)]() mutable { run_named(name, body); }};
}

// --- waiting for an operation -----------------------------------------------------------------------------

namespace {

struct ParkedOperation : Operation {
  ParkedFiber fiber;
  int result = 0;
  bool done = false;
};

// When it expires the operation is canceled; the fiber still waits for the final completion, because the
// kernel owns the operation's memory until then.
struct OperationDeadline : Timer {
  OperationDeadline(Loop& its_loop, Operation& its_operation) : loop(its_loop), operation(its_operation) {
    expire = [](Timer* self) {
      auto& deadline = *static_cast<OperationDeadline*>(self);
      deadline.passed = true;
      deadline.loop.cancel(deadline.operation);
    };
  }
  Loop& loop;
  Operation& operation;
  bool passed = false;
};

}  // namespace

int await(Loop& loop, const std::function<void(Operation&)>& start, std::int64_t deadline_ms) {
  ParkedOperation operation;
  operation.complete = [](Operation* self, int result, std::uint32_t flags) {
    auto& parked = *static_cast<ParkedOperation*>(self);
    parked.result = result;
    if ((flags & completion_more) != 0) return;
    parked.done = true;
    parked.fiber.wake();
  };
  start(operation);

  OperationDeadline deadline(loop, operation);
  if (deadline_ms >= 0) loop.start_timer(deadline, deadline_ms);
  while (!operation.done) operation.fiber.park();
  // -EINTR: the cancel met it inside a kernel worker.
  if (deadline.passed && (operation.result == -ECANCELED || operation.result == -EINTR)) return -ETIME;
  return operation.result;
}

// --- waiting for another fiber, and for time --------------------------------------------------------------

struct Event::Waiter : Timer {
  explicit Waiter(Event& its_event) : event(its_event) {
    expire = [](Timer* self) {
      auto& waiter = *static_cast<Waiter*>(self);
      std::erase(waiter.event.waiters_, &waiter);
      waiter.over = true;
      waiter.fiber.wake();
    };
  }
  Event& event;
  ParkedFiber fiber;
  bool over = false;
  bool was_set = false;
};

Event::~Event() {
  if (waiters_.empty()) return;
  log::error("event_destroyed_with_fibers_waiting", {{"fibers", waiters_.size()}});
  std::abort();
}

void Event::set() {
  set_ = true;
  for (Waiter* waiter : std::exchange(waiters_, {})) {
    waiter->over = waiter->was_set = true;
    waiter->fiber.wake();
  }
}

bool Event::wait(std::int64_t deadline_ms) {
  if (set_) return true;
  Waiter waiter(*this);
  waiters_.push_back(&waiter);
  if (deadline_ms >= 0) loop_.start_timer(waiter, deadline_ms);
  while (!waiter.over) waiter.fiber.park();
  return waiter.was_set;
}

void sleep_for_ms(Loop& loop, std::int64_t ms) {
  Event never(loop);
  never.wait(loop.monotonic_ms() + std::max<std::int64_t>(0, ms));
}

}  // namespace shearline::loop
