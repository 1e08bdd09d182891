// How the Redis store asks: each request on a link of the pool, once or again according to what it may do
// twice, the followers on links of their own. Knows links and scripts, no keys and no answers.
#pragma once

#include "io/store/redis_pool.hpp"
#include "io/store/redis_scripts.hpp"
#include "io/store/store.hpp"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shearline::store {

class RedisRequests {
 public:
  using Args = RedisLink::Args;
  using Keys = std::vector<std::string>;

  RedisRequests(loop::Loop& loop, const RedisOptions& options);
  ~RedisRequests();  // stop() first, then let the fibers end

  // For what may safely happen twice: a link that died while idle is not held against the request.
  // wait_ms: how long Redis itself may block.
  Result<RedisReply> ask(const Args& args, std::int64_t wait_ms = 0);
  Result<std::vector<RedisReply>> ask_all(const std::vector<Args>& commands, std::int64_t wait_ms = 0);
  Result<RedisReply> run(const RedisScript& script, const Keys& keys, const Args& args);
  // Never sent twice: unavailable "outcome unknown" once it was sent and the answer was lost.
  Result<RedisReply> run_once(const RedisScript& script, const Keys& keys, const Args& args);
  // For the one fiber that waits for the changes of a partition.
  Result<std::vector<RedisReply>> ask_as_follower(unsigned partition, const std::vector<Args>& commands,
                                                  std::int64_t wait_ms);

  // A request that Redis works on while the caller does something else.
  class Ahead {
   public:
    Ahead(RedisRequests& owner, std::vector<std::string> args);
    ~Ahead();
    Ahead(const Ahead&) = delete;
    Ahead& operator=(const Ahead&) = delete;
    Result<RedisReply> answer();  // once; asks anew, like ask(), where the link died meanwhile

   private:
    RedisRequests& owner_;
    const std::vector<std::string> args_;
    std::unique_ptr<RedisLink> link_;  // where it was sent; none: it was not
  };

  void stop() { pool_.stop(); }

 private:
  struct Follower {
    std::unique_ptr<RedisLink> link;
    bool busy = false;
  };
  using Request = std::function<Result<std::vector<RedisReply>>(RedisLink& link)>;
  Result<std::vector<RedisReply>> use(std::unique_ptr<RedisLink> link, const Request& request);
  Result<std::vector<RedisReply>> once(const Request& request);
  Result<std::vector<RedisReply>> again_if_needed(const Request& request);

  RedisPool pool_;
  const std::int64_t timeout_ms_;
  std::array<Follower, partition_count> followers_;
};

}  // namespace shearline::store
