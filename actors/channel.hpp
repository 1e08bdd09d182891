// The Redis channel for administration: `shearline:commands` in, `shearline:replies:<jti>` out (design: protocols.md
// section 3). Two connections of its own, made anew with growing pauses. Knows no command: bytes go to the admin actor's
// mailbox, answers come back as bytes. Control thread.
#pragma once

#include "actors/messages.hpp"
#include "io/store/redis_link.hpp"

#include <memory>
#include <string>

namespace shearline::actors {

inline constexpr std::size_t answers_waiting_max = 1024;  // older ones go first: their senders ask again

class Channel {
 public:
  Channel(loop::Loop& loop, store::RedisOptions options, AdminMailbox& admin);
  ~Channel();

  void start();
  void stop();
  void send_answer(const std::string& jti, const std::string& jws);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::actors
