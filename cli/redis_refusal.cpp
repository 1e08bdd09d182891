#include "cli/redis_refusal.hpp"

#include <string>

namespace shearline::cli {
namespace {

Code code_of(std::string_view text) {
  for (const std::string_view word : {"NOPERM", "NOAUTH", "WRONGPASS"}) {
    if (text.starts_with(word)) return Code::unauthorized;
  }
  return text.starts_with("WRONGTYPE") ? Code::invalid : Code::unavailable;
}

}  // namespace

Error refusal_of(std::string_view command, const store::RedisReply& error_reply) {
  const std::string_view text = error_reply.view();
  return {code_of(text), "Redis refuses " + std::string(command) + ": " + std::string(text)};
}

}  // namespace shearline::cli
