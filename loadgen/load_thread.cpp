#include "loadgen/load_thread.hpp"

#include "loadgen/cpu.hpp"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <thread>

namespace shearline::loadgen {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t look_every_ns = 100 * ns_per_ms;
// The kernel's timers wake late by some tens of microseconds: closer to a due frame than this the thread stays awake.
constexpr std::int64_t awake_ns = 2 * ns_per_ms;

}  // namespace

LoadThread::LoadThread(const ThreadSetting& setting)
    : set_(setting),
      counted_(setting.plan.checks.has_value()),
      end_ns_(counted_ ? std::numeric_limits<std::int64_t>::max() / 2
                       : setting.start_ns + setting.plan.duration_ms * ns_per_ms) {
  if (!set_.plan.is_open_loop()) return;
  const double frames_per_s =
      *set_.plan.checks_per_s / set_.script.checks_per_frame() / static_cast<double>(set_.threads);
  const double phase = static_cast<double>(set_.number) / static_cast<double>(set_.threads);
  schedule_.emplace(frames_per_s, set_.plan.arrivals, phase, set_.number + 1, set_.start_ns);
}

void LoadThread::run(const std::vector<int>& sockets, std::size_t first_connection) {
  auto made = loop::make_loop({});
  if (!made) {
    fail_with(made.error().message);
    for (const int socket : sockets) ::close(socket);
    return;
  }
  loop_ = std::move(*made);
  last_answer_ns = looked_at_ns_ = quiet_since_ns_ = set_.time.now_ns();
  const CpuUse before = cpu_use_of_this_thread();
  start(sockets, first_connection);
  ask_until_done();
  const CpuUse used = cpu_use_of_this_thread() - before;
  observed.punctuality.busy_share_max = std::clamp(
      static_cast<double>(used.wanted_ns - idle_ns_) / static_cast<double>(used.elapsed_ns), 0.0, 1.0);
  drain();
  end_all();
  handover.put(std::move(interval_));
}

void LoadThread::start(const std::vector<int>& sockets, std::size_t first_connection) {
  const Plan& plan = set_.plan;
  const Connection::Role role = {plan.pipeline, plan.frames_per_connection, plan.is_open_loop()};
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    // Connections begin at places spread over the script, so that they do not ask the same things together.
    const std::size_t first_frame = (first_connection + i) * set_.script.frames() / plan.connections;
    connections_.push_back(std::make_unique<Connection>(*loop_, set_.target, set_.script, first_frame, role,
                                                        set_.time, *this, observed));
  }
  for (std::size_t i = set_.number; i < plan.slow_readers.connections; i += set_.threads) {
    bystanders_.push_back(std::make_unique<SlowReader>(*loop_, set_.target, set_.script,
                                                       plan.slow_readers.bytes_per_s, observed.slow));
  }
  for (std::size_t i = set_.number; i < plan.garbage_connections; i += set_.threads) {
    bystanders_.push_back(
        std::make_unique<GarbageSender>(*loop_, set_.target, set_.garbage, i * 7, observed.garbage));
  }
  const bool learns = std::ranges::any_of(plan.during, &DuringCommand::learn);
  if (learns && set_.number == 0) {
    auto checker = std::make_unique<RotatedChecker>(*loop_, set_.target, set_.rotated, observed.rotated);
    checker_ = checker.get();
    bystanders_.push_back(std::move(checker));
  }
  for (std::size_t i = 0; i < sockets.size(); ++i) connections_[i]->adopt(sockets[i]);
  for (auto& bystander : bystanders_) bystander->connect();
}

// The closed loop asks on the spot; the open one keeps the connection in mind for the next frame that is due.
void LoadThread::ready(Connection& connection) {
  if (!set_.plan.is_open_loop()) {
    if (!asking_) return;
    const std::int64_t now = set_.time.now_ns();
    while (connection.room() > 0 && connection.take(now)) {
    }
    connection.flush();
  } else if (!connection.in_ready_list) {
    connection.in_ready_list = true;
    ready_.push_back(&connection);
  }
}

bool LoadThread::lost(const std::string& why, bool auth_refused) {
  if (auth_refused || set_.plan.on_loss == OnLoss::end) {
    fail_with("a connection ended early: " + why);
    return false;
  }
  return may_ask();
}

std::size_t LoadThread::grant(std::size_t checks) {
  if (!counted_) return checks;
  const auto wanted = static_cast<std::int64_t>(checks);
  const std::int64_t before = set_.shared.checks_left.fetch_sub(wanted, std::memory_order_relaxed);
  return static_cast<std::size_t>(std::clamp<std::int64_t>(before, 0, wanted));
}

bool LoadThread::may_ask() const {
  if (must_stop()) return false;
  if (!due_.empty()) return true;  // also while draining: what was due is still sent
  return asking_ && (!counted_ || set_.shared.checks_left.load(std::memory_order_relaxed) > 0);
}

bool LoadThread::must_stop() const {
  return failure.has_value() || set_.shared.stop.load(std::memory_order_relaxed);
}

void LoadThread::ask_until_done() {
  while (!must_stop() && !set_.shared.interrupted->load(std::memory_order_relaxed)) {
    const std::int64_t left_ms = (end_ns_ - set_.time.now_ns() + ns_per_ms - 1) / ns_per_ms;
    if (left_ms <= 0) return notice_due(set_.time.now_ns());
    if (counted_ && set_.shared.checks_left.load(std::memory_order_relaxed) <= 0 && due_.empty() &&
        all_answered()) {
      return;
    }
    turn(left_ms);
  }
}

