// The state in Redis (design: protocols.md section 5): keys with hash tags, one compare-and-put script,
// streams for changes, outbox and groups, a sorted set for deadlines, the lease and its fence. Used by
// server/ and, for reading groups, by the CLI; it sees sealed bytes only.
#pragma once

#include "io/store/redis_link.hpp"
#include "io/store/store.hpp"

#include <memory>
#include <string>

namespace shearline::store {

struct RedisDurability {
  bool append_only = false;
  std::string fsync = "unknown";     // "always", "everysec", "no", "unknown" where CONFIG is forbidden
  std::string eviction = "unknown";  // "noeviction", ... or "unknown"
  bool known = false;                // false: not even INFO is allowed
  std::string text() const;          // "aof-always", "aof-everysec", "aof-no", "none", "unknown"
};

class RedisStore : public RawStore {
 public:
  // Whether the store answers right now, and what it promises. An eviction policy other than noeviction is
  // refused (policy_violation); no append-only file is the caller's to warn about.
  virtual Result<RedisDurability> check() = 0;
  virtual void stop() = 0;  // every waiting call returns unavailable; then it may be destroyed
};

std::unique_ptr<RedisStore> make_redis_store(loop::Loop& loop, const RedisOptions& options);

}  // namespace shearline::store
