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
#include <bitset>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shearline::store {

struct Record {
  RecordKey key;
  std::uint64_t revision = 0;
  Bytes payload;  // msgpack, see io/wire/record.hpp
};
// The same where it stands: valid as long as the bytes it was read from.
struct RecordView {
  RecordName name;
  std::uint64_t revision = 0;
  ByteView payload;
};

// Records that a follower is given at a time. Then the other fibers of the thread come first.
inline constexpr std::size_t applied_together_max = 32;

// What a follower is told. Called in order; the record is valid for the call.
// Alarms: head_refused, partition_refused, record_refused (wrong MAC or place), record_old, record_forked,
// event_refused, store_broken, store_went_backwards, record_lost.
class Follower {
 public:
  using Applied = std::bitset<applied_together_max>;
  virtual ~Follower() = default;
  virtual std::uint64_t revision_of(const RecordName& name) const = 0;  // 0: unknown
  virtual void foresee(const RecordName& name) const = 0;   // it is about to be asked for and applied
  virtual std::size_t known(unsigned partition) const = 0;  // how many names of it have a revision above 0
  // At most applied_together_max records of one partition, each once and of a higher revision than is known. Bit i false:
  // records[i] cannot be read, and the follower knows what it knew before.
  virtual Applied apply(unsigned partition, std::span<const RecordView> records) = 0;
  virtual void alarm(std::string_view what, unsigned partition, std::string_view detail) = 0;
  virtual void heard(unsigned partition) = 0;  // the store answered about this partition just now
};

// The MAC and the sum as pure functions, so that tests and tools can write genuine records.
class Sealer {
 public:
  explicit Sealer(const Key& state_key, Random& random);
  // be64 revision || MAC || payload, MAC over "shearline v1 record" || 0 || kind || 0 || id || 0 || be64
  // revision || payload
  Bytes seal(const RecordName& name, std::uint64_t revision, ByteView payload) const;
  Result<RecordView> open(const RecordName& name, ByteView value) const;
  // Many at once, hashed side by side: true for those that open() would open under their field's name.
  static constexpr std::size_t together_max = 64;
  std::bitset<together_max> authentic(std::span<const RawRecord> records) const;

  struct Head {
    std::uint64_t counter = 0;
    std::uint64_t count = 0;
    std::array<Byte, 32> sum{};  // big-endian, modulo 2^256
    bool operator==(const Head&) const = default;
  };
  using Term = std::array<Byte, 32>;
  Term term(std::string_view field, ByteView value) const;  // HMAC(head key, record)
  // Of at most together_max records, hashed side by side.
  void terms(std::span<const RawRecord> records, std::span<Term> out) const;
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

inline constexpr std::size_t record_bytes_max = 1 << 20;  // of a payload
inline constexpr std::size_t events_per_put_max = 256;
// What a node keeps to mend a store that lost writes: the newest records, at most so old and so many.
inline constexpr std::int64_t kept_ms = 10 * 60 * 1000;
inline constexpr std::size_t kept_per_partition_max = 16'384;
inline constexpr std::size_t kept_bytes_per_partition_max = 16 << 20;

// One per control thread, shared by its actors. Every call may park the calling fiber. Puts into one
// partition are made one after another, so that each knows the head the one before it left.
class SealedStore {
 public:
  SealedStore(RawStore& raw, const Key& state_key, Random& random, Clock& clock);
  ~SealedStore();

  // Where alarms go that are raised outside of load and follow; a log line by default.
  using Alarm = std::function<void(std::string_view what, unsigned partition, std::string_view detail)>;
  void on_alarm(Alarm alarm) { alarm_ = std::move(alarm); }

  // A partition that this node could not load: until it is opened again nothing is read from it and nothing put, for what
  // stands there, however authentic, may be old. Loading is not affected.
  void withhold(unsigned partition, std::string why);
  void open(unsigned partition);

  // Reads one record as it is now. not_found; internal_error for a bad MAC. A revision below `known` (what
  // this node has already seen) is refused as unavailable with an alarm: an old record was put back.
  Result<Record> get(const RecordKey& key, std::uint64_t known_revision);

  struct Put {
    RecordKey key;
    std::uint64_t expected_revision = 0;  // 0: create
    Bytes payload;
    std::vector<Bytes> events;     // encoded AuditEvents
    std::optional<TimeMs> due_at;  // empty or time_never: nothing is due for this record any more
  };
  // The new revision. conflict: somebody was faster, read again. unavailable "lost the lease": fenced.
  // unavailable "... outcome unknown": the answer was lost; a get shows what happened, and the same put again
  // is answered rightly (never conflict for one's own write). internal_error: the store is broken or was
  // tampered with, nothing was written, an alarm was raised. invalid: beyond the limits above.
  Result<std::uint64_t> compare_and_put(const Put& put);

