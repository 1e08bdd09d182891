#include "engine/table.hpp"

#include "base/check.hpp"
#include "engine/api_key.hpp"
#include "engine/table_impl.hpp"

#include <algorithm>
#include <stdexcept>

namespace shearline::engine {
namespace {

void fill(Midstates& midstates, Random& random) {
  for (lanes::ChainingValue* words : {&midstates.inner, &midstates.outer}) {
    random.fill({reinterpret_cast<Byte*>(words->data()), sizeof *words});
  }
}

// A Midstates in each, in memory that its Key wipes.
std::vector<Key> midstates_of(std::span<const Key> peppers) {
  if (peppers.empty() || peppers.size() > peppers_max)
    throw std::invalid_argument("a table has one pepper or two");
  std::vector<Key> midstates;
  for (const Key& pepper : peppers) {
    Key& memory = midstates.emplace_back(Key::of_size(sizeof(Midstates)));
    ::new (static_cast<void*>(memory.writable().data())) Midstates(hmac_midstates(pepper.reveal()));
  }
  return midstates;
}

std::vector<Midstates> lookup_keys_of(std::span<const Key> peppers) {
  std::vector<Midstates> keys;
  for (const Key& pepper : peppers) keys.push_back(hmac_midstates(derive_lookup_key(pepper).reveal()));
  return keys;
}

void write_versions(const CredentialFacts& facts, Entry& entry) {
  SHEARLINE_CHECK(facts.accepted.size() <= accepting_versions_max && facts.dead.size() <= dead_digests_max);
  const auto note = [&standing = entry.standing](unsigned place, std::uint8_t pepper) {
    const auto bit = static_cast<std::uint8_t>(1U << place);
    standing.in_use |= bit;
    if (pepper == 1) standing.under_second |= bit;
    return bit;
  };
  for (unsigned i = 0; i < std::min(facts.accepted.size(), accepting_versions_max); ++i) {
    const AcceptedVersion& version = facts.accepted[i];
    entry.digests[i] = shortened(version.digest->reveal());
    entry.standing.roles[i] = version.role;
    entry.not_after_ms[i] = std::min(version.not_after_ms, facts.expires_at_ms);
    note(i, version.pepper);
  }
  for (unsigned i = 0; i < std::min(facts.dead.size(), dead_digests_max); ++i) {
    entry.dead_prefixes[i] = prefix_of(facts.dead[i].digest->reveal());
    const std::uint8_t bit = note(Standing::dead_at + i, facts.dead[i].pepper);
    if (facts.dead[i].revoked) entry.standing.revoked |= bit;
  }
}

void write_side(const CredentialFacts& facts, KeyedHash foreign_key, EntrySide& side) {
  side.revision = facts.revision;
  if (!facts.accepted.empty()) side.version_id = facts.accepted[0].version_id;
  if (facts.accepted.size() <= 1 && !facts.foreign_key_lookup) return;
  auto extra = std::make_unique<EntryExtra>();
  for (std::size_t i = 1; i < std::min(facts.accepted.size(), accepting_versions_max); ++i) {
    extra->more_version_ids[i - 1] = facts.accepted[i].version_id;
  }
  if (facts.foreign_key_lookup) {
    extra->foreign_key = foreign_key;
    extra->client_id = facts.client_id;
  }
  side.extra = std::move(extra);
}

}  // namespace

Table::Impl::Impl(const TableOptions& options, std::span<const Key> peppers, Random& random)
    : turns(options.workers),
      hash_client_id(random),
      hash_foreign_lookup(random),
      lookup_keys(lookup_keys_of(peppers)),
      entries(peppers.size() == peppers_max),
      slots(entries, turns, options.capacity_hint),
      own_peppers(midstates_of(peppers)) {
  for (std::uint32_t nobody = 0; nobody < Index::nobodies; ++nobody) {
    const std::uint32_t number = entries.take();
    SHEARLINE_CHECK(number == nobody);
    fill(entries.writable_entry(number).midstates, random);
    if (has_second_pepper()) fill(entries.writable_second_midstates(number), random);
  }
}

// All but the midstates of a new client.
std::uint32_t Table::Impl::write_entry(const Incoming& incoming) {
  if (!entries.has_free()) reclaim();
  const std::uint32_t number = entries.take();
  const CredentialFacts& facts = *incoming.facts;
  Entry& entry = entries.writable_entry(number);
  entry.client = incoming.client;
  if (incoming.predecessor != no_entry) {
    entry.midstates = entries.entry(incoming.predecessor).midstates;
    if (has_second_pepper())
      entries.writable_second_midstates(number) = entries.second_midstates(incoming.predecessor);
  }
  entry.standing.partition = facts.partition;
  entry.standing.suspended = facts.suspended ? 1 : 0;
  entry.standing.strict_when_stale = facts.strict_when_stale ? 1 : 0;
  entry.standing.has_foreign_key = facts.foreign_key_lookup.has_value() ? 1 : 0;
  write_versions(facts, entry);
  const KeyedHash foreign_key =
      facts.foreign_key_lookup ? hash_foreign_lookup(*facts.foreign_key_lookup) : KeyedHash{};
  write_side(facts, foreign_key, entries.writable_side(number));
  return number;
}

void Table::Impl::reclaim() {
  if (retired.empty() && !slots.has_outgrown()) return;
  turns.close();
  const std::uint64_t oldest = turns.oldest();
  while (!retired.empty() && retired.front().epoch < oldest) {
    entries.give_back(retired.front().entry);
    retired.pop_front();
  }
  slots.reclaim(oldest);
}

Table::Table(const TableOptions& options, std::span<const Key> peppers, Random& random)
    : impl_(std::make_unique<Impl>(options, peppers, random)) {}
Table::~Table() = default;

bool Table::put(const CredentialFacts& facts) { return put(std::span(&facts, 1)).test(0); }

// All entries are written before the first is shown, so that the keys of new clients are made side by side.
std::bitset<Table::put_together_max> Table::put(std::span<const CredentialFacts> facts) {
  SHEARLINE_CHECK(facts.size() <= put_together_max);
  std::array<Impl::Incoming, put_together_max> all;
  const auto incoming = std::span(all).first(facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    SHEARLINE_CHECK(is_client_id(as_bytes(facts[i].client_id)) && facts[i].partition < View::partitions_max);
    incoming[i].facts = &facts[i];
  }
  impl_->look_up(incoming);
  for (Impl::Incoming& each : incoming) {
    if (impl_->is_newer(*each.facts, each.predecessor)) each.entry = impl_->write_entry(each);
  }
  impl_->derive_midstates_of_new(incoming);
  std::bitset<put_together_max> taken;
  for (std::size_t i = 0; i < facts.size(); ++i) taken[i] = impl_->show(incoming[i]);
  return taken;
}

void Table::Impl::look_up(std::span<Incoming> incoming) const {
  for (Incoming& each : incoming) {
    each.client = hash_client_id(as_bytes(each.facts->client_id));
    if (incoming.size() > 1) index().prefetch(each.client);
  }
  for (Incoming& each : incoming) each.predecessor = slots.entry_of(SlotKind::client, each.client);
}

bool Table::Impl::is_newer(const CredentialFacts& facts, std::uint32_t than) const {
  return facts.revision > (than == no_entry ? 0 : entries.side(than).revision);
}

void Table::Impl::derive_midstates_of_new(std::span<const Incoming> incoming) {
  std::array<std::string_view, put_together_max> client_ids;
  std::array<std::array<Midstates*, put_together_max>, peppers_max> out;
  std::size_t count = 0;
  for (const Incoming& each : incoming) {
    if (each.entry == no_entry || each.predecessor != no_entry) continue;
    client_ids[count] = each.facts->client_id;
    out[0][count] = &entries.writable_entry(each.entry).midstates;
    if (has_second_pepper()) out[1][count] = &entries.writable_second_midstates(each.entry);
    ++count;
  }
  for (std::size_t pepper = 0; count > 0 && pepper < own_peppers.size(); ++pepper)
    derive_midstates(own_pepper(pepper), std::span(client_ids).first(count), out[pepper]);
}

// What the entry stands for is looked up again: the same client may stand twice among those put together.
bool Table::Impl::show(const Incoming& incoming) {
  const std::uint32_t number = incoming.entry;
  if (number == no_entry) return false;
  const KeyedHash client = incoming.client;
  const std::uint32_t old = slots.entry_of(SlotKind::client, client);
  if (!is_newer(*incoming.facts, old)) {
    entries.give_back(number);
    return false;
  }
  const Entry& entry = entries.entry(number);
  // What ends, ends first: a foreign key the client no longer has, then the client's own slot.
  // A foreign key that another client took over meanwhile stays with that client.
  const auto foreign_key_of = [this](std::uint32_t of) { return entries.hash_of(of, SlotKind::foreign_key); };
  if (old != no_entry && entries.entry(old).standing.has_foreign_key) {
    const bool keeps_it = entry.standing.has_foreign_key && foreign_key_of(old) == foreign_key_of(number);
    if (!keeps_it) slots.forget(SlotKind::foreign_key, foreign_key_of(old), old);
  }
  slots.point_at(SlotKind::client, client, number);
  if (entry.standing.has_foreign_key) slots.point_at(SlotKind::foreign_key, foreign_key_of(number), number);
  if (old != no_entry) {
    retired.push_back({turns.current(), old});
  } else {
    credentials.fetch_add(1, std::memory_order_relaxed);
  }
  return true;
}

std::size_t Table::size() const { return impl_->credentials.load(std::memory_order_relaxed); }

std::size_t Table::index_slots() const { return impl_->index().slots_count(); }

std::uint64_t Table::revision_of(std::string_view client_id) const {
  const Impl& in = *impl_;
  const KeyedHash client = in.hash_client_id(as_bytes(client_id));
  const std::uint32_t number = in.slots.entry_of(SlotKind::client, client);
  return number == no_entry ? 0 : in.entries.side(number).revision;
}

void Table::prefetch(std::string_view client_id) const {
  impl_->index().prefetch(impl_->hash_client_id(as_bytes(client_id)));
}

void Table::reclaim() { impl_->reclaim(); }
void Table::enter_turn(std::size_t worker) { impl_->turns.enter(worker); }
void Table::leave_turn(std::size_t worker) { impl_->turns.leave(worker); }

}  // namespace shearline::engine
