#include "loadgen/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace shearline::loadgen {
namespace {

using Clock = std::chrono::steady_clock;

// One thread's share of the connections.
class LoadThread {
 public:
  LoadThread(const Plan& plan, const Script& script, Shared& shared)
      : plan_(plan), script_(script), shared_(shared) {}

  void run(const std::vector<int>& sockets, std::size_t first_connection);

  Observed observed;
  std::uint64_t unanswered = 0;
  std::optional<Error> failure;
  Clock::time_point last_answer;

 private:
  void ask_until_done();
  void drain();
  void end_all();
  bool all_answered() const;
  bool all_ended() const;
  void note_answers();
  bool silent();

  const Plan& plan_;
  const Script& script_;
  Shared& shared_;
  std::unique_ptr<loop::Loop> loop_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::uint64_t frames_seen_ = 0;
};

void LoadThread::run(const std::vector<int>& sockets, std::size_t first_connection) {
  auto made = loop::make_loop({});
  if (!made) {
    failure = made.error();
    shared_.stop.store(true, std::memory_order_relaxed);
    for (const int socket : sockets) ::close(socket);
    return;
  }
  loop_ = std::move(*made);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    // Connections begin at places spread over the script, so that they do not ask the same things together.
    const std::size_t first_frame = (first_connection + i) * script_.frames() / plan_.connections;
    connections_.push_back(std::make_unique<Connection>(*loop_, sockets[i], script_, first_frame,
                                                        plan_.pipeline, shared_, observed));
  }
  last_answer = Clock::now();
  for (auto& connection : connections_) connection->start();
  ask_until_done();
  drain();
  end_all();
}

void LoadThread::ask_until_done() {
  const auto end = Clock::now() + std::chrono::milliseconds(plan_.checks ? INT32_MAX : plan_.duration_ms);
  while (!shared_.stop.load(std::memory_order_relaxed)) {
    if (shared_.frames_left.load(std::memory_order_relaxed) <= 0 && all_answered()) return;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0 || silent()) return;
    loop_->turn(std::min<std::int64_t>(left, 100));
    note_answers();
  }
}

void LoadThread::drain() {
  for (auto& connection : connections_) connection->stop_asking();
  const auto end = Clock::now() + std::chrono::milliseconds(drain_ms_max);
  while (!all_answered() && !failure && !shared_.stop.load(std::memory_order_relaxed) && Clock::now() < end) {
    loop_->turn(100);
    note_answers();
  }
}

void LoadThread::end_all() {
  for (auto& connection : connections_) {
    unanswered += connection->unanswered();
    connection->shut_down();
  }
  while (!all_ended()) loop_->turn(100);
  for (auto& connection : connections_) {
    if (!failure && connection->failure()) failure = connection->failure();
  }
  connections_.clear();
  loop_.reset();
}

bool LoadThread::all_answered() const {
  return std::ranges::all_of(connections_, [](const auto& each) { return each->unanswered() == 0; });
}

bool LoadThread::all_ended() const {
  return std::ranges::all_of(connections_, [](const auto& each) { return each->ended(); });
}

void LoadThread::note_answers() {
  if (observed.tally.frames == frames_seen_) return;
  frames_seen_ = observed.tally.frames;
  last_answer = Clock::now();
}

bool LoadThread::silent() {
  if (Clock::now() - last_answer < std::chrono::milliseconds(silence_ms_max) || all_answered()) return false;
  failure = Error{Code::unavailable, "no answer for " + std::to_string(silence_ms_max / 1000) + " seconds"};
  shared_.stop.store(true, std::memory_order_relaxed);
  return true;
}

Result<std::vector<int>> connect_all(const Plan& plan) {
  std::vector<int> sockets;
  while (sockets.size() < plan.connections) {
    auto socket = connect_to(plan.server);
    if (!socket) {
      for (const int made : sockets) ::close(made);
      return std::unexpected(socket.error());
    }
    sockets.push_back(*socket);
  }
  return sockets;
}

// Wakes once a second until every load thread has ended.
class LiveLine {
 public:
  explicit LiveLine(std::size_t threads) : running_(threads) {}
  void thread_ended() {
    const std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_one();
  }
  void follow(const Shared& shared, const std::function<void(const Progress&)>& each_second) {
    std::unique_lock lock(mutex_);
    std::uint64_t checks_before = 0;
    auto next = Clock::now();
    for (std::int64_t second = 1;; ++second) {
      next += std::chrono::seconds(1);
      if (changed_.wait_until(lock, next, [this] { return running_ == 0; })) return;
      const std::uint64_t checks = shared.checks_answered.load(std::memory_order_relaxed);
      each_second({second, checks - checks_before, shared.mismatches.load(std::memory_order_relaxed)});
      checks_before = checks;
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t running_;
};

}  // namespace

Result<Outcome> run_load(const Plan& plan, const Script& script,
                         const std::function<void(const Progress&)>& each_second) {
  auto sockets = connect_all(plan);
  if (!sockets) return std::unexpected(sockets.error());

  Shared shared;
  if (plan.checks) {
    const std::uint64_t per_frame = script.checks_per_frame();
    shared.frames_left = static_cast<std::int64_t>((*plan.checks + per_frame - 1) / per_frame);
  }
  const std::size_t thread_count = std::min(plan.threads, plan.connections);
  LiveLine live(thread_count);
  std::vector<std::unique_ptr<LoadThread>> loads;
  std::vector<std::jthread> threads;
  const auto started = Clock::now();
  for (std::size_t i = 0; i < thread_count; ++i) {
    const std::size_t first = i * plan.connections / thread_count;
    const std::size_t end = (i + 1) * plan.connections / thread_count;
    loads.push_back(std::make_unique<LoadThread>(plan, script, shared));
    threads.emplace_back([&live, load = loads.back().get(), first,
                          mine = std::vector<int>(sockets->begin() + static_cast<std::ptrdiff_t>(first),
                                                  sockets->begin() + static_cast<std::ptrdiff_t>(end))] {
      load->run(mine, first);
      live.thread_ended();
    });
  }
  live.follow(shared, each_second);
  threads.clear();  // joins

  Outcome outcome;
  auto last_answer = started;
  for (const auto& load : loads) {
    outcome.observed.tally.merge(load->observed.tally);
    outcome.observed.latency_ns.merge(load->observed.latency_ns);
    outcome.unanswered += load->unanswered;
    if (!outcome.failure) outcome.failure = load->failure;
    last_answer = std::max(last_answer, load->last_answer);
  }
  outcome.elapsed_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(last_answer - started).count();
  return outcome;
}

}  // namespace shearline::loadgen
