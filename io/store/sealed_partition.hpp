// What a SealedStore remembers of one partition. Private to sealed.cpp, sealed_follow.cpp and sealed_mend.cpp.
#pragma once

#include "io/store/loaded_records.hpp"
#include "io/store/sealed.hpp"

#include <boost/fiber/mutex.hpp>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace shearline::store {

inline std::uint64_t revision_of_value(ByteView value) {
  return value.size() < value_prefix_bytes ? 0 : load_be64(value.data());
}
// The record that stands at this place, borrowed; internal_error: it is not authentic, or belongs elsewhere.
Result<RecordView> open_at(const Sealer& sealer, unsigned partition, const RawRecord& raw);

struct SealedStore::KnownHead {
  Bytes sealed;  // as it stands in the store; empty: there is none yet
  Sealer::Head head;
};

// One change on its way into the store.
struct SealedStore::Change {
  std::string field;
  std::uint64_t expected_revision = 0;
  Bytes old_value;  // empty: created
  Bytes value;
  std::vector<Bytes> events;
  std::optional<TimeMs> due_at;
};

// A partition as it stood at one counter, while it is loaded.
struct SealedStore::Image {
  explicit Image(LoadedRecords& into) : records(into) { records.clear(); }

  LoadedRecords& records;  // authentic, each the newest that was seen
  Sealer::Head sum;        // over them
  Position position;
  Bytes head;
  std::size_t refused = 0;           // records that are not authentic
  std::uint64_t newest_before = 0;   // what this node had seen when it began to load
  std::uint64_t touched_before = 0;  // what it kept before that

  // Whether a head that an own put left is still the store's: another one may stand under the same counter.
  bool holds(const KnownHead& left, bool backwards) const {
    if (left.head.counter > position.counter) return !backwards;  // put since
    return left.sealed == head;
  }
};

// What a store does not hold of what the follower knows.
struct SealedStore::Lacking {
  std::size_t older = 0;
  std::size_t absent = 0;
  std::string example;          // one that is older
  std::string missing_example;  // one that is absent, where it is still known by its name
};

// What applying an image showed.
struct SealedStore::Applied {
  std::size_t known = 0;  // records of the image that the follower knows now, in whatever revision
  Lacking lacking;        // those that it knew newer
};

// Who loads: one partition is read while the one before it is applied, so that two are held in memory.
struct SealedStore::LoadTurns {
  boost::fibers::mutex reading;
  boost::fibers::mutex applying;
  // Memory of a partition that is loaded, for the next one. None is kept when nobody loads.
  std::vector<std::unique_ptr<LoadedRecords>> spare;
  std::size_t loading = 0;
};

// One load on its way through both turns.
class SealedStore::LoadTurn {
 public:
  explicit LoadTurn(LoadTurns& turns) : turns_(turns), reading_(turns.reading, std::defer_lock) {
    ++turns_.loading;
    reading_.lock();
    if (turns_.spare.empty()) turns_.spare.push_back(std::make_unique<LoadedRecords>());
    records_ = std::move(turns_.spare.back());
    turns_.spare.pop_back();
  }
  ~LoadTurn() {
    turns_.spare.push_back(std::move(records_));
    if (--turns_.loading == 0) turns_.spare.clear();
  }
  LoadTurn(const LoadTurn&) = delete;
  LoadTurn& operator=(const LoadTurn&) = delete;

  LoadedRecords& records() const { return *records_; }
  // All is read: from here on the next one may read.
  void begin_applying() {
    applying_ = std::unique_lock(turns_.applying);
    reading_.unlock();
  }

 private:
  LoadTurns& turns_;
  std::unique_lock<boost::fibers::mutex> reading_;
  std::unique_lock<boost::fibers::mutex> applying_;
  std::unique_ptr<LoadedRecords> records_;
};

struct SealedStore::Partition {
  struct Kept {
    Bytes value;
    std::uint64_t revision = 0;
    TimeMs at = 0;
    std::uint64_t counter = 0;  // of the change that brought it
    std::uint64_t touched = 0;  // number in the order in which things were kept
    std::optional<TimeMs> due_at;
    bool own = false;   // put by this node: due_at is what was asked for
    bool lost = false;  // the store no longer has it
  };
  struct OwnEvent {
    std::uint64_t counter = 0;
    std::uint32_t index = 0;
    std::string field;
    Bytes event;
    std::uint64_t touched = 0;
    bool lost = false;
  };

  std::string withheld;        // why nothing is read or put; empty: it is open
  boost::fibers::mutex turn;   // held over one put, answers included
  std::uint64_t failures = 0;  // puts that found the store away
  std::string last_failure;
  std::optional<KnownHead> head;  // what the last own put left; empty: read it
  Position position;              // what follow has reached
  std::uint64_t newest = 0;       // the highest counter this node has seen here
  bool told_backwards = false;    // the alarm was raised; the next load clears it
  bool told_broken = false;       // likewise
  std::string told_refused;       // why the last load was refused; its records were told of then
  Lacking lacking;                // as the last load found it
  std::uint64_t touches = 0;
  std::unordered_map<std::string, Kept> kept;
  std::size_t kept_bytes = 0;                                    // of their values
  std::deque<std::pair<std::uint64_t, std::string>> kept_order;  // (touched, field), oldest first
  std::deque<OwnEvent> own_events;                               // not acknowledged, oldest first
  std::map<std::string, Hash> in_doubt;  // field -> hash of the value whose put was never answered
  std::pair<std::uint64_t, std::uint32_t> told_event{0, 0};  // the newest refused event told of

  void see(std::uint64_t counter) { newest = std::max(newest, counter); }
  void keep(const std::string& field, Kept entry);
  // Whether this node put the field after `counter`: what comes of it now is what came before.
  bool has_put_since(const std::string& field, std::uint64_t counter) const;
  void forget_old(TimeMs now);
};

}  // namespace shearline::store
