#include "actors/replica.hpp"

#include "actors/fingerprint_set.hpp"
#include "actors/table_facts.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "io/wire/record_for_checks.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace shearline::actors {

struct Replica::Impl final : store::Follower {
  Impl(ActorContext& given, engine::Table& given_table, engine::View& given_view, Directory& given_directory,
       RotationMailbox& given_rotation, AuditMailbox& given_audit, CounterMemory& given_memory)
      : context(given),
        table(given_table),
        view(given_view),
        directory(given_directory),
        rotation(given_rotation),
        audit(given_audit),
        memory(given_memory),
        stopping(given.loop),
        progressed(given.loop) {}

  // A credential on its way into the table.
  struct Incoming {
    wire::CredentialForChecks credential;
    TableFacts facts;
  };

  // ---- one fiber per partition ----

  void run(unsigned partition) {
    std::int64_t pause = replica_pause_min_ms;
    bool current = false;  // loaded, and nothing was missed since
    while (!stopping.is_set()) {
      current = current && !must_look_again(partition);
      const Status status =
          current ? context.store.follow(partition, *this, follow_wait_ms) : load(partition);
      if (status) {
        current = true;
        pause = replica_pause_min_ms;
        note(partition, {});
        note_counter(partition);
        progressed.set();
        continue;
      }
      // not_found while following: something was missed or the store went backwards; read all of it again.
      if (status.error().code == Code::not_found) current = false;
      note(partition, status.error().message);
      stopping.wait(context.loop.monotonic_ms() + pause);
      pause = std::min(pause * 2, replica_pause_max_ms);
    }
  }

  Status load(unsigned partition) {
    if (Status status = context.store.load(partition, *this); !status) {
      if (status.error().code == Code::internal_error) refuse(partition, status.error().message);
      return status;
    }
    const std::uint64_t counter = context.store.counter(partition);
    looked[partition] = {counter, context.loop.monotonic_ms() + lacking_looked_every_ms};
    if (!partition_loaded[partition]) {
      if (Status usable = judge(partition, counter); !usable) {
        refuse(partition, usable.error().message);
        return usable;
      }
      accept(partition);
    }
    return mend(partition);
  }

  // Whether what was loaded first may be acted on. A running node that sees its store go backwards mends it; only a node
  // that starts must take the store's word.
  Status judge(unsigned partition, std::uint64_t counter) const {
    if (counter < memory.floor(partition)) {
      return fail(Code::internal_error,
                  "the store has " + std::to_string(counter) + " changes of " +
                      store::partition_tag(partition) + " and this node has seen " +
                      std::to_string(memory.floor(partition)) +
                      ": the store was put back in time; restore it, or remove `counters` from the data "
                      "folder to accept what it lost");
    }
    // A node that starts without it would answer "rejected" to what is right.
    if (const std::string& missing = missing_pepper[partition]; !missing.empty()) {
      return fail(Code::internal_error,
                  "credentials need the pepper " + missing +
                      ", which this keyring does not have; start with the one that has it");
    }
    return {};
  }

  // One partition that cannot be loaded costs the others nothing: about its clients no check is decided and no command
  // carried out, until it is well again.
  void refuse(unsigned partition, const std::string& why) {
    if (partition_loaded[partition]) return;  // a running node keeps what it has
    partition_refused[partition] = true;
    context.store.withhold(partition, why);
    settle();
  }

  void accept(unsigned partition) {
    partition_loaded[partition] = true;
    const bool was_refused = std::exchange(partition_refused[partition], false);
    context.store.open(partition);
    settle();
    if (std::ranges::all_of(partition_loaded, std::identity{}))
      log::info("table_loaded", {{"credentials", table.size()}});
    if (!was_refused || context.store.fence() == 0) return;
    rotation.send(StoreMended{partition});  // its timers have waited
    audit.send(OutboxGrew{partition});
  }

  // Checks are decided as soon as it is known of every partition whether it can be loaded.
  void settle() {
    std::uint32_t withheld = 0;
    for (unsigned partition = 0; partition < store::partition_count; ++partition) {
      if (!partition_loaded[partition] && !partition_refused[partition]) return;
      if (partition_refused[partition]) withheld |= std::uint32_t{1} << partition;
    }
    view.withheld.store(withheld, std::memory_order_release);
    view.loaded.store(true, std::memory_order_release);
  }

  // While the store lacks something that this node knows, only reading all of it again shows whether a change has
  // brought it back: soon after this node put something back itself, now and then otherwise.
  bool must_look_again(unsigned partition) const {
    const Looked& last = looked[partition];
    return context.store.behind(partition) > 0 && context.store.counter(partition) != last.at_counter &&
           context.loop.monotonic_ms() >= last.again_at;
  }

