// One load thread: a loop, its share of the connections and of the bystanders, and the pace. Closed loop: an answer
// brings the next question. Open loop: frames are due by a schedule, whatever the server does, and go to whichever
// connection has room. Made by run.cpp, used on the thread that calls run().
#pragma once

#include "loadgen/bystanders.hpp"
#include "loadgen/connection.hpp"
#include "loadgen/observed.hpp"
#include "loadgen/plan.hpp"
#include "loadgen/rotated.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace shearline::loadgen {

inline constexpr std::int64_t silence_ms_max =
    10'000;                                          // with questions open, or no connection, and no answer
inline constexpr std::int64_t drain_ms_max = 5'000;  // for the last answers
inline constexpr std::size_t due_frames_max = 1 << 24;  // that a server may be behind an open-loop schedule

// What all threads of a run share.
struct Shared {
  std::atomic<std::int64_t> checks_left{INT64_MAX};  // counted down only in a run with a count
  std::atomic<bool> stop{false};                     // something failed: everybody ends
  const std::atomic<bool>* interrupted = nullptr;    // somebody wants the report now
};

// What a load thread needs to know; all of it outlives the thread.
struct ThreadSetting {
  const Plan& plan;
  const Script& script;
  const Target& target;
  const RotatedSecrets& rotated;
  const std::vector<std::string>& garbage;
  Time& time;
  Shared& shared;
  std::int64_t start_ns;
  std::int64_t interval_ns;
  std::size_t number;   // of this thread
  std::size_t threads;  // of all
};

class LoadThread final : public ConnectionOwner {
 public:
  explicit LoadThread(const ThreadSetting& setting);

  // `sockets` are connected; they belong to the connections from `first_connection` on. Returns when all is over.
  void run(const std::vector<int>& sockets, std::size_t first_connection);

  Handover handover;
  Observed observed;  // as of here after run()
  std::optional<Error> failure;
  std::int64_t last_answer_ns = 0;

 private:
  struct Due {
    std::int64_t intended_ns;
    std::int64_t noticed_ns;
  };

  void ready(Connection& connection) override;
  bool lost(const std::string& why, bool auth_refused) override;
  std::size_t grant(std::size_t checks) override;
  bool may_ask() const override;
  Interval& interval() override { return interval_; }

  void start(const std::vector<int>& sockets, std::size_t first_connection);
  void ask_until_done();
  void drain();
  void end_all();
  void turn(std::int64_t wait_ms_max);
  std::int64_t wait_ms(std::int64_t now_ns, std::int64_t at_most) const;
  void notice_due(std::int64_t now_ns);
  bool send_due(std::int64_t now_ns);
  void roll_interval(std::int64_t now_ns);
  void watch_for_silence(std::int64_t now_ns);
  void fail_with(std::string why);
  bool must_stop() const;
  bool all_answered() const;
  bool all_down() const;

  const ThreadSetting set_;
  const bool counted_;
  const std::int64_t end_ns_;  // nothing is due from here on
  std::unique_ptr<loop::Loop> loop_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Link>> bystanders_;
  RotatedChecker* checker_ = nullptr;

  bool asking_ = true;
  Interval interval_;
  std::optional<Schedule> schedule_;  // open loop, while frames become due
  std::deque<Due> due_;               // not yet taken by a connection
  std::deque<Connection*> ready_;     // with room, in turn
  std::vector<Connection*> to_flush_;
  std::int64_t idle_ns_ = 0;         // turns of an open loop that found nothing to do
  std::int64_t looked_at_ns_ = 0;    // for silence
  std::int64_t quiet_since_ns_ = 0;  // no answer, though one is waited for
  std::uint64_t frames_seen_ = 0;
};

}  // namespace shearline::loadgen
