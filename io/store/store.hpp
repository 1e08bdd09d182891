// The promise every state store keeps (design: architecture.md "State", protocols.md section 5). It sees
// opaque values with a revision: all of one compare-and-put or nothing, changes numbered without holes, one
// fence per partition. RawStore is what Redis and memory implement; SealedStore (sealed.hpp) stands on it,
// MACs every value and keeps the heads, and is what actors use. Fiber-blocking; one Store per control thread.
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::store {

inline constexpr unsigned credential_partitions = 16;
inline constexpr unsigned system_partition = credential_partitions;  // {sys}
inline constexpr unsigned partition_count = credential_partitions + 1;
inline constexpr std::uint64_t layout_version = 1;
inline constexpr std::size_t value_prefix_bytes = 8 + 32;  // be64 revision || MAC, before every payload
inline constexpr std::size_t record_id_bytes_max = 256;
inline constexpr std::size_t scan_page_records = 512;  // about so many come at a time
inline constexpr std::size_t changes_kept = 65'536;    // about: older ones are trimmed, a follower reloads

unsigned partition_of(std::string_view client_id);  // CRC16 (Redis Cluster's) of the client id modulo 16
std::string partition_tag(unsigned partition);      // "{p00}" .. "{p15}", "{sys}"

enum class Kind : std::uint8_t { credential, admin, group, fact };
std::string_view name_of(Kind kind);

// Not empty, not over-long, no NUL (which separates the parts under the MAC).
bool is_record_id(std::string_view id);

// Which record, as it is called in the store; valid as long as the text it was read from.
struct RecordName {
  Kind kind = Kind::credential;
  std::string_view id;
  unsigned partition() const { return kind == Kind::credential ? partition_of(id) : system_partition; }
  std::string field() const;  // "credential:acme-prod"
  static std::optional<RecordName> from_field(std::string_view field);
};
struct RecordKey {
  Kind kind = Kind::credential;
  std::string id;
  operator RecordName() const { return {kind, id}; }  // the same, borrowed
  unsigned partition() const { return RecordName(*this).partition(); }
  std::string field() const { return RecordName(*this).field(); }
  static std::optional<RecordKey> from_field(std::string_view field);
  auto operator<=>(const RecordKey&) const = default;
};

// ---- the raw level: values are `be64 revision || 32-byte MAC || payload`, heads are sealed bytes ----

// One record as it stands in the store; borrowed.
struct RawRecord {
  std::string_view field;
  ByteView value;
};
struct RawChange {
  std::uint64_t counter = 0;  // the stream id is <counter>-0
  std::string field;
  Bytes value;
};
// What a follower knows of the place it has reached.
struct Position {
  std::uint64_t counter = 0;  // of the newest change it has seen, 0: none
  std::optional<Hash> seen;   // hash_of that change; empty: its bytes were never seen, so not compared
};
Hash hash_of(const RawChange& change);

struct RawPut {
  unsigned partition = 0;
  std::string field;
  std::uint64_t expected_revision = 0;  // 0: must not exist
  Bytes value;                          // begins with be64(new revision)
  std::uint64_t expected_counter = 0;   // of the head before this change
  Bytes expected_head;                  // as it was read; empty: there is none yet
  Bytes head;                           // after this change; its counter is expected_counter + 1
  std::vector<Bytes> events;            // sealed; the i-th gets the outbox id <counter>-<i>
  std::optional<TimeMs> due_at;         // empty: nothing is due for this field any more
  std::uint64_t fence = 0;              // 0 is always fenced
};
enum class PutOutcome { ok, conflict, fenced, broken };
bool is_group_id(std::string_view group_id);
struct RawHead {
  std::uint64_t counter = 0;  // the newest id of the change stream, 0: none
  Bytes head;
};
struct OutboxEntry {
  std::uint64_t counter = 0;
  std::uint32_t index = 0;
  Bytes event;  // sealed
};
struct DueEntry {
  std::string field;
  TimeMs at_ms = 0;
};
struct StreamEntry {
  std::string id;  // the stream's id, "<ms>-<n>", for reading on
  Bytes envelope;
};

class RawStore {
 public:
  virtual ~RawStore() = default;

  // Hands all records to `take`, some hundreds at a time, in no order; a record may come twice. The next page is
  // already under way while `take` works. unavailable when the store is away.
  using TakePage = std::function<void(std::span<const RawRecord> page)>;
  virtual Status scan(unsigned partition, const TakePage& take) = 0;
  virtual Result<std::optional<Bytes>> get(unsigned partition, std::string_view field) = 0;
  virtual Result<RawHead> head(unsigned partition) = 0;
  // Changes after `from`, numbered without holes, waiting at most wait_ms for the first. not_found: what was
  // seen at `from` is no longer there (trimmed, or other bytes), or the counter is lower: the follower must
  // reload.
  virtual Result<std::vector<RawChange>> changes(unsigned partition, const Position& from,
                                                 std::int64_t wait_ms) = 0;
  // The entry at `counter`, empty when trimmed or never there: how a follower that got not_found tells a
  // trimmed stream from a store that went backwards.
  virtual Result<std::optional<RawChange>> change_at(unsigned partition, std::uint64_t counter) = 0;
  // broken: wrong types or a head that is not the expected one although revision and counter fit; nothing was
  // written.
  // unavailable: the store is away, or the answer was lost and the outcome is unknown.
  virtual Result<PutOutcome> compare_and_put(const RawPut& put) = 0;
  // Events not yet acknowledged, oldest first.
  virtual Result<std::vector<OutboxEntry>> outbox(unsigned partition, std::size_t at_most) = 0;
  // Up to (counter, index), inclusive. Fenced: a woken holder must not take away what the new one has not
  // read.
  virtual Result<PutOutcome> acknowledge_outbox(unsigned partition, std::uint64_t counter,
                                                std::uint32_t index, std::uint64_t fence) = 0;
  virtual Result<std::vector<DueEntry>> due(unsigned partition, TimeMs until, std::size_t at_most) = 0;
  virtual Result<std::optional<TimeMs>> next_due(unsigned partition) = 0;

  // Appends under the group's fence: a lower fence is fenced, a higher one becomes the group's. The same
  // envelope id twice is the reader's to drop. A group id holds 1 to 64 of [A-Za-z0-9._~-], else invalid.
  virtual Result<PutOutcome> append(std::string_view group_id, ByteView envelope, std::uint64_t fence) = 0;
  // after: the id of the last entry read, or empty for the beginning.
  virtual Result<std::vector<StreamEntry>> read_group(std::string_view group_id, std::string_view after,
                                                      std::size_t at_most, std::int64_t wait_ms) = 0;

  // Takes or keeps the lease. held_by: who has it now.
  struct Lease {
    bool ours = false;
    std::string held_by;
  };
  virtual Result<Lease> lease(std::string_view node_id, std::int64_t ttl_ms) = 0;
  virtual Status release_lease(std::string_view node_id) = 0;
  // A new fence, higher than every one before, set on every partition. Groups get it with raise_group_fence
  // or their first append. unavailable when another node raised them meanwhile.
  virtual Result<std::uint64_t> raise_fences() = 0;
  virtual Status raise_group_fence(std::string_view group_id, std::uint64_t fence) = 0;
  virtual Result<TimeMs> store_time_ms() = 0;
};

}  // namespace shearline::store
