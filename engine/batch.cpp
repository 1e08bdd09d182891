#include "engine/batch.hpp"

#include "engine/client_ids.hpp"
#include "engine/judge.hpp"
#include "engine/table_impl.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>
#include <vector>

namespace shearline::engine {
namespace {

// Checks that go through the passes together: their entries (192 bytes each) and one group more fit the
// nearest cache, and no set of lanes is left half empty but the last.
constexpr std::size_t group_checks = 64;
// A group is prepared two groups before it is judged.
constexpr std::size_t groups_in_flight = 3;

enum class Form : std::uint8_t { pair, foreign_key, malformed };

// What there is to know of a check beside its client id and its secret.
struct Note {
  std::uint32_t number = no_entry;  // of the client's entry, when it was judged
  Form form = Form::pair;
  bool client_disagrees = false;  // the key in the secret's place is another client's
  std::uint8_t version = no_version;
};
static_assert(sizeof(Note) == 8);

// The checks of one group that are to be hashed, all but the malformed ones, side by side.
struct Group {
  std::size_t size = 0;
  std::array<std::uint16_t, group_checks> members;
  std::array<KeyedHash, group_checks> clients;
  std::array<std::uint32_t, group_checks> numbers;  // of `entries`
  std::array<const Entry*, group_checks> entries;  // the client's, or a neighbour's for a client nobody knows
  std::uint64_t alike = 0;                         // bit i: entries[i] looks like the client's
  // Those of them that name no client: which they are, and where under each pepper in use a key is looked up.
  std::size_t foreign_keys = 0;
  std::array<std::uint8_t, group_checks> foreign;
  std::array<std::array<KeyedHash, group_checks>, peppers_max> lookups;
};

void prefetch_entry(const Entry* entry) {
  const auto* line = reinterpret_cast<const Byte*>(entry);
  for (std::size_t at = 0; at < sizeof(Entry); at += 64) __builtin_prefetch(line + at);
}

}  // namespace

struct Batch::Impl {
  Impl(const Table& table_, const View& view_);

  std::size_t add(ByteView client_id, ByteView secret, const Note& note);
  void hash(std::span<const lanes::Job> jobs);
  void examine_ids(std::size_t g);
  void hash_foreign_keys(const Index& index, std::size_t g);
  void prefetch_slots(const Index& index, std::size_t g);
  void find_entries(const Index& index, std::size_t g);
  void find_foreign(const Index& index, Group& group);
  void hash_group(const Group& group);
  void prefetch_extras(const Group& group);
  bool compare_group(const Index& index, Group& group, TimeMs now);
  std::uint64_t compare_foreign(const Group& group);
  std::uint32_t number_of(const Index& index, const Group& group, std::size_t i) const;
  void judge_group(const Index& index, std::size_t g, TimeMs now);
  std::size_t groups_count() const { return (size + group_checks - 1) / group_checks; }
  void withhold(std::uint32_t partitions);
  bool stands_in(std::uint32_t partitions, std::size_t check) const;

