// Loading a partition with proof, following it, noticing a store that went backwards, and mending it.
#include "io/store/sealed.hpp"
#include "io/store/sealed_partition.hpp"

#include <boost/fiber/operations.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

namespace shearline::store {
namespace {

constexpr int load_attempts_max = 3;
constexpr std::size_t refused_told_max = 16;  // alarms of one load: a ruined partition must not flood the log
constexpr std::size_t applied_per_turn = 512;  // then the other fibers of the thread come first

std::uint64_t revision_of_value(ByteView value) {
  return value.size() < value_prefix_bytes ? 0 : load_be64(value.data());
}

// The key under which an authentic value would stand at this place.
Result<Record> open_at(const Sealer& sealer, unsigned partition, std::string_view field, ByteView value) {
  const auto key = RecordKey::from_field(field);
  if (!key || key->partition() != partition) {
    return fail(Code::internal_error,
                "a record stands in " + partition_tag(partition) + " that does not belong there");
  }
  return sealer.open(*key, value);
}

}  // namespace

// ---- loading ----

// Note the head, read all, follow to the newest change, prove the sum, and only then apply.
Status SealedStore::load(unsigned partition, Follower& follower) {
  const std::lock_guard turn(load_turn_->mutex);
  for (int i = 0; i < load_attempts_max; ++i) {
    auto image = read_image(partition, follower);
    if (!image && image.error().code == Code::not_found) continue;  // trimmed under our feet
    if (!image) {
      if (image.error().code == Code::internal_error) tell_broken(partition, image.error(), follower);
      return std::unexpected(image.error());
    }
    if (auto proof = prove(partition, *image); !proof) {
      follower.alarm("partition_refused", partition, proof.error().message);
      return proof;
    }
    install(partition, *image, follower);
    return {};
  }
  return fail(Code::unavailable,
              partition_tag(partition) + " changed faster than it could be loaded, try again");
}

Result<SealedStore::Image> SealedStore::read_image(unsigned partition, Follower& follower) {
  Image image;
  image.newest_before = at(partition).newest;
  image.touched_before = at(partition).touches;
  const auto start = raw_.head(partition);
  if (!start) return std::unexpected(start.error());
  image.position.counter = start->counter;
  const auto scanned = raw_.scan(partition, [&](std::string_view field, ByteView value) {
    admit(partition, image, field, value, follower);
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (auto caught_up = catch_up(partition, image, follower); !caught_up) {
    return std::unexpected(caught_up.error());
  }
  return image;
}

// Whatever the scan saw is at most as new as the head read after it; the changes up to that head fill in what
// the scan was too early for. So the image is the partition as it stood at that counter.
Status SealedStore::catch_up(unsigned partition, Image& image, Follower& follower) {
  const auto head = raw_.head(partition);
  if (!head) return std::unexpected(head.error());
  image.head = head->head;
  while (image.position.counter < head->counter) {
    const auto news = raw_.changes(partition, image.position, 0);
    if (!news) return std::unexpected(news.error());
    for (const RawChange& change : *news) {
      if (change.counter > head->counter) break;
      admit(partition, image, change.field, change.value, follower);
      image.position = {change.counter, hash_of(change)};
    }
    if (news->empty()) return fail(Code::not_found, "the newest change is not in the stream");
  }
  if (image.position.counter > head->counter) return fail(Code::not_found, "the store went backwards");
  if (image.position.counter != 0 && !image.position.seen) {
    const auto newest = raw_.change_at(partition, image.position.counter);
    if (!newest) return std::unexpected(newest.error());
    if (*newest) image.position.seen = hash_of(**newest);
  }
  return {};
}

void SealedStore::admit(unsigned partition, Image& image, std::string_view field, ByteView value,
                        Follower& follower) {
  if (const auto record = open_at(sealer_, partition, field, value); !record) {
    if (++image.refused <= refused_told_max) {
      follower.alarm("record_refused", partition, record.error().message);
    }
    return;
  }
  Bytes& newest = image.records[std::string(field)];
  if (revision_of_value(value) > revision_of_value(newest)) newest = to_bytes(value);
}

Status SealedStore::prove(unsigned partition, const Image& image) const {
  const std::string tag = partition_tag(partition);
  if (image.refused > 0) {
    return fail(Code::internal_error, tag + " is refused: " + std::to_string(image.refused) +
                                          " records or changes in it are not authentic");
  }
  const auto known = open_head(partition, {image.position.counter, image.head});
  if (!known) return fail(Code::internal_error, tag + " is refused: " + known.error().message);
  Sealer::Head sum{image.position.counter, 0, {}};
  for (const auto& [field, value] : image.records) Sealer::add(sum, sealer_.term(field, value));
  if (sum.count != known->head.count) {
    return fail(Code::internal_error, tag + " is refused: it holds " + std::to_string(sum.count) +
                                          " records, its head was sealed over " +
                                          std::to_string(known->head.count));
  }
  if (sum.sum != known->head.sum) {
    return fail(Code::internal_error,
                tag + " is refused: its records are not those its head was sealed over");
  }
  return {};
}

void SealedStore::install(unsigned partition, const Image& image, Follower& follower) {
  Partition& here = at(partition);
  const bool backwards = image.position.counter < image.newest_before;
  if (backwards && !here.told_backwards) {
    follower.alarm("store_went_backwards", partition,
                   partition_tag(partition) + " stands at change " + std::to_string(image.position.counter) +
                       ", change " + std::to_string(image.newest_before) + " was seen");
  }
  note_lost(partition, image, follower);
  here.newest = backwards ? image.position.counter : std::max(here.newest, image.position.counter);
  if (backwards) here.head.reset();
  here.told_backwards = here.told_broken = false;
  apply_image(partition, image, follower);
  here.position = image.position;  // only now: whoever asks is_current() must find all of it applied
  follower.heard(partition);
}

void SealedStore::apply_image(unsigned partition, const Image& image, Follower& follower) {
  std::size_t applied = 0;
  std::size_t older = 0;
  std::string example;
  for (const auto& [field, value] : image.records) {
    const auto key = RecordKey::from_field(field);
    const std::uint64_t revision = revision_of_value(value);
    const std::uint64_t known = follower.revision_of(*key);
    if (revision < known && older++ == 0) example = field;
    if (revision <= known) continue;
    follower.apply({*key, revision, to_bytes(ByteView(value).subspan(value_prefix_bytes))});
    if (++applied % applied_per_turn == 0) boost::this_fiber::yield();
  }
  if (older == 0) return;
  follower.alarm("record_old", partition,
                 std::to_string(older) + " records in the store are older than what this node knows, " +
                     example + " for one; the newer ones stay in force here");
}

// What was kept before this load began and is not in the store as it was kept is lost.
void SealedStore::note_lost(unsigned partition, const Image& image, Follower& follower) {
  Partition& here = at(partition);
  for (auto& [field, kept] : here.kept) {
    if (kept.touched > image.touched_before) continue;
    const auto stored = image.records.find(field);
    const std::uint64_t revision = stored == image.records.end() ? 0 : revision_of_value(stored->second);
    kept.lost = revision < kept.revision;
    if (revision == kept.revision && stored->second != kept.value) {
      follower.alarm("record_forked", partition,
                     field + " holds other bytes than this node saw under the same revision");
      // What the store holds is what its sum is over: the next put takes these bytes out of it, not ours.
      here.kept_bytes = here.kept_bytes - kept.value.size() + stored->second.size();
      kept.value = stored->second;
      kept.own = false;
      kept.due_at.reset();
    }
  }
  for (auto& event : here.own_events) {
    const bool beyond = event.touched <= image.touched_before && event.counter > image.position.counter;
    event.lost = event.lost || beyond;
  }
}

// ---- following ----

Status SealedStore::follow(unsigned partition, Follower& follower, std::int64_t wait_ms) {
  Partition& here = at(partition);
  const auto news = raw_.changes(partition, here.position, wait_ms);
  if (!news) {
    if (news.error().code == Code::not_found) diagnose(partition, follower);
    if (news.error().code == Code::internal_error) tell_broken(partition, news.error(), follower);
    return std::unexpected(news.error());
  }
  for (const RawChange& change : *news) {
    if (change.counter != here.position.counter + 1) {
      return fail(Code::not_found, "a change is missing in " + partition_tag(partition));
    }
    take(partition, change, follower);
    here.position = {change.counter, hash_of(change)};
    here.see(change.counter);
  }
  here.told_broken = false;
  follower.heard(partition);
  return {};
}

void SealedStore::take(unsigned partition, const RawChange& change, Follower& follower) {
  const auto record = open_at(sealer_, partition, change.field, change.value);
  if (!record) {
    follower.alarm("record_refused", partition,
                   record.error().message + " (change " + std::to_string(change.counter) + ")");
    return;
  }
  Partition& here = at(partition);
  const auto kept = here.kept.find(change.field);
  const std::uint64_t known = follower.revision_of(record->key);
  if (record->revision < known) {
    follower.alarm("record_old", partition,
                   change.field + " came with revision " + std::to_string(record->revision) + ", revision " +
                       std::to_string(known) + " is known");
    return;
  }
  if (kept == here.kept.end() || record->revision > kept->second.revision) {
    here.keep(change.field, {change.value, record->revision, clock_.now_ms(), 0, std::nullopt, false, false});
  } else if (kept->second.value == change.value) {
    kept->second.lost = false;  // our own put, or mended by the holder
  } else if (kept->second.revision == record->revision) {
    follower.alarm("record_forked", partition,
                   change.field + " came with other bytes than this node saw under the same revision");
    here.keep(change.field, {change.value, record->revision, clock_.now_ms(), 0, std::nullopt, false, false});
  }
  if (record->revision > known) follower.apply(*record);
}

void SealedStore::tell_broken(unsigned partition, const Error& error, Follower& follower) {
  if (std::exchange(at(partition).told_broken, true)) return;
  follower.alarm("store_broken", partition, error.message);
}

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
    if (auto record = open_at(sealer_, partition, field, **stored); !record) {
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
