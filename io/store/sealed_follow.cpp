// Loading a partition with proof and following it. What a store that went backwards lacks: sealed_mend.cpp.
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

}  // namespace

Result<Record> open_at(const Sealer& sealer, unsigned partition, std::string_view field, ByteView value) {
  const auto key = RecordKey::from_field(field);
  if (!key || key->partition() != partition) {
    return fail(Code::internal_error,
                "a record stands in " + partition_tag(partition) + " that does not belong there");
  }
  return sealer.open(*key, value);
}

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
      std::string& told = at(partition).told_refused;
      if (told != proof.error().message)
        follower.alarm("partition_refused", partition, proof.error().message);
      told = proof.error().message;
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
    if (++image.refused <= refused_told_max && at(partition).told_refused.empty()) {
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
  if (here.head && !image.holds(*here.head, backwards)) here.head.reset();
  here.told_backwards = here.told_broken = false;
  here.told_refused.clear();
  apply_image(image, follower);
  note_behind(partition, image, follower);
  here.position = image.position;  // only now: whoever asks is_current() must find all of it applied
  follower.heard(partition);
}

void SealedStore::apply_image(const Image& image, Follower& follower) {
  std::size_t applied = 0;
  for (const auto& [field, value] : image.records) {
    const auto key = RecordKey::from_field(field);
    const std::uint64_t revision = revision_of_value(value);
    if (revision <= follower.revision_of(*key)) continue;
    follower.apply({*key, revision, to_bytes(ByteView(value).subspan(value_prefix_bytes))});
    if (++applied % applied_per_turn == 0) boost::this_fiber::yield();
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
  const std::uint64_t known = follower.revision_of(record->key);
  if (record->revision < known) {
    // Whoever puts may know it before the change comes round: an earlier one that comes now is only late.
    if (here.has_put_since(change.field, change.counter)) return;
    follower.alarm("record_old", partition,
                   change.field + " came with revision " + std::to_string(record->revision) + ", revision " +
                       std::to_string(known) + " is known");
    return;
  }
  keep_change(partition, *record, change, follower);
  if (record->revision > known) follower.apply(*record);
}

void SealedStore::keep_change(unsigned partition, const Record& record, const RawChange& change,
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
