#include "io/store/redis_scripts.hpp"

#include "base/encoding.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace shearline::store {
namespace {

// KEYS  records head changes outbox due fence
// ARGV  field, expected revision (8 bytes; empty: must not exist), value, expected counter, new counter,
//       expected head, new head, fence, due (ms; empty: not due), changes kept, event...
// Answers ok, conflict, fenced, or broken and why; only ok has written.
// Ids are compared as decimal text because the numbers of Lua lose digits above 2^53. The first outbox id of
// a change is <counter>-0: 0-0, which Redis refuses, cannot come up since counters begin at 1.
constexpr std::string_view compare_and_put_text = R"lua(
local records, head, changes, outbox, due, fence = unpack(KEYS)
local field, expected_revision, value, expected_counter, counter, expected_head, new_head, new_fence, due_at,
      changes_kept = unpack(ARGV, 1, 10)

local types = { 'hash', 'string', 'stream', 'stream', 'zset', 'string' }
for i, wanted in ipairs(types) do
  local found = redis.call('TYPE', KEYS[i])['ok']
  if found ~= 'none' and found ~= wanted then return 'broken: ' .. KEYS[i] .. ' is a ' .. found end
end

local function last_id(stream)
  if redis.call('EXISTS', stream) == 0 then return '0-0' end
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  return 'unknown'
end

if redis.call('GET', fence) ~= new_fence then return 'fenced' end
if last_id(changes) ~= expected_counter .. '-0' then return 'conflict' end

local stored = redis.call('HGET', records, field)
if stored and #stored < 40 then return 'broken: a record shorter than its prefix' end
if (stored and string.sub(stored, 1, 8) or '') ~= expected_revision then return 'conflict' end
if (redis.call('GET', head) or '') ~= expected_head then return 'broken: not the head that was read' end

local newest_event = string.match(last_id(outbox), '^(%d+)-%d+$')
if not newest_event or #newest_event > #counter or (#newest_event == #counter and newest_event >= counter) then
  return 'broken: the outbox is ahead of the changes'
end

redis.call('XADD', changes, 'MAXLEN', '~', changes_kept, counter .. '-0', 'field', field, 'value', value)
for i = 11, #ARGV do
  redis.call('XADD', outbox, counter .. '-' .. (i - 11), 'event', ARGV[i])
end
if due_at == '' then redis.call('ZREM', due, field) else redis.call('ZADD', due, due_at, field) end
redis.call('SET', head, new_head)
redis.call('HSET', records, field, value)
return 'ok'
)lua";

// KEYS  head changes
// Answers the newest id of the changes and the head, as they stand together.
constexpr std::string_view head_text = R"lua(
local sealed = redis.call('GET', KEYS[1]) or ''
if redis.call('EXISTS', KEYS[2]) == 0 then return { '0-0', sealed } end
local info = redis.call('XINFO', 'STREAM', KEYS[2])
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then return { info[i + 1], sealed } end
end
return redis.error_reply('ERR a stream without a last id')
)lua";

// KEYS  outbox fence
// ARGV  fence, the first id to stay
constexpr std::string_view acknowledge_outbox_text = R"lua(
local found = redis.call('TYPE', KEYS[1])['ok']
if found ~= 'none' and found ~= 'stream' then return 'broken: ' .. KEYS[1] .. ' is a ' .. found end
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'fenced' end
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2])
return 'ok'
)lua";

// KEYS  stream fence
// ARGV  fence, envelope, for how many ms envelopes are kept
// The entry's id is Redis's own time, which is also what the age is counted from.
constexpr std::string_view append_text = R"lua(
local found = redis.call('TYPE', KEYS[1])['ok']
if found ~= 'none' and found ~= 'stream' then return 'broken: ' .. KEYS[1] .. ' is a ' .. found end
local fence = redis.call('GET', KEYS[2]) or '0'
if tonumber(ARGV[1]) < tonumber(fence) then return 'fenced' end
local now = redis.call('TIME')
local oldest = string.format('%.0f', math.max(0, tonumber(now[1]) * 1000 - tonumber(ARGV[3])))
redis.call('XADD', KEYS[1], 'MINID', '~', oldest, '*', 'envelope', ARGV[2])
if fence ~= ARGV[1] then redis.call('SET', KEYS[2], ARGV[1]) end
return 'ok'
)lua";

// KEYS  lease
// ARGV  node id, ttl in ms
// Takes a free lease, keeps one's own, and answers who has it now. PEXPIRE, unlike SET, is allowed when
// memory is short: that must not cost the holder its lease.
constexpr std::string_view lease_text = R"lua(
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return holder or ARGV[1]
)lua";

// KEYS  lease
// ARGV  node id
constexpr std::string_view release_lease_text = R"lua(
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'ok'
)lua";

// KEYS  the fence of {sys}
// ARGV  the highest fence seen on any partition
// The next fence. Asking all partitions first keeps it growing even where {sys} alone lost a write.
constexpr std::string_view next_fence_text = R"lua(
local fence = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1])) + 1
redis.call('SET', KEYS[1], string.format('%.0f', fence))
return string.format('%.0f', fence)
)lua";

// KEYS  fence
// ARGV  fence
// Never lowers; answers the fence that stands there now.
constexpr std::string_view raise_fence_text = R"lua(
local fence = redis.call('GET', KEYS[1])
if fence and tonumber(fence) >= tonumber(ARGV[1]) then return fence end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
)lua";

}  // namespace

RedisScript::RedisScript(std::string_view text) : text_(text) {
  std::array<Byte, 20> digest;
  std::size_t size = digest.size();
  if (EVP_Q_digest(nullptr, "SHA1", nullptr, text.data(), text.size(), digest.data(), &size) != 1) {
    throw std::runtime_error("OpenSSL has no SHA-1, by which Redis names its scripts");
  }
  sha1_ = hex(digest);
}

const RedisScripts& redis_scripts() {
  static const RedisScripts scripts{
      RedisScript(compare_and_put_text), RedisScript(head_text),        RedisScript(acknowledge_outbox_text),
      RedisScript(append_text),          RedisScript(lease_text),       RedisScript(release_lease_text),
      RedisScript(next_fence_text),      RedisScript(raise_fence_text),
  };
  return scripts;
}

}  // namespace shearline::store