  const Table::Impl& table;
  const View& view;
  // Of each check, the first `size` are in use. Spans into the receive buffers.
  std::vector<ByteView> client_ids;  // empty for a foreign key
  std::vector<ByteView> secrets;
  std::vector<Note> notes;
  std::vector<Outcome> outcomes;
  std::size_t size = 0;
  std::array<Group, groups_in_flight> groups;
  std::array<lanes::Job, group_checks> jobs;
  std::array<const EntryExtra*, group_checks> extras;  // by foreign key of the group that is judged
  using Digests = std::array<PresentedDigest, group_checks>;
  Digests digests;
  Digests digests_under_second;
  std::array<Likeness, group_checks> likenesses;
  std::array<Likeness, group_checks> likenesses_under_second;
  std::array<Finding, group_checks> findings;
  std::array<Staleness, View::partitions_max> stalenesses;
  std::uint64_t hashed_jobs = 0;
};
static_assert(batch_checks_max <= UINT16_MAX);

Batch::Impl::Impl(const Table& table_, const View& view_) : table(table_.impl()), view(view_) {
  client_ids.resize(batch_checks_max);
  secrets.resize(batch_checks_max);
  notes.resize(batch_checks_max);
  outcomes.resize(batch_checks_max);
}

std::size_t Batch::Impl::add(ByteView client_id, ByteView secret, const Note& note) {
  assert(size < batch_checks_max);
  client_ids[size] = client_id;
  secrets[size] = secret;
  notes[size] = note;
  return size++;
}

void Batch::Impl::hash(std::span<const lanes::Job> ready) {
  lanes::hmac(ready);
  hashed_jobs += ready.size();
}

// Which ids of the group are sound and what they hash to; a foreign key names none.
void Batch::Impl::examine_ids(std::size_t g) {
  Group& group = groups[g % groups_in_flight];
  const std::size_t start = std::min(g * group_checks, size);
  const std::size_t wanted = std::min(group_checks, size - start);
  const std::uint64_t sound = client_ids::examine(
      table.hash_client_id, std::span(client_ids).subspan(start, wanted), group.clients.data());
  std::size_t members = 0;
  std::size_t foreign_keys = 0;
  for (std::size_t i = 0; i < wanted; ++i) {
    const Form form = notes[start + i].form;
    const bool is_foreign = form == Form::foreign_key;
    const bool is_sound = is_foreign || (form == Form::pair && (sound >> i & 1) != 0);
    outcomes[start + i] = is_sound ? Outcome::loading : Outcome::malformed;
    group.members[members] = static_cast<std::uint16_t>(start + i);
    group.clients[members] = group.clients[i];
    group.foreign[foreign_keys] = static_cast<std::uint8_t>(members);
    foreign_keys += is_foreign ? 1 : 0;
    members += is_sound ? 1 : 0;
  }
  group.size = members;
  group.foreign_keys = foreign_keys;
}

// A foreign key names no client: its own hash under the lookup key is what the table knows it by. With two peppers
// in use it may be known by either; both are always tried.
void Batch::Impl::hash_foreign_keys(const Index& index, std::size_t g) {
  Group& group = groups[g % groups_in_flight];
  for (std::size_t pepper = 0; pepper < table.lookup_keys.size() && group.foreign_keys > 0; ++pepper) {
    for (std::size_t k = 0; k < group.foreign_keys; ++k) {
      const ByteView api_key = secrets[group.members[group.foreign[k]]];
      jobs[k] = {&table.lookup_keys[pepper], api_key.data(), api_key.size(), digests[k].data()};
    }
    hash({jobs.data(), group.foreign_keys});
    for (std::size_t k = 0; k < group.foreign_keys; ++k) {
      group.lookups[pepper][k] =
          table.hash_foreign_lookup(std::span(digests[k]).first<foreign_key_lookup_bytes>());
      index.prefetch(group.lookups[pepper][k]);
    }
  }
}

void Batch::Impl::prefetch_slots(const Index& index, std::size_t g) {
  const Group& group = groups[g % groups_in_flight];
  for (std::size_t i = 0; i < group.size; ++i) index.prefetch(group.clients[i]);
}

// Takes the slot's word for it, so that the entry need not be here yet.
void Batch::Impl::find_entries(const Index& index, std::size_t g) {
  Group& group = groups[g % groups_in_flight];
  group.alike =
      index.look_up(SlotKind::client, std::span(group.clients).first(group.size), group.numbers.data());
  if (group.foreign_keys > 0) find_foreign(index, group);
  for (std::size_t i = 0; i < group.size; ++i) {
    group.entries[i] = &table.entries.entry(group.numbers[i]);
    prefetch_entry(group.entries[i]);
  }
  for (std::size_t k = 0; k < group.foreign_keys; ++k)
    __builtin_prefetch(&table.entries.side(group.numbers[group.foreign[k]]));
  if (!table.has_second_pepper()) return;
  for (std::size_t i = 0; i < group.size; ++i)
    __builtin_prefetch(&table.entries.second_midstates(group.numbers[i]));
}

// As a client is found by its id: a key that nobody knows comes to a neighbour's entry.
void Batch::Impl::find_foreign(const Index& index, Group& group) {
  std::array<std::uint32_t, group_checks> numbers;
  for (std::size_t pepper = 0; pepper < table.lookup_keys.size(); ++pepper) {
    const auto lookups = std::span(group.lookups[pepper]).first(group.foreign_keys);
    const std::uint64_t alike = index.look_up(SlotKind::foreign_key, lookups, numbers.data());
    for (std::size_t k = 0; k < lookups.size(); ++k) {
      const std::size_t i = group.foreign[k];
      const std::uint64_t is_alike = alike >> k & 1;
      const std::uint64_t takes_it = detail::mask_of(pepper == 0) | detail::mask_of(is_alike != 0);
      group.numbers[i] = static_cast<std::uint32_t>(detail::choose(takes_it, numbers[k], group.numbers[i]));
      group.alike &= ~((takes_it & 1) << i);
      group.alike |= is_alike << i;
    }
  }
}

void Batch::Impl::hash_group(const Group& group) {
  for (std::size_t i = 0; i < group.size; ++i) {
    const ByteView secret = secrets[group.members[i]];
    jobs[i] = {&group.entries[i]->midstates, secret.data(), secret.size(), digests[i].data()};
  }
  hash({jobs.data(), group.size});
  if (!table.has_second_pepper()) return;
  for (std::size_t i = 0; i < group.size; ++i) {
    jobs[i].key = &table.entries.second_midstates(group.numbers[i]);
    jobs[i].digest = digests_under_second[i].data();
  }
  hash({jobs.data(), group.size});
}

// Whose a foreign key is stands beside the entries that have one; for the others nobody's stands in.
void Batch::Impl::prefetch_extras(const Group& group) {
  static const EntryExtra nobodys;
  for (std::size_t k = 0; k < group.foreign_keys; ++k) {
    const EntryExtra* its = table.entries.side(group.numbers[group.foreign[k]]).extra.get();
    extras[k] =
        std::array{&nobodys, its}[its != nullptr ? 1 : 0];  // read from an array, so that nothing branches
    __builtin_prefetch(&extras[k]->foreign_key);
  }
}

// True when all is well. Once in a thousand million times a slot only looked like the client's, and its own is behind it:
// then the group has it now, and is to be hashed again.
bool Batch::Impl::compare_group(const Index& index, Group& group, TimeMs now) {
  const auto entries = std::span(group.entries).first(group.size);
  std::uint64_t known = compare({entries, group.clients.data(), digests.data()}, now, likenesses.data());
  if (table.has_second_pepper()) {
    compare({entries, group.clients.data(), digests_under_second.data()}, now,
            likenesses_under_second.data());
  }
  known |= compare_foreign(group);
  bool all_is_well = true;
  for (std::uint64_t left = std::exchange(group.alike, 0) & ~known; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const std::uint32_t number = number_of(index, group, i);
    if (number == no_entry) continue;
    group.numbers[i] = number;
    group.entries[i] = &table.entries.entry(number);
    all_is_well = false;
  }
  if (!all_is_well) prefetch_extras(group);
  return all_is_well;
}

// An entry is a foreign key's own when it says so, as it is a client's: the likeness of the client is that of the key.
std::uint64_t Batch::Impl::compare_foreign(const Group& group) {
  std::uint64_t known = 0;
  for (std::size_t k = 0; k < group.foreign_keys; ++k) {
    const std::size_t i = group.foreign[k];
    const KeyedHash its = extras[k]->foreign_key;
    std::uint64_t is_it = 0;
    for (std::size_t pepper = 0; pepper < table.lookup_keys.size(); ++pepper) {
      const KeyedHash presented = group.lookups[pepper][k];
      is_it |= detail::mask_of(((its.low ^ presented.low) | (its.high ^ presented.high)) == 0) & 1;
    }
    likenesses[i] |= static_cast<Likeness>(is_it << same_client_at);
    known |= is_it << i;
  }
  return known;
}

// Of the entry that is the client's, whole hashes compared.
std::uint32_t Batch::Impl::number_of(const Index& index, const Group& group, std::size_t i) const {
  if (notes[group.members[i]].form != Form::foreign_key)
    return table.slots.find(index, SlotKind::client, group.clients[i]).entry;
  const auto k = static_cast<std::size_t>(std::ranges::find(group.foreign, i) - group.foreign.begin());
  for (std::size_t pepper = 0; pepper < table.lookup_keys.size(); ++pepper) {
    const std::uint32_t number =
        table.slots.find(index, SlotKind::foreign_key, group.lookups[pepper][k]).entry;
    if (number != no_entry) return number;
  }
  return no_entry;
}

void Batch::Impl::judge_group(const Index& index, std::size_t g, TimeMs now) {
  using detail::choose;
  using detail::mask_of;
  Group& group = groups[g % groups_in_flight];
  prefetch_extras(group);
  hash_group(group);
  while (!compare_group(index, group, now)) hash_group(group);
  const auto& second = table.has_second_pepper() ? likenesses_under_second : likenesses;
  conclude({std::span(group.entries).first(group.size), likenesses.data(), second.data(), stalenesses.data()},
           findings.data());
  constexpr auto unknown = static_cast<std::uint64_t>(Outcome::unknown_client);
  constexpr auto mismatch = static_cast<std::uint64_t>(Outcome::mismatch);
  for (std::size_t i = 0; i < group.size; ++i) {
    const std::uint16_t at = group.members[i];
    Note& note = notes[at];
    const auto outcome = static_cast<std::uint64_t>(findings[i].outcome);
    const std::uint64_t is_known = mask_of(outcome != unknown);
    const std::uint64_t is_refused = is_known & mask_of(note.client_disagrees);
    outcomes[at] = static_cast<Outcome>(choose(is_refused, mismatch, outcome));
    note.version = static_cast<std::uint8_t>(choose(is_refused, no_version, findings[i].version));
    note.number = static_cast<std::uint32_t>(choose(is_known, group.numbers[i], no_entry));
  }
}

// Of a partition that could not be loaded the table knows nothing, or not enough: "rejected" would be a guess. Asked of
// every check alike, known or not, so that it takes the same time.
void Batch::Impl::withhold(std::uint32_t partitions) {
  for (std::size_t at = 0; at < size; ++at) {
    if (outcomes[at] == Outcome::malformed || !stands_in(partitions, at)) continue;
    outcomes[at] = Outcome::loading;
    notes[at].version = no_version;
  }
}

// A foreign key that nobody knows may be of any of them.
bool Batch::Impl::stands_in(std::uint32_t partitions, std::size_t check) const {
  const Note& note = notes[check];
  if (note.form == Form::pair) return (partitions >> view.partition_of(as_text(client_ids[check])) & 1) != 0;
  return note.number == no_entry ||
         (partitions >> table.entries.entry(note.number).standing.partition & 1) != 0;
}

Batch::Batch(const Table& table, const View& view) : impl_(std::make_unique<Impl>(table, view)) {}
Batch::~Batch() = default;

bool Batch::full() const { return impl_->size == batch_checks_max; }
std::size_t Batch::size() const { return impl_->size; }

std::size_t Batch::add_pair(ByteView client_id, ByteView secret) {
  Impl& in = *impl_;
  if (secret.empty() || secret.size() > secret_bytes_max)
    return in.add(client_id, {}, {.form = Form::malformed});
  if (!may_be_api_key(secret)) return in.add(client_id, secret, {});
  bool client_disagrees = false;
  if (const std::optional<KeyParts> key = parse_api_key(secret)) {
    if (!key->crc_fits) return in.add(client_id, {}, {.form = Form::malformed});
    client_disagrees = !equal(key->client_id, client_id);
    secret = key->secret;
  }
  return in.add(client_id, secret, {.client_disagrees = client_disagrees});
}

std::size_t Batch::add_key(ByteView api_key) {
  Impl& in = *impl_;
  if (api_key.empty() || api_key.size() > api_key_bytes_max) return in.add({}, {}, {.form = Form::malformed});
  const std::optional<KeyParts> key = parse_api_key(api_key);
  if (key && !key->crc_fits) return in.add(key->client_id, {}, {.form = Form::malformed});
  if (key) return in.add(key->client_id, key->secret, {});
  return in.add({}, api_key, {.form = Form::foreign_key});
}

void Batch::run(TimeMs now) {
  Impl& in = *impl_;
  if (!in.view.loaded.load(std::memory_order_acquire)) {
    for (std::size_t g = 0; g < in.groups_count(); ++g) in.examine_ids(g);
    return;  // every check that is not malformed says `loading`
  }
  // Before the table is looked at: what is missing there must not be taken for rejected because it came just after.
  const std::uint32_t withheld = in.view.withheld.load(std::memory_order_acquire);
  for (std::size_t partition = 0; partition < View::partitions_max; ++partition) {
    in.stalenesses[partition] =
        staleness_of(in.view.heard_at_ms[partition].load(std::memory_order_relaxed), now);
  }
  const Index& index = in.table.index();
  // While one group is hashed, the next one's entries and the slots of the one after are on their way.
  const auto prepare = [&](std::size_t g) {
    in.examine_ids(g);
    in.hash_foreign_keys(index, g);
    in.prefetch_slots(index, g);
  };
  prepare(0);
  prepare(1);
  in.find_entries(index, 0);
  for (std::size_t g = 0; g < in.groups_count(); ++g) {
    prepare(g + 2);
    in.find_entries(index, g + 1);
    in.judge_group(index, g, now);
  }
  if (withheld != 0) in.withhold(withheld);
  wipe({in.digests.front().data(), sizeof in.digests});
  wipe({in.digests_under_second.front().data(), sizeof in.digests_under_second});
}

std::span<const Outcome> Batch::outcomes() const { return std::span(impl_->outcomes).first(impl_->size); }

Match Batch::match(std::size_t index) const {
  assert(index < impl_->size);
  const Note& note = impl_->notes[index];
  Match match;
  match.outcome = impl_->outcomes[index];
  if (note.number == no_entry) return match;
  const Entry& entry = impl_->table.entries.entry(note.number);
  match.partition = entry.standing.partition;
  if (note.version == no_version) return match;
  match.retires_at_ms = entry.not_after_ms[note.version];
  match.version_id = impl_->table.entries.side(note.number).version_id_of(note.version);
  return match;
}

ByteView Batch::client_id(std::size_t index) const {
  assert(index < impl_->size);
  const Note& note = impl_->notes[index];
  if (note.form != Form::foreign_key || note.number == no_entry) return impl_->client_ids[index];
  return as_bytes(impl_->table.entries.side(note.number).extra->client_id);
}

void Batch::clear() { impl_->size = 0; }

std::uint64_t Batch::hashed_jobs() const { return impl_->hashed_jobs; }

}  // namespace shearline::engine