// One turn of the loop with all that belongs to it.
void LoadThread::turn(std::int64_t wait_ms_max) {
  const std::int64_t before = set_.time.now_ns();
  const std::size_t handled = loop_->turn(wait_ms(before, wait_ms_max));
  const std::int64_t now = set_.time.now_ns();
  notice_due(now);
  const bool has_sent = send_due(now);
  if (schedule_ && handled == 0 && !has_sent) {
    // Whoever shares the core, perhaps the server, need not wait for the end of this thread's time slice.
    std::this_thread::yield();
    idle_ns_ += set_.time.now_ns() - before;
  }
  roll_interval(now);
  if (observed.tally.frames != frames_seen_) {
    frames_seen_ = observed.tally.frames;
    last_answer_ns = quiet_since_ns_ = now;
  }
  if (now - looked_at_ns_ >= look_every_ns) watch_for_silence(now);
}

std::int64_t LoadThread::wait_ms(std::int64_t now_ns, std::int64_t at_most) const {
  std::int64_t wait = std::min<std::int64_t>(at_most, look_every_ns / ns_per_ms);
  if (!schedule_ || !asking_) return wait;
  const std::int64_t until_due = schedule_->due_ns() - now_ns;
  return until_due < awake_ns ? 0 : std::min(wait, until_due / ns_per_ms - 1);
}

// Frames that became due since the last turn. How much later than due that is, is the generator's own doing.
void LoadThread::notice_due(std::int64_t now_ns) {
  while (schedule_ && asking_ && schedule_->due_ns() <= now_ns && schedule_->due_ns() < end_ns_) {
    if (due_.size() == due_frames_max) {
      return fail_with("the server is " + std::to_string(due_frames_max) + " frames behind the schedule");
    }
    const auto delay = static_cast<std::uint64_t>(now_ns - schedule_->due_ns());
    observed.punctuality.own_delay_ns.record(delay);
    if (delay > Punctuality::late_ns) ++observed.punctuality.late;
    due_.push_back({schedule_->due_ns(), now_ns});
    schedule_->advance();
  }
}

bool LoadThread::send_due(std::int64_t now_ns) {
  if (due_.empty()) return false;
  to_flush_.clear();
  while (!due_.empty() && !ready_.empty()) {
    Connection& connection = *ready_.front();
    ready_.pop_front();
    connection.in_ready_list = false;
    if (connection.room() == 0) continue;
    const Due& due = due_.front();
    if (!connection.take(due.intended_ns)) {  // all that was to be asked is asked
      due_.clear();
      schedule_.reset();
      break;
    }
    const auto held = static_cast<std::uint64_t>(now_ns - due.noticed_ns);
    if (held > Punctuality::late_ns) ++observed.punctuality.held_back;
    observed.punctuality.held_ns_max = std::max(observed.punctuality.held_ns_max, held);
    due_.pop_front();
    to_flush_.push_back(&connection);
    if (connection.room() > 0) ready(connection);
  }
  for (Connection* connection : to_flush_) connection->flush();
  return !to_flush_.empty();
}

void LoadThread::roll_interval(std::int64_t now_ns) {
  const auto number = static_cast<std::uint64_t>((now_ns - set_.start_ns) / set_.interval_ns);
  if (number == interval_.number) return;
  handover.put(std::move(interval_));
  interval_ = {};
  interval_.number = number;
}

// A server that is silent for too long, or does not come back, ends the run.
void LoadThread::watch_for_silence(std::int64_t now_ns) {
  looked_at_ns_ = now_ns;
  const bool waits = !due_.empty() || !all_answered() || all_down();
  if (!waits) quiet_since_ns_ = now_ns;
  if (now_ns - quiet_since_ns_ < silence_ms_max * ns_per_ms) return;
  fail_with("no answer for " + std::to_string(silence_ms_max / 1000) + " seconds");
}

void LoadThread::drain() {
  asking_ = false;
  const std::int64_t end = set_.time.now_ns() + drain_ms_max * ns_per_ms;
  while (!must_stop() && !(all_answered() && due_.empty())) {
    const std::int64_t left = end - set_.time.now_ns();
    if (left <= 0) break;
    turn(std::max<std::int64_t>(1, left / ns_per_ms));
  }
  observed.punctuality.never_sent += due_.size();
  due_.clear();
}

void LoadThread::end_all() {
  for (auto& connection : connections_) connection->shut_down();
  for (auto& bystander : bystanders_) bystander->shut_down();
  if (checker_ != nullptr) checker_->conclude();
  const auto is_down = [](const auto& each) { return each->is_down(); };
  while (!std::ranges::all_of(connections_, is_down) || !std::ranges::all_of(bystanders_, is_down)) {
    loop_->turn(100);
  }
  connections_.clear();
  bystanders_.clear();
  loop_.reset();
}

void LoadThread::fail_with(std::string why) {
  if (!failure) failure = Error{Code::unavailable, std::move(why)};
  set_.shared.stop.store(true, std::memory_order_relaxed);
}

bool LoadThread::all_answered() const {
  return std::ranges::all_of(connections_, [](const auto& each) { return each->unanswered() == 0; });
}

bool LoadThread::all_down() const {
  return std::ranges::none_of(connections_, [](const auto& each) { return each->is_up(); });
}

}  // namespace shearline::loadgen
