// What time brings about: finds in the store's index the credentials at which something is due and has them served, as long
// as this node holds the lease. Nothing is kept here but when to look again (due_times.hpp): deadlines stand in the store.
// Used by the rotation actor; knows nothing of what a deadline means.
#pragma once

#include "actors/context.hpp"
#include "actors/due_times.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <functional>
#include <string>

namespace shearline::actors {

inline constexpr std::int64_t timer_wait_max_ms =
    10'000;  // the wall clock may be set; look again at least this often
inline constexpr std::int64_t timer_retry_ms = 1000;  // after the store or the stream refused
inline constexpr std::size_t due_page = 64;           // due records read at a time

// A fiber of its own between start() and stop(). Control thread.
class Timers {
 public:
  // Does what is due at this credential. false: it could not be done now and is to be tried again.
  using Serve = std::function<bool(const std::string& client_id)>;
  Timers(ActorContext& context, Serve serve);

  void start();
  void stop();  // what is being served is finished
  void hold_lease(bool held);

  // A record that is due then was stored.
  void note(unsigned partition, TimeMs due);
  // Something may be due that nobody here knows of.
  void look_again(unsigned partition);
  void clock_moved() { changed_.set(); }

 private:
  void run();
  TimeMs serve(unsigned partition, TimeMs now);

  ActorContext& context_;
  Serve serve_;
  loop::Event changed_;
  DueTimes due_times_;
  bool held_ = false;
  bool stopping_ = false;
  boost::fibers::fiber fiber_;
};

}  // namespace shearline::actors
