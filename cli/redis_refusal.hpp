// What an error reply of Redis means to somebody at a command line: will it come right by waiting, by another
// password, or not at all? Used by the channel and the inbox; knows nothing of what was asked.
#pragma once

#include "base/error.hpp"
#include "io/store/redis_link.hpp"

#include <string_view>

namespace shearline::cli {

// unauthorized: a user without the right to do it; invalid: the key holds another type; unavailable: anything
// else Redis refuses, such as while it loads or has lost its master.
Error refusal_of(std::string_view command, const store::RedisReply& error_reply);

}  // namespace shearline::cli
