#include "io/front/front.hpp"

#include "base/check.hpp"

namespace shearline::front {

Front::Front(std::size_t workers)
    : workers_(workers), counters_(std::make_unique<WorkerCounters[]>(workers)) {
  SHEARLINE_CHECK(workers >= 1 && workers <= engine::workers_max);
}

bool Front::admit_connection(std::uint32_t most) {
  if (connections_.fetch_add(1, std::memory_order_relaxed) < most) return true;
  dismiss_connection();
  return false;
}

void Front::enlist(std::size_t worker, loop::Loop& loop) {
  std::lock_guard guard(loops_mutex_);
  loops_[worker] = &loop;
}

void Front::withdraw(std::size_t worker) {
  std::lock_guard guard(loops_mutex_);
  loops_[worker] = nullptr;
}

void Front::deal(int socket, loop::Loop& from, std::size_t& turn) {
  std::lock_guard guard(loops_mutex_);
  // Workers that have not begun yet are passed over; the one that deals is always there.
  do {
    turn = (turn + 1) % workers_;
  } while (loops_[turn] == nullptr);
  from.send_message(*loops_[turn], static_cast<std::uint64_t>(socket));
}

void Front::end_dealing() {
  std::lock_guard guard(loops_mutex_);
  dealing_ended_.store(true, std::memory_order_release);
  wake_all();
}

void Front::stop() {
  std::lock_guard guard(loops_mutex_);
  stopping_.store(true, std::memory_order_relaxed);
  wake_all();
}

// Under the lock no loop can go away between being found and being notified.
void Front::wake_all() {
  for (loop::Loop* loop : loops_) {
    if (loop != nullptr) loop->notify();
  }
}

void Front::say_why_not_ready(std::string why) {
  const std::lock_guard guard(why_mutex_);
  why_not_ready_ = std::move(why);
}

std::string Front::why_not_ready() const {
  const std::lock_guard guard(why_mutex_);
  return why_not_ready_.empty() ? "loading" : why_not_ready_;
}

}  // namespace shearline::front
