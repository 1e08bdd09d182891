// Work that cannot be done without blocking (scrypt, getaddrinfo) on a thread of its own, while the calling
// fiber is parked. The thread touches nothing of Boost: it stores "done" and notifies the loop.
#include "base/helper_thread.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "io/loop/parked_fiber.hpp"

#include <atomic>
#include <exception>
#include <system_error>
#include <thread>

namespace shearline::loop {
namespace {

struct BlockingWork : NotifyHook {
  explicit BlockingWork(const std::function<void()>& its_work) : work(its_work) {
    run = [](NotifyHook* self) {
      auto& job = *static_cast<BlockingWork*>(self);
      if (job.done.load(std::memory_order_acquire)) job.fiber.wake();
    };
  }
  void execute() noexcept {
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
  }

  const std::function<void()>& work;
  std::exception_ptr thrown;
  std::atomic<bool> done{false};
  ParkedFiber fiber;
};

}  // namespace

void run_blocking(Loop& loop, const std::function<void()>& work) {
  BlockingWork job(work);
  loop.add_notify_hook(job);
  try {
    std::thread helper = start_helper_thread([&loop, &job] {
      job.execute();
      job.done.store(true, std::memory_order_release);
      loop.notify();
    });
    while (!job.done.load(std::memory_order_acquire)) job.fiber.park();
    helper.join();  // it has nothing left to do but return from notify()
  } catch (const std::system_error& error) {
    log::warning("helper_thread_refused",
                 {{"error", error.what()}, {"reaction", "working on the loop's thread"}});
    job.execute();
  }
  if (job.thrown) std::rethrow_exception(job.thrown);
}

}  // namespace shearline::loop
