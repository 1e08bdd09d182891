// The road to the engine: signed commands out over a Redis channel, the engine's signed answer back (design:
// protocols.md section 3). Pub/sub may drop a message, so the same JWS is repeated until an answer is heard
// or the time is over. Knows JWS text and nothing of what it commands. Fiber-blocking; one fiber at a time.
#pragma once

#include "base/error.hpp"
#include "cli/answer.hpp"
#include "cli/output.hpp"
#include "io/loop/loop.hpp"
#include "io/store/redis_link.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace shearline::cli {

inline constexpr std::int64_t first_repeat_ms = 1000;
inline constexpr std::int64_t unreached_patience_ms = 2500;  // while Redis cannot be reached at all
inline constexpr std::int64_t repeat_ms_max = 4000;
constexpr std::int64_t next_repeat_ms(std::int64_t pause_ms) {
  return pause_ms * 2 < repeat_ms_max ? pause_ms * 2 : repeat_ms_max;
}

class Channel {
 public:
  // The loop and the output outlive the channel.
  Channel(loop::Loop& loop, store::RedisOptions redis, std::int64_t answer_timeout_ms, const Output& output);
  ~Channel();

  // unavailable, saying whether anybody listens: no answer in time, and the command may still take effect.
  Result<policy::Answer> ask(std::string_view compact_jws, const Expected& expected);

 private:
  struct Attempt;
  Status publish(std::string_view compact_jws, Attempt& attempt);
  Status listen(Attempt& attempt, const Expected& expected, std::int64_t until_ms);
  Error unheard(const Attempt& attempt, const Expected& expected) const;

  loop::Loop& loop_;
  store::RedisOptions redis_;
  std::int64_t answer_timeout_ms_;
  const Output& output_;
  std::unique_ptr<store::RedisLink> publisher_;
};

// "message" pushes of a subscription: the payload, empty for anything else.
std::optional<std::string_view> pushed_message(const store::RedisReply& reply, std::string_view channel);

}  // namespace shearline::cli