  // After any error of load or follow but not_found the caller pauses before it tries again.
  //
  // Reads the partition, proves it against its head, then applies what is new to the follower: a partition
  // that is refused (internal_error, with an alarm) changes nothing. Called first, and again after not_found
  // from follow. Two partitions at a time are held in memory, of which one is read and one applied.
  Status load(unsigned partition, Follower& follower);
  // Waits for changes once (at most wait_ms), applies them, notices a store that went backwards. not_found:
  // load again.
  Status follow(unsigned partition, Follower& follower, std::int64_t wait_ms);
  // Puts back what the last load found missing, from what this node kept of the last ten minutes: raw
  // records, with the events of its own puts that were not acknowledged yet. Holder only; cheap when nothing
  // is missing.
  Status mend(unsigned partition, Follower& follower);
  std::size_t lost_records(unsigned partition) const;  // what mend would put back
  // Records that the last load found older in the store than the follower knows them, or not there at all, whether or
  // not this node still has them raw. Mending does not lower it: only another load proves that they are back.
  std::size_t behind(unsigned partition) const;
  // Whether the newest change in the store is the very one this node has applied last: neither has gone on, nor has the
  // store gone back, nor does it tell another story.
  Result<bool> is_current(unsigned partition);

  struct Event {
    unsigned partition = 0;
    std::uint64_t counter = 0;
    std::uint32_t index = 0;
    Hash record_hash{};
    Bytes event;
  };
  // Oldest first; events that were not written there by us are left out with an alarm.
  Result<std::vector<Event>> outbox(unsigned partition, std::size_t at_most);
  Status acknowledge_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index);

  // The fence under which the holder writes; 0 while this node does not hold the lease.
  void set_fence(std::uint64_t fence);
  std::uint64_t fence() const { return fence_; }
  RawStore& raw() { return raw_; }
  const Sealer& sealer() const { return sealer_; }
  std::uint64_t counter(unsigned partition) const;  // the newest change applied

 private:
  struct Partition;
  struct KnownHead;
  struct Change;
  struct Image;
  struct Lacking;
  struct Applied;

  Partition& at(unsigned partition) const { return *partitions_.at(partition); }
  Result<KnownHead> read_head(unsigned partition);
  Result<KnownHead> open_head(unsigned partition, const RawHead& raw) const;
  Result<Bytes> old_value(const Put& put, bool afresh);
  Result<PutOutcome> attempt(unsigned partition, const Change& change);
  Result<std::uint64_t> put_until_decided(const Put& put, const Change& change);
  void refuse_event(unsigned partition, const OutboxEntry& entry, std::string_view why);
  Status mend_record(unsigned partition, const std::string& field, Follower& follower);

  Status read_image(unsigned partition, Image& image, Follower& follower);
  Status catch_up(unsigned partition, Image& image, Follower& follower);
  void admit(unsigned partition, Image& image, std::span<const RawRecord> records, Follower& follower);
  void refuse(unsigned partition, Image& image, const RawRecord& record, Follower& follower);
  Status prove(unsigned partition, const Image& image) const;
  void install(unsigned partition, const Image& image, Follower& follower);
  Applied apply_image(unsigned partition, const Image& image, Follower& follower) const;
  void apply_some(unsigned partition, const Image& image, std::span<const RawRecord> records,
                  Follower& follower, Applied& applied) const;
  void note_behind(unsigned partition, const Image& image, Applied applied, Follower& follower);
  void tell_lacking(unsigned partition, const Lacking& now, Follower& follower);
  void note_lost(unsigned partition, const Image& image, Follower& follower);
  void take(unsigned partition, const RawChange& change, Follower& follower);
  void keep_change(unsigned partition, const RecordView& record, const RawChange& change, Follower& follower);
  void tell_broken(unsigned partition, const Error& error, Follower& follower);
  void diagnose(unsigned partition, Follower& follower);

  RawStore& raw_;
  Sealer sealer_;
  Clock& clock_;
  Alarm alarm_;
  std::uint64_t fence_ = 0;
  std::vector<std::unique_ptr<Partition>> partitions_;
  struct LoadTurns;
  class LoadTurn;
  std::unique_ptr<LoadTurns> load_turns_;
};

}  // namespace shearline::store
