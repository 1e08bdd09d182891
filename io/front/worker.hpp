// The data plane: one worker per core takes what its loop delivered, gathers every check in it into one
// batch, answers, and sleeps. Its public face for server/, which makes one Front and N workers and gives each
// a thread. Knows no store and no actor; the table and the view are all it reads.
//
//   Front front(count);
//   std::vector<std::unique_ptr<Worker>> workers;   // worker 0 holds the listeners
//   for (i) threads.emplace_back([&] { workers[i]->run(); });
//   for (worker) if (Status running = worker->wait_until_running(); !running) ... say why
//   ...
//   front.stop();  join;  close the listening sockets
//
// What server/ does itself: binds the listeners (loop::listen_on); raises the soft limit of descriptors above
// connections_max before it starts the workers (io_uring reads the limit when accepting is armed); gives the
// table as many reader slots as there are workers.
#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/table.hpp"
#include "io/front/client.hpp"
#include "io/front/connection.hpp"
#include "io/front/front.hpp"

#include <cstdint>
#include <future>
#include <string>
#include <vector>

namespace shearline::front {

struct WorkerOptions {
  std::vector<int> listeners;     // listening sockets, used by worker 0 and closed by whoever bound them
  std::vector<Gateway> gateways;  // any: every connection must AUTH before it may check
  std::string engine_version = "0";
  std::size_t partitions = 16;             // whose view ages INFO tells
  std::uint32_t connections_max = 10'000;  // over all workers; the next one is told so and closed
  ConnectionLimits limits;
  std::int64_t drain_ms = 2'000;       // after stop, for requests begun and replies unsent
  std::int64_t accept_retry_ms = 100;  // after the process ran out of descriptors
  TimeMs answer_max_age_ms = 60'000;   // ceiling of EXPLAIN's max_age_ms, beside the version's own end
  loop::Backend backend = loop::Backend::io_uring;  // the same for all workers: they send each other messages
  unsigned ring_entries = 1024;
  unsigned receive_buffers = 256;  // the bounded ingress queue, for all connections of the worker
  unsigned receive_buffer_bytes = 16 * 1024;
};

// Lifecycle: constructed anywhere; run() makes, uses and frees everything else on its thread. Destroy after
// run() has returned. Front, table, view and clock outlive it.
// Owner: server/. Thread: run() on its own; the rest from any.
class Worker {
 public:
  Worker(const WorkerOptions& options, engine::Table& table, const engine::View& view, Clock& clock,
         Front& front, std::size_t index);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Serves until Front::stop(): then stops accepting, answers new checks with -UNAVAILABLE stopping, finishes
  // and sends what is in flight for at most drain_ms, closes every connection, and returns. Workers other
  // than 0 return when worker 0 has stopped dealing. unavailable: no loop could be made here; the message
  // says what to permit. If worker 0 cannot run, stop the front: the others wait for that.
  Status run();
  // Blocks until run() serves, or has failed to: then with its error.
  Status wait_until_running() const { return running_.get(); }

  std::size_t index() const { return index_; }
  const WorkerCounters& counters() const { return front_.counters(index_); }

 private:
  class Service;

  const WorkerOptions options_;
  engine::Table& table_;
  const engine::View& view_;
  Clock& clock_;
  Front& front_;
  const std::size_t index_;
  std::promise<Status> has_begun_;
  std::shared_future<Status> running_;
};

}  // namespace shearline::front
