#include "actors/refusal_record.hpp"

#include <utility>

namespace shearline::actors {

RefusalRecord::RefusalRecord(ActorContext& context, AuditMailbox& audit)
    : context_(context), audit_(audit), writing_(context.loop) {}

bool RefusalRecord::count(std::string_view who, Code code) {
  Refusals::Kind kind = refusals_.count(who, code);
  return news_.size() <= refusals_told_apart_max && news_.insert(std::move(kind)).second;
}

Status RefusalRecord::end_round() {
  news_.clear();
  return write();
}

Status RefusalRecord::write() {
  const ClientLocks::Held lock =
      writing_.lock("");  // who waited here finds its own written, most of the time
  if (Status written = write_pending(); !written) return written;
  if (refusals_.empty()) return {};
  const Refusals taken = std::exchange(refusals_, Refusals(refusals_told_apart_max));
  pending_ =
      encode_new_event(taken.event(context_.clock.now_ms(), context_.node, context_.rules.hash), context_);
  return write_pending();
}

// The record holds the newest event itself, so a put whose answer was lost is found by looking. Where another holder has
// written its own on top of ours, ours is put once more with the same bytes, and the trail knows it by its identity.
Status RefusalRecord::write_pending() {
  if (!pending_) return {};
  const store::RecordKey key{store::Kind::fact, "refusals"};
  const Result<store::Record> newest = context_.store.get(key, 0);
  if (!newest && newest.error().code != Code::not_found) return std::unexpected(newest.error());
  if (newest && newest->payload == *pending_) {
    pending_.reset();
    return {};
  }
  store::SealedStore::Put put;
  put.key = key;
  put.expected_revision = newest ? newest->revision : 0;
  put.payload = *pending_;
  put.events.push_back(*pending_);
  const Result<std::uint64_t> stored = context_.store.compare_and_put(put);
  audit_.send(OutboxGrew{store::system_partition});  // even where its answer was lost
  if (!stored) return std::unexpected(stored.error());
  pending_.reset();
  return {};
}

}  // namespace shearline::actors