  // Puts back what the store lost, where this node may: as the holder of the lease.
  Status mend(unsigned partition) {
    if (context.store.fence() == 0 || context.store.lost_records(partition) == 0) return {};
    Status mended = context.store.mend(partition, *this);
    if (mended) {
      looked[partition].again_at = 0;
      log::info("store_mended", {{"partition", store::partition_tag(partition)}});
      rotation.send(StoreMended{partition});
      audit.send(OutboxGrew{partition});
    }
    return mended;
  }

  void note_counter(unsigned partition) {
    const std::uint64_t counter = context.store.counter(partition);
    memory.note(partition, counter);
    const bool whole = context.store.lost_records(partition) == 0 && context.store.behind(partition) == 0;
    if (!whole || counter >= memory.floor(partition)) return;
    log::warning("counter_lowered",
                 {{"partition", store::partition_tag(partition)},
                  {"from", memory.floor(partition)},
                  {"to", counter},
                  {"why", "the store lost changes, and holds all the records that this node knows again"}});
    memory.lower(partition, counter);
  }

  void write_memory() {
    while (!stopping.wait(context.loop.monotonic_ms() + memory_written_every_ms)) write_memory_once();
    write_memory_once();
  }
  void write_memory_once() {
    if (Status written = memory.write(); !written) {
      log::warning("counters_not_written", {{"why", written.error().message}});
    }
  }

  // All partitions lose and find their store at about the same time: one line for all of them, not seventeen.
  void note(unsigned partition, std::string why) {
    const bool told = std::ranges::find(trouble, why) != trouble.end();
    const bool was_away = std::ranges::any_of(trouble, [](const std::string& text) { return !text.empty(); });
    trouble[partition] = std::move(why);
    if (stopping.is_set()) return;
    if (!trouble[partition].empty()) {
      if (!told)
        log::warning("store_not_followed",
                     {{"why", trouble[partition]}, {"partition", store::partition_tag(partition)}});
      return;
    }
    const bool is_away = std::ranges::any_of(trouble, [](const std::string& text) { return !text.empty(); });
    if (was_away && !is_away) log::info("store_followed_again");
  }

  // ---- what the store tells us ----

  std::uint64_t revision_of(const store::RecordName& name) const override {
    switch (name.kind) {
      case store::Kind::credential:
        return table.revision_of(name.id);
      case store::Kind::admin:
        return directory.admin_revision(name.id);
      case store::Kind::group:
        return directory.group_revision(name.id);
      case store::Kind::fact:
        const auto fact = fact_revisions.find(name.id);
        return fact == fact_revisions.end() ? 0 : fact->second;
    }
    return 0;
  }

  void foresee(const store::RecordName& name) const override {
    if (name.kind == store::Kind::credential) table.prefetch(name.id);
  }

  std::size_t known(unsigned partition) const override {
    if (partition == store::system_partition) return directory.records_known() + fact_revisions.size();
    return credentials[partition];
  }

