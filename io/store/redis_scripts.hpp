// The Lua scripts of the Redis store: everything that must happen whole or not at all. All keys of one script
// carry the same hash tag and are named in KEYS, so that they run on Redis Cluster. Used by redis_store.cpp.
//
// Redis does not undo a script that fails half way. What keeps these whole:
//  1. Everything that could fail is checked before the first write: types, ids, fence, revision.
//  2. The first write is a command with the deny-oom flag. Out of memory, read-only, too few replicas and a
//     disk in trouble refuse it, and with it the script; once a script has written, memory no longer does.
//  3. A server that dies in between has written nothing: the effects of a script stand in the append-only
//     file and on the replication link as one transaction.
#pragma once

#include <string>
#include <string_view>

namespace shearline::store {

class RedisScript {
 public:
  explicit RedisScript(std::string_view text);
  std::string_view text() const { return text_; }
  std::string_view sha1() const { return sha1_; }  // the name EVALSHA calls it by; no security rests on it

 private:
  std::string_view text_;
  std::string sha1_;
};

struct RedisScripts {
  RedisScript compare_and_put;
  RedisScript head;
  RedisScript acknowledge_outbox;
  RedisScript append;
  RedisScript lease;
  RedisScript release_lease;
  RedisScript next_fence;
  RedisScript raise_fence;
};
const RedisScripts& redis_scripts();

}  // namespace shearline::store
