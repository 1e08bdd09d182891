// A connection that asks and checks the answers: takes frames off the script as its owner hands them out, at most
// `pipeline` unanswered, and records how long each took. Owned by a load thread, which decides when there is
// something to ask (load_thread.hpp); knows nothing of rates and of other connections.
#pragma once

#include "loadgen/link.hpp"
#include "loadgen/observed.hpp"
#include "loadgen/replies.hpp"
#include "loadgen/schedule.hpp"
#include "loadgen/script.hpp"

#include <cstdint>
#include <deque>
#include <string>

namespace shearline::loadgen {

class Connection;

class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual void ready(Connection& connection) = 0;  // it has room for a frame (again)
  // It ended though nobody asked it to; counted already. True: it shall try to come back.
  virtual bool lost(const std::string& why, bool auth_refused) = 0;
  // How many of so many checks may still be asked.
  virtual std::size_t grant(std::size_t checks) = 0;
  virtual bool may_ask() const = 0;  // false: the end is near, a connection that is done stays so
  virtual Interval& interval() = 0;  // the current one
};

class Connection final : public Link {
 public:
  struct Role {
    std::size_t pipeline = 16;
    std::size_t frames_per_life = 0;  // answered frames after which it closes and connects anew; 0: never
    bool open_loop = false;
  };

  Connection(loop::Loop& loop, const Target& target, const Script& script, std::size_t first_frame, Role role,
             Time& time, ConnectionOwner& owner, Observed& observed);

  std::size_t room() const;
  // One more frame, due at `intended_ns`; goes out with the next flush(). False: nothing was granted.
  bool take(std::int64_t intended_ns);
  void flush();
  std::size_t unanswered() const { return unanswered_ + unsent_; }

  bool in_ready_list = false;  // the owner's mark

 private:
  struct Group {  // frames that were due and went out together
    std::size_t frames;
    std::int64_t intended_ns;
    std::int64_t sent_ns;
  };

  void on_connect() override { connecting_since_ns_ = time_.now_ns(); }
  void on_up() override;
  void on_received(ByteView bytes) override;
  void on_sent() override;
  void on_down(const std::string& why) override;
  void mark_sent(std::size_t frames);
  void answered(std::size_t frames);
  bool life_is_over() const;

  const Script& script_;
  const Role role_;
  Time& time_;
  ConnectionOwner& owner_;
  Observed& observed_;
  ReplyReader reader_;

  std::size_t next_frame_;      // of the script
  std::size_t unsent_ = 0;      // taken, not yet handed to the kernel: the frames before next_frame_
  std::size_t unanswered_ = 0;  // handed to the kernel
  std::deque<Group> groups_;    // of both, oldest first
  std::size_t unsent_groups_ = 0;
  std::string shortened_;  // the last frame of a run with an exact count, when this connection has it
  bool shortened_is_next_ = false;
  std::size_t frames_in_life_ = 0;  // taken
  std::int64_t connecting_since_ns_ = 0;
};

}  // namespace shearline::loadgen
