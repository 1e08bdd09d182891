#include "io/store/redis_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace shearline::store {
namespace {

constexpr std::size_t links_max = 64;  // 17 followers, the command channel, and what is in flight
constexpr std::int64_t idle_trusted_ms = 1000;
constexpr std::int64_t pause_first_ms = 50;
constexpr std::int64_t pause_max_ms = 2000;

}  // namespace

RedisPool::RedisPool(loop::Loop& loop, RedisOptions options)
    : loop_(loop), options_(std::move(options)), changed_(loop) {}

RedisPool::~RedisPool() {
  if (!lent_.empty() || connecting_ != 0) std::abort();  // a fiber is still in one of our calls
}

Result<std::unique_ptr<RedisLink>> RedisPool::take() {
  const std::int64_t deadline_ms = loop_.monotonic_ms() + options_.timeout_ms;
  for (;;) {
    if (stopping_) return fail(Code::unavailable, "the store is being closed");
    while (!idle_.empty()) {
      if (auto link = take_idle()) return link;
    }
    const std::int64_t now_ms = loop_.monotonic_ms();
    const bool probing = !up_ && connecting_ > 0;  // one attempt at a time finds out for everybody
    const bool room = lent_.size() + connecting_ < links_max;
    if (room && !probing && now_ms >= next_attempt_at_ms_) return connect();
    if (now_ms >= deadline_ms) return std::unexpected(last_error_);
    const bool paused = room && !probing;
    changed_.reset();
    changed_.wait(paused ? std::min(deadline_ms, next_attempt_at_ms_) : deadline_ms);
  }
}

// One that was idle for long is asked first: a put must not go out on a connection that Redis has long
// closed, for then nobody could say whether it was carried out. Empty: it is dead, and dropped.
std::unique_ptr<RedisLink> RedisPool::take_idle() {
  Idle idle = std::move(idle_.back());
  idle_.pop_back();
  lent_.insert(idle.link.get());
  if (loop_.monotonic_ms() - idle.since_ms >= idle_trusted_ms && !idle.link->command({"PING"})) {
    give_back(std::move(idle.link));
    return nullptr;
  }
  return std::move(idle.link);
}

Result<std::unique_ptr<RedisLink>> RedisPool::connect() {
  ++connecting_;
  auto link = RedisLink::connect(loop_, options_);
  --connecting_;
  if (!link) {
    failed(link.error());
  } else {
    pause_ms_ = 0;
    lent_.insert(link->get());
    if (stopping_) (*link)->shut_down();
    up_ = true;
  }
  changed_.set();
  return link;
}

// Jittered downwards, so that nodes that lost the same Redis do not come back in step.
void RedisPool::failed(const Error& error) {
  last_error_ = error;
  pause_ms_ = std::clamp(pause_ms_ * 2, pause_first_ms, pause_max_ms);
  const auto jitter_ms = static_cast<std::int64_t>(random_.next_u64() % 1024) * pause_ms_ / 4096;
  next_attempt_at_ms_ = loop_.monotonic_ms() + pause_ms_ - jitter_ms;
  if (lent_.empty()) up_ = false;
}

void RedisPool::give_back(std::unique_ptr<RedisLink> link) {
  lent_.erase(link.get());
  const bool keep = link->is_well() && !stopping_;
  if (keep) {
    idle_.push_back({std::move(link), loop_.monotonic_ms()});
  } else {
    link.reset();
    idle_.clear();
    if (lent_.empty()) up_ = false;
  }
  changed_.set();
}

void RedisPool::stop() {
  stopping_ = true;
  for (RedisLink* link : lent_) link->shut_down();
  idle_.clear();
  changed_.set();
}

}  // namespace shearline::store