  Applied apply(unsigned partition, std::span<const store::RecordView> records) override {
    if (partition != store::system_partition) return take_credentials(partition, records);
    Applied applied;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Status taken = take(records[i]);
      applied[i] = taken.has_value();
      if (!taken) tell_unreadable(records[i], taken.error());
    }
    return applied;
  }

  void tell_unreadable(const store::RecordView& record, const Error& error) {
    alarm("record_unreadable", record.name.partition(), record.name.field() + ": " + error.message);
  }

  Status take(const store::RecordView& record) {
    switch (record.name.kind) {
      case store::Kind::credential:
        break;  // in no partition but its own
      case store::Kind::admin: {
        Result<policy::Admin> admin = context.codec.decode_admin(record.payload);
        if (!admin) return std::unexpected(admin.error());
        directory.put_admin(std::move(*admin), record.revision);
        return {};
      }
      case store::Kind::group: {
        Result<policy::Group> group = context.codec.decode_group(record.payload);
        if (!group) return std::unexpected(group.error());
        directory.put_group(std::move(*group), record.revision);
        return {};
      }
      case store::Kind::fact:
        fact_revisions.insert_or_assign(std::string(record.name.id), record.revision);
        return {};
    }
    return {};
  }

  // Decoded all, then put all: what each needs of memory is under way before it is asked for.
  Applied take_credentials(unsigned partition, std::span<const store::RecordView> records) {
    Applied readable;
    std::array<engine::CredentialFacts, store::applied_together_max> facts;
    std::size_t count = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      Incoming& next = incoming[count];
      const Status decoded = wire::decode_for_checks(records[i].payload, document, next.credential);
      if (!decoded) {
        tell_unreadable(records[i], decoded.error());
        continue;
      }
      readable.set(i);
      fingerprints.prefetch(next.credential.secret_fingerprint);
      next.facts.take(next.credential, records[i].revision, partition, context.rules,
                      context.keyring.peppers);
      if (!next.facts.foreign_pepper().empty()) note_missing_pepper(partition, next);
      facts[count++] = next.facts.facts();
    }
    const std::size_t known_before = table.size();
    table.put(std::span(facts).first(count));
    credentials[partition] += table.size() - known_before;
    table.reclaim();
    for (const Incoming& each : std::span(incoming).first(count)) {
      newest_record = std::max(newest_record, each.credential.newest_moment_ms);
      if (each.credential.secret_fingerprint != Hash{})
        fingerprints.insert(each.credential.secret_fingerprint);
    }
    return readable;
  }

  void note_missing_pepper(unsigned partition, const Incoming& of) {
    missing_pepper[partition] = of.facts.foreign_pepper();
    log::error(
        "pepper_missing",
        {{"alarm", true}, {"pepper", missing_pepper[partition]}, {"credential", of.credential.client_id}});
  }

  void alarm(std::string_view what, unsigned partition, std::string_view detail) override {
    log::error(what, {{"alarm", true}, {"partition", store::partition_tag(partition)}, {"detail", detail}});
  }

  void heard(unsigned partition) override {
    view.heard_at_ms[partition].store(context.clock.now_ms(), std::memory_order_relaxed);
  }

  ActorContext& context;
  engine::Table& table;
  engine::View& view;
  Directory& directory;
  RotationMailbox& rotation;
  AuditMailbox& audit;
  CounterMemory& memory;
  // Kept, so that loading allocates nothing for each; no fiber gives way while it is in use.
  std::array<Incoming, store::applied_together_max> incoming;
  wire::Document document;
  loop::Event stopping;
  loop::Event progressed;
  std::array<bool, store::partition_count> partition_loaded{};
  std::array<bool, store::partition_count> partition_refused{};  // never loaded: it cannot be
  struct Looked {
    std::uint64_t at_counter = 0;  // where the last load found the partition
    std::int64_t again_at = 0;     // monotonic
  };
  std::array<Looked, store::partition_count> looked{};
  std::array<std::size_t, store::partition_count> credentials{};  // in the table
  // What facts say is others' business.
  std::map<std::string, std::uint64_t, std::less<>> fact_revisions;
  std::array<std::string, store::partition_count> trouble;
  TimeMs newest_record = 0;
  std::array<std::string, store::partition_count>
      missing_pepper;           // the newest that a record asked for in vain
  FingerprintSet fingerprints;  // of imported secrets
  std::vector<boost::fibers::fiber> fibers;
};

Replica::Replica(ActorContext& context, engine::Table& table, engine::View& view, Directory& directory,
                 RotationMailbox& rotation, AuditMailbox& audit, CounterMemory& memory)
    : impl_(std::make_unique<Impl>(context, table, view, directory, rotation, audit, memory)) {
  view.partition_of = store::partition_of;
}
Replica::~Replica() = default;

void Replica::start() {
  for (unsigned partition = 0; partition < store::partition_count; ++partition) {
    impl_->fibers.push_back(loop::spawn("replica", [this, partition] { impl_->run(partition); }));
  }
  impl_->fibers.push_back(loop::spawn("replica-memory", [this] { impl_->write_memory(); }));
}

void Replica::stop() {
  impl_->stopping.set();
  for (boost::fibers::fiber& fiber : impl_->fibers) fiber.join();
  impl_->fibers.clear();
}

bool Replica::loaded() const { return impl_->view.whole(); }

bool Replica::settled() const { return impl_->view.loaded.load(std::memory_order_acquire); }

bool Replica::can_act() const { return settled() && impl_->partition_loaded[store::system_partition]; }

std::string Replica::why_not_loaded() const {
  if (loaded()) return {};
  for (unsigned partition = 0; partition < store::partition_count; ++partition) {
    const std::string& why = impl_->trouble[partition];
    if (why.empty() || impl_->partition_loaded[partition]) continue;
    if (!settled()) return why;
    return store::partition_tag(partition) + " is not served, the others are: " + why;
  }
  return "loading";
}

bool Replica::fingerprint_known(const Hash& fingerprint) const {
  return impl_->fingerprints.contains(fingerprint);
}

Status Replica::mend() {
  for (unsigned partition = 0; partition < store::partition_count; ++partition) {
    if (Status mended = impl_->mend(partition); !mended) return mended;
  }
  return {};
}

TimeMs Replica::newest_record_ms() const { return impl_->newest_record; }

Status Replica::catch_up(unsigned partition, std::int64_t timeout_ms) {
  const std::int64_t deadline = impl_->context.loop.monotonic_ms() + timeout_ms;
  for (;;) {
    if (impl_->partition_refused[partition]) return {};  // there is nothing to act on
    impl_->progressed.reset();
    if (impl_->partition_loaded[partition]) {
      const Result<bool> current = impl_->context.store.is_current(partition);
      if (!current) return std::unexpected(current.error());
      if (*current) return {};
    }
    // Its follower is about to see what we do not know: more, or less, than we have.
    if (!impl_->progressed.wait(deadline)) {
      return fail(Code::unavailable, "this node has not caught up with " + store::partition_tag(partition));
    }
  }
}

}  // namespace shearline::actors
