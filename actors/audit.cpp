#include "actors/audit.hpp"

#include "actors/audit_file.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <utility>

namespace shearline::actors {

struct Audit::Impl {
  Impl(ActorContext& given, std::string file_path)
      : context(given), path(std::move(file_path)), mailbox(given.loop) {}

  void run() {
    std::uint64_t lost = 0;
    for (;;) {
      const std::optional<AuditMessage> message =
          mailbox.receive(context.loop.monotonic_ms() + audit_looks_every_ms);
      if (!message) {
        if (mailbox.closed()) return;
        if (held) drain_everything();  // nobody said anything for a while: look all the same
        continue;
      }
      if (const auto* lease = std::get_if<LeaseChanged>(&*message)) {
        held = lease->held;
        if (held) drain_everything();
      } else if (const auto* grew = std::get_if<OutboxGrew>(&*message)) {
        if (held && !drain(grew->partition)) drain_everything();
      }
      // A message that was dropped may have been the only one about its partition.
      if (held && std::exchange(lost, mailbox.messages_lost()) != mailbox.messages_lost()) drain_everything();
    }
  }

  // What fails (the disk, the store) is tried again until it is over, the lease is lost or the actor ends: events that
  // wait in the store are safe there. One partition's trouble keeps no other waiting.
  void drain_everything() {
    for (;;) {
      bool all = true;
      for (unsigned partition = 0; partition < store::partition_count; ++partition) all &= drain(partition);
      if (all) told.clear();
      if (all || mailbox.closed() || context.store.fence() == 0) return;
      loop::sleep_for_ms(context.loop, audit_retry_ms);
    }
  }

  bool drain(unsigned partition) {
    for (;;) {
      Result<std::vector<store::SealedStore::Event>> events =
          context.store.outbox(partition, audit_batch_max);
      if (!events) return failed("outbox_unreadable", partition, events.error());
      if (events->empty()) return true;
      if (Status written = write(*events); !written)
        return failed("audit_not_written", partition, written.error());
      const store::SealedStore::Event& newest = events->back();
      if (Status done = context.store.acknowledge_outbox(partition, newest.counter, newest.index); !done) {
        return failed("outbox_not_acknowledged", partition, done.error());
      }
      if (events->size() < audit_batch_max) return true;
    }
  }

  Status write(const std::vector<store::SealedStore::Event>& events) {
    const Result<EventIds> written = written_before(events);
    if (!written) return std::unexpected(written.error());
    ledger::HashChain::Draft draft = file->chain().draft();
    for (const store::SealedStore::Event& event : events) {
      if (written->contains(ledger::event_id(event.event))) continue;
      ledger::HashChain::add(draft, place_of(event), event.event, json_of(event));
    }
    if (draft.text.empty()) return {};
    return file->append(std::move(draft));
  }

  // Those that a crash, or a store that was put back in time, brings once more.
  Result<EventIds> written_before(const std::vector<store::SealedStore::Event>& events) {
    using Recall = ledger::HashChain::Recall;
    EventIds written;
    EventIds perhaps;
    for (const store::SealedStore::Event& event : events) {
      std::string id = ledger::event_id(event.event);
      const Recall recall = file->chain().recall(id, place_of(event));
      if (recall == Recall::written) written.insert(std::move(id));
      if (recall == Recall::perhaps) perhaps.insert(std::move(id));
    }
    if (perhaps.empty()) return written;
    Result<EventIds> found;
    loop::run_blocking(context.loop, [&] { found = events_in_file(path, perhaps); });
    if (found) written.merge(*found);
    return found ? Result<EventIds>(std::move(written)) : found;
  }

  static ledger::Place place_of(const store::SealedStore::Event& event) {
    return {event.partition, event.counter, event.index, event.record_hash};
  }

  // An authentic event that this version cannot read still goes on record, as it is.
  static std::string json_of(const store::SealedStore::Event& event) {
    const Result<policy::AuditEvent> decoded = wire::decode_event(event.event);
    if (decoded) return wire::event_json(*decoded);
    log::error("event_not_understood", {{"alarm", true}, {"why", decoded.error().message}});
    return R"({"type":"event.not_understood","bytes":")" + base64url(event.event) + "\"}";
  }

  bool failed(std::string_view what, unsigned partition, const Error& error) {
    // Tried again every second for as long as it takes: said once for all partitions.
    if (std::exchange(told, error.message) != error.message) {
      log::error(what, {{"partition", store::partition_tag(partition)}, {"why", error.message}});
    }
    return false;
  }

  ActorContext& context;
  std::string path;
  AuditMailbox mailbox;
  std::unique_ptr<AuditFile> file;
  bool held = false;
  std::string told;  // the trouble that was last spoken of
  boost::fibers::fiber fiber;
};

Audit::Audit(ActorContext& context, std::string path)
    : impl_(std::make_unique<Impl>(context, std::move(path))) {}
Audit::~Audit() = default;

Status Audit::start() {
  Result<AuditFile> file = AuditFile::open(impl_->context.loop, impl_->path);
  if (!file) return std::unexpected(file.error());
  impl_->file = std::make_unique<AuditFile>(std::move(*file));
  impl_->fiber = loop::spawn("audit", [this] { impl_->run(); });
  return {};
}
AuditMailbox& Audit::mailbox() { return impl_->mailbox; }
Result<EventsAbout> Audit::events_about(std::string_view client_id, std::string_view after,
                                        std::size_t at_most) const {
  Result<EventsAbout> found;
  const unsigned partition = store::partition_of(client_id);
  loop::run_blocking(impl_->context.loop,
                     [&] { found = newest_events_about(impl_->path, partition, client_id, after, at_most); });
  return found;
}
std::uint64_t Audit::lines() const { return impl_->file ? impl_->file->chain().lines() : 0; }
void Audit::stop() {
  impl_->mailbox.close();
  if (impl_->fiber.joinable()) impl_->fiber.join();
  impl_->file.reset();  // the next engine on this data folder may have it
}

}  // namespace shearline::actors
