// Links to one Redis for one thread: lent to one fiber at a time, several at once, made when needed, with
// growing pauses while Redis is away. Used by the Redis store; knows no keys and no scripts.
#pragma once

#include "base/random.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "io/store/redis_link.hpp"

#include <memory>
#include <set>
#include <vector>

namespace shearline::store {

class RedisPool {
 public:
  RedisPool(loop::Loop& loop, RedisOptions options);
  ~RedisPool();  // every link was given back

  // A link that is well as far as anyone knows. While Redis is away this waits for the next attempt (pauses
  // grow from 50 ms to 2 s) or the request's own deadline, so that callers who try again and again do no
  // harm; then unavailable says what is wrong.
  Result<std::unique_ptr<RedisLink>> take();
  // A dead link is dropped, and the idle ones with it: they lead to the same Redis.
  void give_back(std::unique_ptr<RedisLink> link);

  void stop();  // every waiting call returns unavailable
  bool stopping() const { return stopping_; }

 private:
  struct Idle {
    std::unique_ptr<RedisLink> link;
    std::int64_t since_ms = 0;
  };

  Result<std::unique_ptr<RedisLink>> connect();
  std::unique_ptr<RedisLink> take_idle();
  void failed(const Error& error);

  loop::Loop& loop_;
  const RedisOptions options_;
  SystemRandom random_;
  std::vector<Idle> idle_;
  std::set<RedisLink*> lent_;
  std::size_t connecting_ = 0;
  bool up_ = false;  // a link was made after the last one failed
  bool stopping_ = false;
  std::int64_t pause_ms_ = 0;
  std::int64_t next_attempt_at_ms_ = 0;  // of the loop's clock
  Error last_error_{Code::unavailable, "Redis has not been reached yet"};
  loop::Event changed_;  // a link came back, an attempt ended, or stop
};

}  // namespace shearline::store
