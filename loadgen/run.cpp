#include "loadgen/run.hpp"

#include "loadgen/cpu.hpp"
#include "loadgen/load_thread.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace shearline::loadgen {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t ns_per_ms = 1'000'000;
// Short runs are looked at more closely; long ones would make a log of many megabytes for nothing.
constexpr std::int64_t short_run_ms = 60'000;
constexpr std::int64_t short_interval_ms = 100;
constexpr std::int64_t interval_ms = 1'000;

Result<std::vector<int>> connect_all(const Plan& plan, const Target& target) {
  std::vector<int> sockets;
  while (sockets.size() < plan.connections) {
    auto socket = target.connect_now();
    if (!socket) {
      for (const int made : sockets) ::close(made);
      return fail(socket.error().code, plan.server + ": " + socket.error().message);
    }
    sockets.push_back(*socket);
  }
  return sockets;
}

// The threads of one run and the timeline they fill.
class Run {
 public:
  Run(const Plan& plan, const Population& population, const Script& script, const Surroundings& around,
      Target target)
      : plan_(plan),
        population_(population),
        script_(script),
        around_(around),
        target_(std::move(target)),
        rotated_(population) {}

  Outcome carry_out(const std::vector<int>& sockets, std::optional<HdrLog> log, TimeMs started_at);
  std::int64_t interval_ns() const {
    const bool is_short = plan_.checks.has_value() || plan_.duration_ms <= short_run_ms;
    return (is_short ? short_interval_ms : interval_ms) * ns_per_ms;
  }

 private:
  void start_threads(const std::vector<int>& sockets);
  void follow(Timeline& timeline);
  void collect(Timeline& timeline);
  void tell(const Timeline& timeline, std::int64_t second);

  const Plan& plan_;
  const Population& population_;
  const Script& script_;
  const Surroundings& around_;
  const Target target_;
  RotatedSecrets rotated_;
  std::vector<std::string> garbage_;
  Shared shared_;
  std::int64_t start_ns_ = 0;
  std::vector<std::unique_ptr<LoadThread>> loads_;
  std::vector<std::jthread> threads_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
  std::size_t points_told_ = 0;
  Progress so_far_;
};

void Run::start_threads(const std::vector<int>& sockets) {
  const std::size_t count = std::min(plan_.threads, plan_.connections);
  running_ = count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t first = i * plan_.connections / count;
    const std::size_t end = (i + 1) * plan_.connections / count;
    loads_.push_back(
        std::make_unique<LoadThread>(ThreadSetting{plan_, script_, target_, rotated_, garbage_, around_.time,
                                                   shared_, start_ns_, interval_ns(), i, count}));
    threads_.emplace_back([this, i, count, first, load = loads_.back().get(),
                           mine = std::vector<int>(sockets.begin() + static_cast<std::ptrdiff_t>(first),
                                                   sockets.begin() + static_cast<std::ptrdiff_t>(end))] {
      pin_this_thread(i, count);
      load->run(mine, first);
      const std::lock_guard lock(mutex_);
      --running_;
      ended_.notify_one();
    });
  }
}

// Gathers what the threads hand over, and wakes once a second for the live line, until every thread has ended.
void Run::follow(Timeline& timeline) {
  std::unique_lock lock(mutex_);
  auto next_collection = Clock::now();
  auto next_second = Clock::now() + std::chrono::seconds(1);
  std::int64_t second = 1;
  while (running_ > 0) {
    next_collection += std::chrono::milliseconds(short_interval_ms);
    ended_.wait_until(lock, next_collection, [this] { return running_ == 0; });
    lock.unlock();
    collect(timeline);
    if (Clock::now() >= next_second) {
      tell(timeline, second++);
      next_second += std::chrono::seconds(1);
    }
    lock.lock();
  }
}

void Run::collect(Timeline& timeline) {
  for (std::size_t i = 0; i < loads_.size(); ++i) timeline.add(i, loads_[i]->handover.take());
}

void Run::tell(const Timeline& timeline, std::int64_t second) {
  so_far_.second = second;
  so_far_.checks_in_it = so_far_.p99_ns = 0;
  for (; points_told_ < timeline.points().size(); ++points_told_) {
    const Point& point = timeline.points()[points_told_];
    so_far_.checks_in_it += point.checks;
    so_far_.p99_ns = std::max(so_far_.p99_ns, point.p99_ns);
    so_far_.mismatches += point.mismatches;
    so_far_.errors += point.errors;
  }
  if (around_.each_second) around_.each_second(so_far_);
}

Outcome Run::carry_out(const std::vector<int>& sockets, std::optional<HdrLog> log, TimeMs started_at) {
  if (plan_.checks) shared_.checks_left = static_cast<std::int64_t>(*plan_.checks);
  shared_.interrupted = &around_.interrupted;
  if (plan_.garbage_connections > 0) garbage_ = garbage_pieces(script_, 1);
  Outcome outcome;
  outcome.started_at = started_at;
  start_ns_ = around_.time.now_ns();
  Timeline timeline(std::min(plan_.threads, plan_.connections), static_cast<double>(interval_ns()) / 1e9,
                    std::move(log));
  start_threads(sockets);
  std::list<DuringRunner> runners;
  for (const DuringCommand& command : plan_.during) runners.emplace_back(command, population_, rotated_);
  follow(timeline);
  threads_.clear();  // joins
  collect(timeline);
  for (DuringRunner& each : runners) outcome.during.push_back(each.stop());

  std::int64_t last_answer_ns = start_ns_;
  for (const auto& load : loads_) {
    outcome.observed.merge(load->observed);
    if (!outcome.failure) outcome.failure = load->failure;
    last_answer_ns = std::max(last_answer_ns, load->last_answer_ns);
  }
  outcome.elapsed_ns = last_answer_ns - start_ns_;
  const Status written = timeline.finish(static_cast<double>(outcome.elapsed_ns) / 1e9);
  if (!written && !outcome.failure) outcome.failure = written.error();
  outcome.total = timeline.total();
  outcome.points = timeline.points();
  outcome.interrupted = around_.interrupted.load(std::memory_order_relaxed);
  return outcome;
}

}  // namespace

bool Outcome::clean() const {
  const bool during_is_well =
      std::ranges::all_of(during, [](const DuringCounts& each) { return each.failed == 0; });
  return !failure && observed.unanswered == 0 && observed.punctuality.never_sent == 0 &&
         observed.tally.mismatches == 0 && observed.tally.errors == 0 && observed.losses.total() == 0 &&
         observed.rotated.mismatches == 0 && observed.rotated.not_yet_accepted == 0 && during_is_well;
}

Result<Outcome> run_load(const Plan& plan, const Population& population, const Script& script,
                         const Surroundings& around) {
  auto target = Target::make(plan.server, plan.auth_file);
  if (!target) return std::unexpected(target.error());
  auto sockets = connect_all(plan, *target);
  if (!sockets) return std::unexpected(sockets.error());
  SystemClock wall;
  const TimeMs started_at = wall.now_ms();
  std::optional<HdrLog> log;
  if (!around.hdr_log.empty()) {
    auto created = HdrLog::create(around.hdr_log, started_at);
    if (!created) {
      for (const int socket : *sockets) ::close(socket);
      return std::unexpected(created.error());
    }
    log = std::move(*created);
  }
  return Run(plan, population, script, around, std::move(*target))
      .carry_out(*sockets, std::move(log), started_at);
}

}  // namespace shearline::loadgen
