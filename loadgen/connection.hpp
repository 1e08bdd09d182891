// One connection of the load test: keeps `pipeline` frames unanswered, sends the next ones as answers arrive,
// and records how long each took. Owned by a load thread and driven by its loop's completions; no other
// thread touches it. It must not be destroyed before ended().
#pragma once

#include "base/error.hpp"
#include "io/loop/loop.hpp"
#include "loadgen/histogram.hpp"
#include "loadgen/replies.hpp"
#include "loadgen/script.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>

namespace shearline::loadgen {

// What all threads of a run share.
struct Shared {
  std::atomic<std::int64_t> frames_left{INT64_MAX};  // how many may still be asked
  std::atomic<std::uint64_t> checks_answered{0};
  std::atomic<std::uint64_t> mismatches{0};
  std::atomic<bool> stop{false};  // a connection failed: everybody ends

  // Takes up to `wanted` frames off what is left.
  std::size_t take_frames(std::size_t wanted);
};

// What one thread saw; written by its connections, merged at the end.
struct Observed {
  Tally tally;
  Histogram latency_ns;  // per frame, from handing it to the kernel until its answer was read
};

class Connection {
 public:
  Connection(loop::Loop& loop, int socket, const Script& script, std::size_t first_frame,
             std::size_t pipeline, Shared& shared, Observed& observed);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  void stop_asking() { asking_ = false; }
  void shut_down();  // makes what is in flight end
  std::size_t unanswered() const { return unanswered_; }
  bool ended() const { return !receiving_ && !sending_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  struct Handler : loop::Operation {
    Connection* connection = nullptr;
  };
  struct Group {  // frames that were handed over together
    std::size_t frames;
    std::int64_t asked_at_ns;
  };

  void arm_receive();
  void received(int result);
  void answered(std::size_t frames);
  void ask_more();
  void send_rest();
  void sent(int result);
  void break_off(std::string_view why);

  loop::Loop& loop_;
  const int socket_;
  const Script& script_;
  const std::size_t pipeline_;
  Shared& shared_;
  Observed& observed_;
  ReplyReader reader_;

  std::size_t next_frame_;
  std::size_t unanswered_ = 0;
  std::deque<Group> groups_;
  ByteView to_send_;  // within the script
  bool asking_ = true;
  bool sending_ = false;
  bool receiving_ = false;
  std::optional<Error> failure_;
  Handler on_receive_;
  Handler on_send_;
  std::array<Byte, 64 * 1024> buffer_;
};

// Connects at once and for good. unavailable: "SERVER: why".
Result<int> connect_to(std::string_view server);

}  // namespace shearline::loadgen
