#include "actors/timers.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace shearline::actors {

Timers::Timers(ActorContext& context, Serve serve)
    : context_(context), serve_(std::move(serve)), changed_(context.loop) {}

void Timers::start() {
  fiber_ = loop::spawn("timers", [this] { run(); });
}

void Timers::stop() {
  held_ = false;
  stopping_ = true;
  changed_.set();
  if (fiber_.joinable()) fiber_.join();
}

void Timers::hold_lease(bool held) {
  held_ = held;
  due_times_.look_again_everywhere();
  changed_.set();
}

void Timers::note(unsigned partition, TimeMs due) {
  if (due_times_.note(partition, due)) changed_.set();
}

void Timers::look_again(unsigned partition) {
  due_times_.look_again(partition);
  changed_.set();
}

void Timers::run() {
  while (!stopping_) {
    changed_.reset();
    const TimeMs now = context_.clock.now_ms();
    for (unsigned partition = 0; held_ && partition < store::credential_partitions; ++partition) {
      if (!due_times_.is_due(partition, now)) continue;
      due_times_.begin_serving(partition);
      due_times_.end_serving(partition, serve(partition, now));
    }
    const TimeMs until = held_ ? due_times_.earliest() : time_never;
    const TimeMs wait = std::clamp<TimeMs>(until - context_.clock.now_ms(), 0, timer_wait_max_ms);
    const bool woken = changed_.wait(context_.loop.monotonic_ms() + wait);
    // The index itself is asked now and then: what we know of it is a cache.
    if (!woken && wait == timer_wait_max_ms) due_times_.look_again_everywhere();
  }
}

// Serves what is due in one partition and says when to look again.
TimeMs Timers::serve(unsigned partition, TimeMs now) {
  std::set<std::string> tried;
  std::size_t stuck = 0;
  // Those that are stuck stay at the front of the index; asking for as many more keeps them from starving the rest.
  for (bool found = true; found && held_;) {
    const auto entries = context_.store.raw().due(partition, now, due_page + stuck);
    if (!entries) return now + timer_retry_ms;
    found = false;
    for (const store::DueEntry& entry : *entries) {
      if (!held_) break;
      if (!tried.insert(entry.field).second) continue;
      found = true;
      const std::optional<store::RecordKey> key = store::RecordKey::from_field(entry.field);
      if (!key || key->kind != store::Kind::credential || !serve_(key->id)) ++stuck;
    }
  }
  const Result<std::optional<TimeMs>> next = context_.store.raw().next_due(partition);
  if (stuck > 0 || !next) return now + timer_retry_ms;
  // What was tried and is due all the same must not turn into a loop without a pause.
  const TimeMs least = tried.empty() ? now : now + timer_retry_ms;
  return next->value_or(time_never) <= now ? least : next->value_or(time_never);
}

}  // namespace shearline::actors
