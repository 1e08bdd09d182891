// One connection to Redis over the loop's own stream; hiredis formats and parses, nothing else.
// Fiber-blocking with deadlines. RedisLink is one connection for one fiber at a time; RedisPool hands out
// links for requests and makes new ones with growing pauses when Redis is away. The CLI uses the same link.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "io/loop/loop.hpp"
#include "io/loop/stream.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shearline::store {

struct RedisOptions {
  loop::Address address;
  std::string username;
  std::string password_file;  // read at connect; never in the configuration itself
  std::string prefix = "shearline:";
  int database = 0;
  std::int64_t timeout_ms = 2000;  // per request, connecting included
};

// A reply by value. Errors of Redis are a type of reply, not of the link.
struct RedisReply {
  enum class Type { nil, status, error, integer, bulk, array };
  Type type = Type::nil;
  std::int64_t integer = 0;
  Bytes text;  // status, error, bulk
  std::vector<RedisReply> items;

  bool is_nil() const { return type == Type::nil; }
  bool is_error() const { return type == Type::error; }
  std::string_view view() const { return as_text(text); }
};

class RedisLink {
 public:
  static Result<std::unique_ptr<RedisLink>> connect(loop::Loop& loop, const RedisOptions& options);
  ~RedisLink();

  using Args = std::vector<std::string_view>;
  // unavailable: the link is dead and must be dropped. A Redis error reply comes back as a value.
  Result<RedisReply> command(const Args& args, std::int64_t timeout_ms = 0);
  Result<std::vector<RedisReply>> pipeline(const std::vector<Args>& commands, std::int64_t timeout_ms = 0);
  // For subscriptions: the next push, waiting at most timeout_ms; nil when the time passed and the link is
  // well.
  Result<RedisReply> next(std::int64_t timeout_ms);
  void shut_down();  // makes a waiting fiber return

 private:
  RedisLink();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::store
