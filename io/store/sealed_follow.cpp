// Loading a partition with proof and following it. What a store that went backwards lacks: sealed_mend.cpp.
#include "io/store/sealed.hpp"
#include "io/store/sealed_partition.hpp"

#include <boost/fiber/operations.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

namespace shearline::store {
namespace {

constexpr int load_attempts_max = 3;
constexpr std::size_t refused_told_max = 16;  // alarms of one load: a ruined partition must not flood the log

bool belongs_in(unsigned partition, std::string_view field) {
  const auto name = RecordName::from_field(field);
  return name && name->partition() == partition;
}

}  // namespace

Result<RecordView> open_at(const Sealer& sealer, unsigned partition, const RawRecord& raw) {
  if (!belongs_in(partition, raw.field)) {
    return fail(Code::internal_error,
                "a record stands in " + partition_tag(partition) + " that does not belong there");
  }
  return sealer.open(*RecordName::from_field(raw.field), raw.value);
}

// ---- loading ----

// Note the head, read all, follow to the newest change, prove the sum, and only then apply.
Status SealedStore::load(unsigned partition, Follower& follower) {
  LoadTurn turn(*load_turns_);
  for (int i = 0; i < load_attempts_max; ++i) {
    Image image(turn.records());
    const Status read = read_image(partition, image, follower);
    if (!read && read.error().code == Code::not_found) continue;  // trimmed under our feet
    if (!read) {
      if (read.error().code == Code::internal_error) tell_broken(partition, read.error(), follower);
      return read;
    }
    if (auto proof = prove(partition, image); !proof) {
      std::string& told = at(partition).told_refused;
      if (told != proof.error().message)
        follower.alarm("partition_refused", partition, proof.error().message);
      told = proof.error().message;
      return proof;
    }
    turn.begin_applying();
    install(partition, image, follower);
    return {};
  }
  return fail(Code::unavailable,
              partition_tag(partition) + " changed faster than it could be loaded, try again");
}

Status SealedStore::read_image(unsigned partition, Image& image, Follower& follower) {
  image.newest_before = at(partition).newest;
  image.touched_before = at(partition).touches;
  const auto start = raw_.head(partition);
  if (!start) return std::unexpected(start.error());
  image.position.counter = start->counter;
  const auto scanned = raw_.scan(partition, [&](std::span<const RawRecord> page) {
    for (; !page.empty(); page = page.subspan(std::min(page.size(), Sealer::together_max))) {
      admit(partition, image, page.first(std::min(page.size(), Sealer::together_max)), follower);
    }
  });
  if (!scanned) return std::unexpected(scanned.error());
  return catch_up(partition, image, follower);
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
      const RawRecord record{change.field, change.value};
      admit(partition, image, {&record, 1}, follower);
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

// Takes at most Sealer::together_max records into the image, those that are authentic and newer than what it holds, and
// keeps the sum over it.
void SealedStore::admit(unsigned partition, Image& image, std::span<const RawRecord> records,
                        Follower& follower) {
  for (const RawRecord& record : records) image.records.prefetch(record.field);
  const auto authentic = sealer_.authentic(records);
  std::array<Sealer::Term, Sealer::together_max> terms;
  sealer_.terms(records, terms);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const RawRecord& record = records[i];
    if (!authentic[i] || !belongs_in(partition, record.field)) {
      refuse(partition, image, record, follower);
      continue;
    }
    const ByteView older = image.records.find(record.field);
    if (revision_of_value(record.value) <= revision_of_value(older)) continue;
    if (!older.empty()) Sealer::subtract(image.sum, sealer_.term(record.field, older));
    Sealer::add(image.sum, terms[i]);
    image.records.put(record);
  }
}

void SealedStore::refuse(unsigned partition, Image& image, const RawRecord& record, Follower& follower) {
  if (++image.refused > refused_told_max || !at(partition).told_refused.empty()) return;
  if (const auto opened = open_at(sealer_, partition, record); !opened) {
    follower.alarm("record_refused", partition, opened.error().message);
  }
}

Status SealedStore::prove(unsigned partition, const Image& image) const {
  const std::string tag = partition_tag(partition);
  if (image.refused > 0) {
    return fail(Code::internal_error, tag + " is refused: " + std::to_string(image.refused) +
                                          " records or changes in it are not authentic");
  }
  const auto known = open_head(partition, {image.position.counter, image.head});
  if (!known) return fail(Code::internal_error, tag + " is refused: " + known.error().message);
  if (image.sum.count != known->head.count) {
    return fail(Code::internal_error, tag + " is refused: it holds " + std::to_string(image.sum.count) +
                                          " records, its head was sealed over " +
                                          std::to_string(known->head.count));
  }
  if (image.sum.sum != known->head.sum) {
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
  if (here.head && !image.holds(*here.head, backwards)) here.head.reset();
  here.told_backwards = here.told_broken = false;
  here.told_refused.clear();
  note_behind(partition, image, apply_image(partition, image, follower), follower);
  here.position = image.position;  // only now: whoever asks is_current() must find all of it applied
  follower.heard(partition);
}

// Some records at a time, so that whoever applies them may fetch their places in memory ahead and work side by side.
SealedStore::Applied SealedStore::apply_image(unsigned partition, const Image& image,
                                              Follower& follower) const {
  Applied applied;
  std::vector<RawRecord> next;
  image.records.for_each([&](const RawRecord& raw) {
    next.push_back(raw);
    if (next.size() < applied_together_max) return;
    apply_some(partition, image, next, follower, applied);
    next.clear();
    boost::this_fiber::yield();
  });
  apply_some(partition, image, next, follower, applied);
  return applied;
}

void SealedStore::apply_some(unsigned partition, const Image& image, std::span<const RawRecord> records,
                             Follower& follower, Applied& applied) const {
  const Partition& here = at(partition);
  const auto too_new = [&](std::string_view field) {
    const auto kept = here.kept.find(std::string(field));
    return kept != here.kept.end() && kept->second.touched > image.touched_before;
  };
  std::array<RecordView, applied_together_max> views;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const ByteView value = records[i].value;
    views[i] = {*RecordName::from_field(records[i].field), revision_of_value(value),
                value.subspan(value_prefix_bytes)};
    follower.foresee(views[i].name);
  }
  std::size_t news = 0;  // as many at the front of views
  Follower::Applied known_before;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::uint64_t known = follower.revision_of(views[i].name);
    if (known > views[i].revision && !too_new(records[i].field) && applied.lacking.older++ == 0)
      applied.lacking.example = records[i].field;
    if (known > 0) ++applied.known;
    if (known < views[i].revision) {
      known_before[news] = known > 0;
      views[news++] = views[i];
    }
  }
  const Follower::Applied readable = follower.apply(partition, std::span(views).first(news));
  for (std::size_t i = 0; i < news; ++i) applied.known += readable[i] && !known_before[i] ? 1 : 0;
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
  const auto record = open_at(sealer_, partition, {change.field, change.value});
  if (!record) {
    follower.alarm("record_refused", partition,
                   record.error().message + " (change " + std::to_string(change.counter) + ")");
    return;
  }
  Partition& here = at(partition);
  const std::uint64_t known = follower.revision_of(record->name);
  if (record->revision < known) {
    // Whoever puts may know it before the change comes round: an earlier one that comes now is only late.
    if (here.has_put_since(change.field, change.counter)) return;
    follower.alarm("record_old", partition,
                   change.field + " came with revision " + std::to_string(record->revision) + ", revision " +
                       std::to_string(known) + " is known");
    return;
  }
  keep_change(partition, *record, change, follower);
  if (record->revision > known) follower.apply(partition, {&*record, 1});
}

void SealedStore::keep_change(unsigned partition, const RecordView& record, const RawChange& change,
                              Follower& follower) {
  Partition& here = at(partition);
  const auto kept = here.kept.find(change.field);
  const bool newer = kept == here.kept.end() || record.revision > kept->second.revision;
  if (!newer && kept->second.value == change.value) {
    kept->second.lost = false;  // our own put, or mended by the holder
    return;
  }
  if (!newer && record.revision < kept->second.revision) return;
  if (!newer) {
    follower.alarm("record_forked", partition,
                   change.field + " came with other bytes than this node saw under the same revision");
    here.head.reset();  // the one we left is not the store's
  }
  here.keep(change.field, {change.value, record.revision, clock_.now_ms(), change.counter, 0, std::nullopt});
}

void SealedStore::tell_broken(unsigned partition, const Error& error, Follower& follower) {
  if (std::exchange(at(partition).told_broken, true)) return;
  follower.alarm("store_broken", partition, error.message);
}

}  // namespace shearline::store
