// What a store that went backwards, or was tampered with, lacks of what this node knows: noticing it, telling it, and
// putting back what is still here. Loading and following: sealed_follow.cpp.
#include "io/store/sealed.hpp"
#include "io/store/sealed_partition.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace shearline::store {

// ---- noticing ----

// Why the place we had reached is gone: trimmed away is ordinary, other bytes or a lower counter are not.
void SealedStore::diagnose(unsigned partition, Follower& follower) {
  Partition& here = at(partition);
  const std::uint64_t newest = here.newest;
  const auto head = raw_.head(partition);
  if (!head) return;
  std::string detail;
  if (head->counter < newest) {
    detail = " stands at change " + std::to_string(head->counter) + ", change " + std::to_string(newest) +
             " was seen";
  } else if (here.position.seen) {
    const auto entry = raw_.change_at(partition, here.position.counter);
    if (!entry || !*entry || hash_of(**entry) == *here.position.seen) return;
    detail = " holds another change " + std::to_string(here.position.counter) + " than the one seen";
  }
  if (detail.empty() || std::exchange(here.told_backwards, true)) return;
  follower.alarm("store_went_backwards", partition, partition_tag(partition) + detail);
}

Result<bool> SealedStore::is_current(unsigned partition) {
  const Position here = at(partition).position;
  const auto head = raw_.head(partition);
  if (!head) return std::unexpected(head.error());
  if (head->counter != here.counter) return false;
  if (here.counter == 0 || !here.seen) return true;
  const auto newest = raw_.change_at(partition, here.counter);
  if (!newest) return std::unexpected(newest.error());
  return *newest && hash_of(**newest) == *here.seen;
}

// What was kept before this load began and is not in the store as it was kept is lost.
void SealedStore::note_lost(unsigned partition, const Image& image, Follower& follower) {
  Partition& here = at(partition);
  for (auto& [field, kept] : here.kept) {
    if (kept.touched > image.touched_before) continue;
    const ByteView stored = image.records.find(field);
    const std::uint64_t revision = revision_of_value(stored);
    kept.lost = revision < kept.revision;
    kept.counter =
        std::min(kept.counter, image.position.counter);  // what it was put with is no place any more
    if (revision == kept.revision && !equal(stored, kept.value)) {
      follower.alarm("record_forked", partition,
                     field + " holds other bytes than this node saw under the same revision");
      // What the store holds is what its sum is over: the next put takes these bytes out of it, not ours.
      here.kept_bytes = here.kept_bytes - kept.value.size() + stored.size();
      kept.value = to_bytes(stored);
      kept.own = false;
      kept.due_at.reset();
    }
  }
  for (auto& event : here.own_events) {
    const bool beyond = event.touched <= image.touched_before && event.counter > image.position.counter;
    event.lost = event.lost || beyond;
  }
}

// All of the image is applied by now, so what the follower knows and the image does not hold, the store has lost. What
// this node put while the image was read is only too new for it.
void SealedStore::note_behind(unsigned partition, const Image& image, Applied applied, Follower& follower) {
  Partition& here = at(partition);
  Lacking& lacking = applied.lacking;
  for (const auto& [field, kept] : here.kept) {
    if (!image.records.find(field).empty() || follower.revision_of(*RecordName::from_field(field)) == 0)
      continue;
    if (kept.touched > image.touched_before) {
      ++applied.known;
    } else {
      lacking.missing_example = field;
    }
  }
  const std::size_t known = follower.known(partition);
  lacking.absent = known > applied.known ? known - applied.known : 0;
  tell_lacking(partition, lacking, follower);
  here.lacking = std::move(lacking);
}

// Once for each state of the matter: as long as it lasts the partition is read again and again.
void SealedStore::tell_lacking(unsigned partition, const Lacking& now, Follower& follower) {
  const Lacking& told = at(partition).lacking;
  if (now.older > 0 && now.older != told.older) {
    follower.alarm("record_old", partition,
                   std::to_string(now.older) + " records in the store are older than what this node knows, " +
                       now.example + " for one; the newer ones stay in force here");
  }
  if (now.absent > 0 && now.absent != told.absent) {
    follower.alarm("record_lost", partition,
                   std::to_string(now.absent) + " records that this node knows are not in the store" +
                       (now.missing_example.empty() ? "" : ", " + now.missing_example + " for one") +
                       "; they stay in force here until it stops");
  }
}

std::size_t SealedStore::behind(unsigned partition) const {
  const Lacking& lacking = at(partition).lacking;
  return lacking.older + lacking.absent;
}

// ---- mending ----

std::size_t SealedStore::lost_records(unsigned partition) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(at(partition).kept, [](const auto& entry) { return entry.second.lost; }));
}

Status SealedStore::mend(unsigned partition, Follower& follower) {
  if (lost_records(partition) == 0) return {};
  Partition& here = at(partition);
  const std::lock_guard turn(here.turn);
  if (fence_ == 0) return fail(Code::unavailable, "only the lease holder mends the store");
  std::vector<std::string> fields;
  for (const auto& [field, kept] : here.kept) {
    if (kept.lost) fields.push_back(field);
  }
  for (const std::string& field : fields) {
    if (auto mended = mend_record(partition, field, follower); !mended) return mended;
  }
  return {};
}

Status SealedStore::mend_record(unsigned partition, const std::string& field, Follower& follower) {
  Partition& here = at(partition);
  const auto found = here.kept.find(field);
  if (found == here.kept.end() || !found->second.lost) return {};
  const Partition::Kept kept = found->second;
  const auto stored = raw_.get(partition, field);
  if (!stored) return std::unexpected(stored.error());
  if (*stored) {
    if (auto record = open_at(sealer_, partition, {field, **stored}); !record) {
      follower.alarm("record_refused", partition, record.error().message);
      return std::unexpected(record.error());
    }
  }
  const std::uint64_t revision = *stored ? revision_of_value(**stored) : 0;
  if (revision >= kept.revision) {  // mended by somebody else, or by an attempt whose answer was lost
    if (const auto again = here.kept.find(field); again != here.kept.end()) again->second.lost = false;
    std::erase_if(here.own_events, [&](const auto& event) { return event.lost && event.field == field; });
    return {};
  }
  // When the deadline is not known here, it is due now: whoever looks at the record derives it anew.
  Change change{field,      revision, stored->value_or(Bytes{}),
                kept.value, {},       kept.own ? kept.due_at : std::optional(clock_.now_ms())};
  std::erase_if(here.own_events, [&](const Partition::OwnEvent& event) {
    const bool back = event.lost && event.field == field;
    if (back) change.events.push_back(event.event);
    return back;
  });
  const auto outcome = attempt(partition, change);
  if (outcome && *outcome == PutOutcome::ok) return {};
  for (const Bytes& event : change.events) {  // not yet: the next attempt takes them along again
    here.own_events.push_back({here.newest + 1, 0, field, event, 0, true});
  }
  if (!outcome) return std::unexpected(outcome.error());
  return fail(Code::unavailable, field + " could not be put back yet");
}

}  // namespace shearline::store
