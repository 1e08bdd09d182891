// What all workers of one engine share: who is there to be dealt connections, how many connections there are
// over all of them, whether the engine is stopping, and everybody's counters. Made by server/ before the
// workers, outlives them. Nothing here is on the path of a check; the lock is taken per connection at most.
#pragma once

#include "engine/table.hpp"
#include "io/front/counters.hpp"
#include "io/loop/loop.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace shearline::front {

class Front {
 public:
  explicit Front(std::size_t workers);

  std::size_t workers() const { return workers_; }
  WorkerCounters& counters(std::size_t worker) { return counters_[worker]; }
  const WorkerCounters& counters(std::size_t worker) const { return counters_[worker]; }

  // Ends the service of all workers in order (Worker::run). Any thread, any number of times; returns at once.
  void stop();
  // From then on readiness is off and new checks are refused with a clear answer.
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  // Why the engine is not ready, in one line, for INFO. Said by server/ while it starts; empty: nothing special.
  void say_why_not_ready(std::string why);
  std::string why_not_ready() const;

  // False: there are `most` already. Each admitted connection is dismissed once.
  bool admit_connection(std::uint32_t most);
  void dismiss_connection() { connections_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint32_t connections() const { return connections_.load(std::memory_order_relaxed); }
  std::uint64_t next_connection_id() { return ids_.fetch_add(1, std::memory_order_relaxed); }

  // Dealing. A worker enlists its loop while it runs; worker 0 hands each new socket to the next one in turn.
  // All loops stay enlisted, and so alive, until worker 0 has stopped dealing.
  void enlist(std::size_t worker, loop::Loop& loop);
  void withdraw(std::size_t worker);
  void deal(int socket, loop::Loop& from, std::size_t& turn);  // `turn`: where the round stands
  void end_dealing();
  bool dealing_has_ended() const { return dealing_ended_.load(std::memory_order_acquire); }

 private:
  void wake_all();  // under the lock

  const std::size_t workers_;
  std::unique_ptr<WorkerCounters[]> counters_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> dealing_ended_{false};
  std::atomic<std::uint32_t> connections_{0};
  std::atomic<std::uint64_t> ids_{1};
  mutable std::mutex why_mutex_;
  std::string why_not_ready_;
  std::mutex loops_mutex_;
  std::array<loop::Loop*, engine::workers_max> loops_{};
};

}  // namespace shearline::front
