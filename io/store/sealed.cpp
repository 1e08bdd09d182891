// Reading and writing single records and the outbox. Loading, following and mending: sealed_follow.cpp.
#include "io/store/sealed.hpp"

#include "base/log.hpp"
#include "io/store/sealed_partition.hpp"

#include <algorithm>
#include <mutex>

namespace shearline::store {
namespace {

constexpr int put_attempts_max = 4;
constexpr std::size_t in_doubt_max = 1024;

void log_alarm(std::string_view what, unsigned partition, std::string_view detail) {
  log::error("store_alarm", {{"alarm", what}, {"partition", partition_tag(partition)}, {"detail", detail}});
}

std::unexpected<Error> lost_the_lease() {
  return fail(Code::unavailable, "this node lost the lease: another one decides now");
}

Status check_limits(const SealedStore::Put& put) {
  if (!is_record_id(put.key.id)) return fail(Code::invalid, "a record id that cannot be stored");
  if (put.payload.size() > record_bytes_max) {
    return fail(Code::invalid, "record " + put.key.field() + " is larger than " +
                                   std::to_string(record_bytes_max) + " bytes");
  }
  if (put.events.size() > events_per_put_max) {
    return fail(Code::invalid, "more than " + std::to_string(events_per_put_max) + " events in one change");
  }
  return {};
}

std::optional<TimeMs> really_due(std::optional<TimeMs> due_at) {
  return due_at == time_never ? std::nullopt : due_at;
}

}  // namespace

void SealedStore::Partition::keep(const std::string& field, Kept entry) {
  entry.touched = ++touches;
  kept_order.emplace_back(entry.touched, field);
  kept_bytes += entry.value.size();
  const TimeMs now = entry.at;
  Kept& place = kept[field];
  kept_bytes -= place.value.size();
  place = std::move(entry);
  forget_old(now);
}

bool SealedStore::Partition::has_put_since(const std::string& field, std::uint64_t counter) const {
  const auto found = kept.find(field);
  return found != kept.end() && found->second.own && found->second.counter > counter;
}

void SealedStore::Partition::forget_old(TimeMs now) {
  while (!kept_order.empty()) {
    const auto& [touched, field] = kept_order.front();
    const auto found = kept.find(field);
    const bool current = found != kept.end() && found->second.touched == touched;
    const bool too_many = kept.size() > kept_per_partition_max || kept_bytes > kept_bytes_per_partition_max;
    if (current && !too_many && found->second.at + kept_ms > now) return;
    if (current) {
      kept_bytes -= found->second.value.size();
      kept.erase(found);
    }
    kept_order.pop_front();
  }
}

SealedStore::SealedStore(RawStore& raw, const Key& state_key, Random& random, Clock& clock)
    : raw_(raw),
      sealer_(state_key, random),
      clock_(clock),
      alarm_(log_alarm),
      load_turns_(std::make_unique<LoadTurns>()) {
  for (unsigned i = 0; i < partition_count; ++i) partitions_.push_back(std::make_unique<Partition>());
}

SealedStore::~SealedStore() = default;

// Events of our own puts stay, whoever holds the lease meanwhile: should the store lose those puts, their events come back
// with them, and whoever reads the trail knows an event again by its id.
void SealedStore::set_fence(std::uint64_t fence) { fence_ = fence; }

std::uint64_t SealedStore::counter(unsigned partition) const { return at(partition).position.counter; }

void SealedStore::withhold(unsigned partition, std::string why) {
  at(partition).withheld = partition_tag(partition) + " could not be loaded: " + std::move(why);
}

void SealedStore::open(unsigned partition) { at(partition).withheld.clear(); }

Result<Record> SealedStore::get(const RecordKey& key, std::uint64_t known_revision) {
  if (!is_record_id(key.id)) return fail(Code::not_found, "no record has such an id");
  const unsigned partition = key.partition();
  if (!at(partition).withheld.empty()) return fail(Code::unavailable, at(partition).withheld);
  const auto value = raw_.get(partition, key.field());
  if (!value) {
    if (value.error().code == Code::internal_error) alarm_("store_broken", partition, value.error().message);
    return std::unexpected(value.error());
  }
  if (!*value) {
    if (known_revision == 0) return fail(Code::not_found, key.field() + " does not exist");
    const std::string detail =
        key.field() + " is gone, revision " + std::to_string(known_revision) + " was seen";
    alarm_("record_lost", partition, detail);
    return fail(Code::unavailable, detail);
  }
  const auto record = sealer_.open(key, **value);
  if (!record) {
    alarm_("record_refused", partition, record.error().message);
    return std::unexpected(record.error());
  }
  if (record->revision < known_revision) {
    const std::string detail = key.field() + " stands at revision " + std::to_string(record->revision) +
                               ", revision " + std::to_string(known_revision) + " was seen";
    alarm_("record_old", partition, detail);
    return fail(Code::unavailable, detail);
  }
  return Record{key, record->revision, to_bytes(record->payload)};
}

// ---- heads ----

// A head that belongs to this partition and to the newest change, or nothing.
Result<SealedStore::KnownHead> SealedStore::open_head(unsigned partition, const RawHead& raw) const {
  const std::string tag = partition_tag(partition);
  if (raw.head.empty()) {
    if (raw.counter == 0) return KnownHead{};
    return fail(Code::internal_error, tag + " has changes but no head");
  }
  const auto head = sealer_.open_head(partition, raw.head);
  if (!head) return std::unexpected(head.error());
  if (head->counter != raw.counter) {
    return fail(Code::internal_error, "the head of " + tag + " is of change " +
                                          std::to_string(head->counter) + ", the newest change is " +
                                          std::to_string(raw.counter));
  }
  return KnownHead{raw.head, *head};
}

Result<SealedStore::KnownHead> SealedStore::read_head(unsigned partition) {
  const std::uint64_t newest = at(partition).newest;  // own puts may raise it while we read
  const auto raw = raw_.head(partition);
  if (!raw) {
    if (raw.error().code == Code::internal_error) alarm_("store_broken", partition, raw.error().message);
    return std::unexpected(raw.error());
  }
  auto known = open_head(partition, *raw);
  if (!known) {
    alarm_("head_refused", partition, known.error().message);
    return known;
  }
  if (raw->counter < newest) {
    const std::string detail = partition_tag(partition) + " stands at change " +
                               std::to_string(raw->counter) + ", change " + std::to_string(newest) +
                               " was seen";
    if (!std::exchange(at(partition).told_backwards, true)) {
      alarm_("store_went_backwards", partition, detail);
    }
    return fail(Code::unavailable, "the store went backwards: " + detail);
  }
  return known;
}

// ---- putting ----

Result<std::uint64_t> SealedStore::compare_and_put(const Put& put) {
  if (const auto limits = check_limits(put); !limits) return std::unexpected(limits.error());
  Partition& partition = at(put.key.partition());
  if (!partition.withheld.empty()) return fail(Code::unavailable, partition.withheld);
  const std::uint64_t failures = partition.failures;
  const std::lock_guard turn(partition.turn);
  if (fence_ == 0) return lost_the_lease();
  // While the store is away all that wait here hear it at once, not each after a time-out of its own.
  if (partition.failures != failures) {
    return fail(Code::unavailable, "not sent, because the put before it failed: " + partition.last_failure);
  }

  const std::uint64_t revision = put.expected_revision + 1;
  const Change change{
      put.key.field(), put.expected_revision, {}, sealer_.seal(put.key, revision, put.payload),
      put.events,      really_due(put.due_at)};
  auto result = put_until_decided(put, change);
  const bool unknown = !result && result.error().code == Code::unavailable;
  if (!unknown) {
    partition.in_doubt.erase(change.field);
  } else {
    ++partition.failures;
    partition.last_failure = result.error().message;
    if (partition.in_doubt.size() >= in_doubt_max) partition.in_doubt.clear();
    partition.in_doubt[change.field] = sha256(change.value);
  }
  return result;
}

// A conflict may only mean that the head we remembered is not the newest any more: what stands in the store
// decides whether somebody was faster with this record.
Result<std::uint64_t> SealedStore::put_until_decided(const Put& put, const Change& change) {
  const unsigned partition = put.key.partition();
  Partition& here = at(partition);
  const auto doubt = here.in_doubt.find(change.field);
  const std::uint64_t revision = put.expected_revision + 1;
  for (int i = 0; i < put_attempts_max; ++i) {
    auto old = old_value(put, i > 0 || doubt != here.in_doubt.end());
    if (!old) return std::unexpected(old.error());
    const std::uint64_t stored = old->empty() ? 0 : load_be64(old->data());
    if (stored != put.expected_revision) {
      // Ours, but only if it is this very change that was stored without an answer and not one before it.
      const bool in_doubt = doubt != here.in_doubt.end() && doubt->second == sha256(*old);
      if (in_doubt && *old == change.value) return revision;
      return fail(Code::conflict, change.field + " stands at revision " + std::to_string(stored) + ", not " +
                                      std::to_string(put.expected_revision));
    }
    Change now = change;
    now.old_value = std::move(*old);
    const std::uint64_t sent_under = fence_;
    const auto outcome = attempt(partition, now);
    if (!outcome) return std::unexpected(outcome.error());
    switch (*outcome) {
      case PutOutcome::ok:
        return revision;
      case PutOutcome::fenced:
        // A newer holder is there: from now on this node changes nothing and says nothing.
        if (fence_ == sent_under) set_fence(0);
        return lost_the_lease();
      case PutOutcome::broken:
        alarm_("store_broken", partition, "a put of " + change.field + " found what no put leaves behind");
        return fail(Code::internal_error, partition_tag(partition) + " is damaged; nothing was written");
      case PutOutcome::conflict:
        break;
    }
  }
  return fail(Code::conflict, partition_tag(partition) + " changes faster than this node can follow");
}

// The stored bytes that the put replaces, which are needed to take their term out of the sum. Empty: none.
Result<Bytes> SealedStore::old_value(const Put& put, bool afresh) {
  const Partition& partition = at(put.key.partition());
  const std::string field = put.key.field();
  if (!afresh) {
    if (put.expected_revision == 0) return Bytes{};
    const auto kept = partition.kept.find(field);
    if (kept != partition.kept.end() && !kept->second.lost &&
        kept->second.revision == put.expected_revision) {
      return kept->second.value;
    }
  }
  const auto stored = raw_.get(put.key.partition(), field);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return Bytes{};
  if (const auto record = sealer_.open(put.key, **stored); !record) {
    alarm_("record_refused", put.key.partition(), record.error().message);
    return std::unexpected(record.error());
  }
  return **stored;
}

// One compare-and-put on top of the head we know. Whatever does not end well makes us read the head again.
Result<PutOutcome> SealedStore::attempt(unsigned partition, const Change& change) {
  Partition& here = at(partition);
  if (!here.head) {
    auto head = read_head(partition);
    if (!head) return std::unexpected(head.error());
    here.head = std::move(*head);
  }
  const KnownHead before = *std::exchange(here.head, std::nullopt);
  Sealer::Head after = before.head;
  ++after.counter;
  if (!change.old_value.empty()) Sealer::subtract(after, sealer_.term(change.field, change.old_value));
  Sealer::add(after, sealer_.term(change.field, change.value));

  RawPut put{partition,
             change.field,
             change.expected_revision,
             change.value,
             before.head.counter,
             before.sealed,
             sealer_.seal_head(partition, after),
             {},
             change.due_at,
             fence_};
  const Hash record_hash = sha256(change.value);
  for (std::uint32_t i = 0; i < change.events.size(); ++i) {
    put.events.push_back(sealer_.seal_event(partition, after.counter, i, record_hash, change.events[i]));
  }
  const auto outcome = raw_.compare_and_put(put);
  if (!outcome || *outcome != PutOutcome::ok) return outcome;

  here.head = KnownHead{std::move(put.head), after};
  here.see(after.counter);
  here.keep(change.field, {change.value, load_be64(change.value.data()), clock_.now_ms(), after.counter, 0,
                           change.due_at, true, false});
  for (std::uint32_t i = 0; i < change.events.size(); ++i) {
    here.own_events.push_back({after.counter, i, change.field, change.events[i], here.touches, false});
    if (here.own_events.size() > kept_per_partition_max) here.own_events.pop_front();
  }
  return outcome;
}

// ---- outbox ----

// Forged entries must not hide the genuine ones behind them: where a page holds nothing genuine, a larger one
// is read.
Result<std::vector<SealedStore::Event>> SealedStore::outbox(unsigned partition, std::size_t at_most) {
  for (std::size_t page = at_most;; page *= 4) {
    const auto entries = raw_.outbox(partition, page);
    if (!entries) return std::unexpected(entries.error());
    std::vector<Event> events;
    for (const OutboxEntry& entry : *entries) {
      if (events.size() == at_most) break;
      auto opened = sealer_.open_event(partition, entry.counter, entry.index, entry.event);
      if (opened) {
        events.push_back(
            {partition, entry.counter, entry.index, opened->record_hash, std::move(opened->event)});
      } else {
        refuse_event(partition, entry, opened.error().message);
      }
    }
    if (!events.empty() || entries->size() < page) return events;
  }
}

// Told once each: the audit actor looks again and again.
void SealedStore::refuse_event(unsigned partition, const OutboxEntry& entry, std::string_view why) {
  auto& told = at(partition).told_event;
  const std::pair place(entry.counter, entry.index);
  if (place <= told) return;
  told = place;
  alarm_("event_refused", partition, why);
}

Status SealedStore::acknowledge_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index) {
  if (fence_ == 0) return lost_the_lease();
  const std::uint64_t sent_under = fence_;
  const auto outcome = raw_.acknowledge_outbox(partition, counter, index, sent_under);
  if (!outcome) return std::unexpected(outcome.error());
  if (*outcome == PutOutcome::fenced) {
    if (fence_ == sent_under) set_fence(0);
    return lost_the_lease();
  }
  if (*outcome != PutOutcome::ok) {
    alarm_("store_broken", partition, "the outbox is not what a put leaves behind");
    return fail(Code::internal_error, "the outbox of " + partition_tag(partition) + " is damaged");
  }
  auto& own = at(partition).own_events;
  std::erase_if(own, [&](const Partition::OwnEvent& event) {
    return !event.lost && std::pair(event.counter, event.index) <= std::pair(counter, index);
  });
  return {};
}

}  // namespace shearline::store
