// One connection to Redis over the loop's own stream; hiredis formats and parses, nothing else.
// Fiber-blocking with deadlines, one fiber at a time. The store takes its links from a RedisPool
// (redis_pool.hpp); the CLI and the command channel use a link of their own.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "io/loop/loop.hpp"
#include "io/loop/stream.hpp"

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
  bool is_array() const { return type == Type::array; }
  bool is_text() const { return type == Type::status || type == Type::bulk; }
  std::string_view view() const { return as_text(text); }
};

class RedisLink {
 public:
  // Connects, authenticates, selects the database and hears one answer, all within options.timeout_ms.
  // unauthorized: Redis refuses the name or password. unavailable: not there, or still loading its data.
  static Result<std::unique_ptr<RedisLink>> connect(loop::Loop& loop, const RedisOptions& options);
  ~RedisLink();
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  using Args = std::vector<std::string_view>;
  // unavailable: the link is dead and must be dropped; whether the command was carried out is not known.
  // A Redis error reply comes back as a value. timeout_ms 0: the one of the options.
  Result<RedisReply> command(const Args& args, std::int64_t timeout_ms = 0);
  Result<std::vector<RedisReply>> pipeline(const std::vector<Args>& commands, std::int64_t timeout_ms = 0);
  // For subscriptions: the next push, waiting at most timeout_ms; nil when the time passed and the link is
  // well. A fiber may wait here while another one sends with send().
  Result<RedisReply> next(std::int64_t timeout_ms);
  // Sends without waiting for an answer: SUBSCRIBE and UNSUBSCRIBE on a link that is read with next(), or a command
  // whose answer() is taken later.
  Status send(const Args& args);
  Result<RedisReply> answer();  // to the oldest command without one, waiting as long as for a command
  void shut_down();             // from any fiber of the thread; makes a waiting one return unavailable
  bool is_well() const;

 private:
  struct Impl;
  explicit RedisLink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::store
