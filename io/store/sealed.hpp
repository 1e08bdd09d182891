// The store as actors see it: records that are authentic or not there at all (design: security.md "Record
// integrity"). Every value and event is MACed under a key derived from the state key; each partition's head
// is sealed (AES-256-GCM: counter, count, sum modulo 2^256 of HMAC(head key, record)) and replaced in the
// same compare-and-put.
#pragma once

#include "base/crypto.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "io/store/store.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace shearline::store {

struct Record {
  RecordKey key;
  std::uint64_t revision = 0;
  Bytes payload;  // msgpack, see io/wire/record.hpp
};

// What a follower is told. Called in order; the payload is valid for the call.
class Follower {
 public:
  virtual ~Follower() = default;
  virtual std::uint64_t revision_of(const RecordKey& key) const = 0;  // 0: unknown
  virtual void apply(const Record& record) = 0;                       // only ever higher revisions
  virtual void alarm(std::string_view what, unsigned partition, std::string_view detail) = 0;
  virtual void heard(unsigned partition) = 0;  // the store answered about this partition just now
};

// The MAC and the sum as pure functions, so that tests and tools can write genuine records.
class Sealer {
 public:
  explicit Sealer(const Key& state_key, Random& random);
  // be64 revision || MAC || payload, MAC over "shearline v1 record" || 0 || kind || 0 || id || 0 || be64
  // revision || payload
  Bytes seal(const RecordKey& key, std::uint64_t revision, ByteView payload) const;
  Result<Record> open(const RecordKey& key, ByteView value) const;

  struct Head {
    std::uint64_t counter = 0;
    std::uint64_t count = 0;
    std::array<Byte, 32> sum{};  // big-endian, modulo 2^256
    bool operator==(const Head&) const = default;
  };
  using Term = std::array<Byte, 32>;
  Term term(std::string_view field, ByteView value) const;  // HMAC(head key, record)
  static void add(Head& head, const Term& term);
  static void subtract(Head& head, const Term& term);
  Bytes seal_head(unsigned partition, const Head& head) const;
  Result<Head> open_head(unsigned partition, ByteView sealed) const;

  // An outbox event bound to its place: partition, counter, index, and the hash of the record it was written
  // with.
  Bytes seal_event(unsigned partition, std::uint64_t counter, std::uint32_t index, const Hash& record_hash,
                   ByteView event) const;
  struct OpenedEvent {
    Hash record_hash{};
    Bytes event;
  };
  Result<OpenedEvent> open_event(unsigned partition, std::uint64_t counter, std::uint32_t index,
                                 ByteView sealed) const;

 private:
  Key record_key_;
  Key event_key_;
  Key head_key_;
  Key head_seal_key_;
  Random& random_;
};

// The fence under which the holder writes; 0 while this node does not hold the lease.
class SealedStore {
 public:
  SealedStore(RawStore& raw, const Key& state_key, Random& random, Clock& clock);
  ~SealedStore();

  // Reads one record as it is now. not_found; internal_error for a bad MAC. A revision below `known` (what
  // this node has already seen) is refused as unavailable with an alarm: an old record was put back.
  Result<Record> get(const RecordKey& key, std::uint64_t known_revision);

  struct Put {
    RecordKey key;
    std::uint64_t expected_revision = 0;  // 0: create
    Bytes payload;
    std::vector<Bytes> events;  // encoded AuditEvents
    std::optional<TimeMs> due_at;
  };
  // The new revision. conflict: somebody was faster, read again; policy: fenced -> unavailable "lost the
  // lease".
  Result<std::uint64_t> compare_and_put(const Put& put);

  // Loads the partition, proves its head, then returns; called again after not_found from follow.
  Status load(unsigned partition, Follower& follower);
  // Waits for changes once (at most wait_ms), applies them, notices a store that went backwards. not_found:
  // reload.
  Status follow(unsigned partition, Follower& follower, std::int64_t wait_ms);
  // Puts back what the store lost, from what this node kept of the last ten minutes. Holder only.
  Status mend(unsigned partition, Follower& follower);

  struct Event {
    unsigned partition = 0;
    std::uint64_t counter = 0;
    std::uint32_t index = 0;
    Hash record_hash{};
    Bytes event;
  };
  Result<std::vector<Event>> outbox(unsigned partition, std::size_t at_most);
  Status acknowledge_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index);

  void set_fence(std::uint64_t fence) { fence_ = fence; }
  std::uint64_t fence() const { return fence_; }
  RawStore& raw() { return raw_; }
  const Sealer& sealer() const { return sealer_; }
  std::uint64_t counter(unsigned partition) const;  // the newest change applied

 private:
  struct Partition;
  RawStore& raw_;
  Sealer sealer_;
  Clock& clock_;
  std::uint64_t fence_ = 0;
  std::vector<std::unique_ptr<Partition>> partitions_;
};

}  // namespace shearline::store
