#include "engine/batch.hpp"

#include "engine/client_ids.hpp"
#include "engine/table_impl.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

namespace shearline::engine {
namespace {

// Checks that go through the passes together: their entries (192 bytes each) and one group more fit the
// nearest cache, and no set of lanes is left half empty but the last.
constexpr std::size_t group_checks = 64;
// A group is prepared two groups before it is judged.
constexpr std::size_t groups_in_flight = 3;

struct Check {
  ByteView client_id;  // empty for a foreign key
  ByteView secret;
  KeyedHash hash;
  const Entry* entry = nullptr;
  std::uint32_t number = no_entry;
  SlotKind kind = SlotKind::client;
  bool client_disagrees = false;  // the key in the secret's place is another client's
  std::uint8_t version = no_version;
};

// The checks of one group that are to be hashed: all but the malformed ones.
struct Group {
  std::array<std::uint16_t, group_checks> members;
  std::size_t size = 0;

  std::span<const std::uint16_t> checks() const { return std::span(members).first(size); }
};

void prefetch_entry(const Entry* entry) {
  const auto* line = reinterpret_cast<const Byte*>(entry);
  for (std::size_t at = 0; at < sizeof(Entry); at += 64) __builtin_prefetch(line + at);
}

}  // namespace

struct Batch::Impl {
  Impl(const Table& table_, const View& view_) : table(table_.impl()), view(view_) {
    checks.resize(batch_checks_max);
    outcomes.resize(batch_checks_max);
    expected.reserve(batch_checks_max);
    foreign.reserve(batch_checks_max);
  }

  Check& add();
  std::size_t malformed(ByteView client_id);
  void expect(Check& check);
  void hash(std::span<const lanes::Job> jobs);
  void hash_foreign_keys(const Index& index);
  void examine_ids(std::size_t g);
  void prefetch_slots(const Index& index, std::size_t g);
  void find_entries(const Index& index, std::size_t g);
  void settle(const Index& index, Check& check) const;
  void judge_group(const Index& index, std::size_t g, TimeMs now);
  std::size_t groups_count() const { return (expected.size() + group_checks - 1) / group_checks; }
  void withhold(std::uint32_t partitions);
  bool stands_in(std::uint32_t partitions, const Check& check) const;

  const Table::Impl& table;
  const View& view;
  std::vector<Check> checks;      // the first `size` are in use
  std::vector<Outcome> outcomes;  // of the same index
  std::size_t size = 0;
  std::vector<std::uint16_t> expected;  // all but those seen to be malformed as they came
  std::vector<std::uint16_t> foreign;   // those whose client a first hash has to find
  std::array<Group, groups_in_flight> groups;
  std::array<lanes::Job, group_checks> jobs;
  using Digests = std::array<std::array<Byte, lanes::digest_bytes>, group_checks>;
  Digests digests;
  Digests digests_under_second;
  std::uint64_t hashed_jobs = 0;
};
static_assert(batch_checks_max <= UINT16_MAX);

Check& Batch::Impl::add() {
  assert(size < batch_checks_max);
  outcomes[size] = Outcome::loading;
  Check& check = checks[size++];
  check = Check{};
  return check;
}

std::size_t Batch::Impl::malformed(ByteView client_id) {
  Check& check = add();
  check.client_id = client_id;
  outcomes[size - 1] = Outcome::malformed;
  return size - 1;
}

void Batch::Impl::expect(Check& check) {
  const auto index = static_cast<std::uint16_t>(&check - checks.data());
  if (check.kind == SlotKind::foreign_key) foreign.push_back(index);
  expected.push_back(index);
}

void Batch::Impl::hash(std::span<const lanes::Job> ready) {
  lanes::hmac(ready);
  hashed_jobs += ready.size();
}

// A foreign key names no client: its own hash under the lookup key is what the table knows it by. With two peppers
// in use it may be known by either; both are always tried.
void Batch::Impl::hash_foreign_keys(const Index& index) {
  for (std::size_t start = 0; start < foreign.size(); start += group_checks) {
    const auto members = std::span(foreign).subspan(start, std::min(group_checks, foreign.size() - start));
    for (std::size_t pepper = 0; pepper < table.lookup_keys.size(); ++pepper) {
      for (std::size_t i = 0; i < members.size(); ++i) {
        const ByteView api_key = checks[members[i]].secret;
        jobs[i] = {&table.lookup_keys[pepper], api_key.data(), api_key.size(), digests[i].data()};
      }
      hash({jobs.data(), members.size()});
      for (std::size_t i = 0; i < members.size(); ++i) {
        const KeyedHash hash =
            table.hash_foreign_lookup(std::span(digests[i]).first<foreign_key_lookup_bytes>());
        const bool is_known = pepper == 0 || table.slots.find(index, SlotKind::foreign_key, hash).entry != no_entry;
        if (is_known) checks[members[i]].hash = hash;
      }
    }
  }
}

// Which ids of the group are sound and what they hash to; a foreign key names none and has its hash already.
void Batch::Impl::examine_ids(std::size_t g) {
  Group& group = groups[g % groups_in_flight];
  group.size = 0;
  const std::size_t start = std::min(g * group_checks, expected.size());
  const auto wanted = std::span(expected).subspan(start, std::min(group_checks, expected.size() - start));
  std::array<ByteView, group_checks> ids;
  std::array<client_ids::Examined, group_checks> examined;
  for (std::size_t i = 0; i < wanted.size(); ++i) ids[i] = checks[wanted[i]].client_id;
  client_ids::examine(table.hash_client_id, std::span(ids).first(wanted.size()),
                      std::span(examined).first(wanted.size()));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    Check& check = checks[wanted[i]];
    if (check.kind == SlotKind::client) {
      check.hash = examined[i].hash;
      if (!examined[i].sound) {
        outcomes[wanted[i]] = Outcome::malformed;
        continue;
      }
    }
    group.members[group.size++] = wanted[i];
  }
}

void Batch::Impl::prefetch_slots(const Index& index, std::size_t g) {
  for (const std::uint16_t at : groups[g % groups_in_flight].checks()) index.prefetch(checks[at].hash);
}

// Takes the slot's word for it, so that the entry need not be here yet.
void Batch::Impl::find_entries(const Index& index, std::size_t g) {
  for (const std::uint16_t at : groups[g % groups_in_flight].checks()) {
    Check& check = checks[at];
    check.number = index.first(check.kind, check.hash).entry;
    check.entry = check.number == no_entry ? &table.nobody : &table.entries.entry(check.number);
    prefetch_entry(check.number == no_entry ? table.somebody(check.hash) : check.entry);
    if (table.has_second_pepper() && check.number != no_entry) {
      __builtin_prefetch(&table.entries.second_midstates(check.number));
    }
  }
}

// Now the entry is here: is it this client's? Once in two thousand million times a slot only looked like it.
void Batch::Impl::settle(const Index& index, Check& check) const {
  if (check.number == no_entry) return;
  const bool is_it = check.kind == SlotKind::client ? check.entry->client == check.hash
                                                    : table.slots.is_it(check.number, check.kind, check.hash);
  if (is_it) return;
  check.number = table.slots.find(index, check.kind, check.hash).entry;
  check.entry = check.number == no_entry ? &table.nobody : &table.entries.entry(check.number);
}

void Batch::Impl::judge_group(const Index& index, std::size_t g, TimeMs now) {
  const std::span<const std::uint16_t> members = groups[g % groups_in_flight].checks();
  for (std::size_t i = 0; i < members.size(); ++i) {
    Check& check = checks[members[i]];
    settle(index, check);
    jobs[i] = {&check.entry->midstates, check.secret.data(), check.secret.size(), digests[i].data()};
  }
  hash({jobs.data(), members.size()});
  auto& second_digests = table.has_second_pepper() ? digests_under_second : digests;
  if (table.has_second_pepper()) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      const std::uint32_t number = checks[members[i]].number;
      jobs[i].key = number == no_entry ? &table.nobody_under_second : &table.entries.second_midstates(number);
      jobs[i].digest = second_digests[i].data();
    }
    hash({jobs.data(), members.size()});
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    Check& check = checks[members[i]];
    const TimeMs heard_at_ms = view.heard_at_ms[check.entry->partition].load(std::memory_order_relaxed);
    const Finding finding = judge(*check.entry, {digests[i], second_digests[i]}, now, heard_at_ms);
    const bool counts = check.number != no_entry && !check.client_disagrees;
    const Outcome otherwise = check.number == no_entry ? Outcome::unknown_client : Outcome::mismatch;
    outcomes[members[i]] = counts ? finding.outcome : otherwise;
    check.version = counts ? finding.version : no_version;
  }
}

// Of a partition that could not be loaded the table knows nothing, or not enough: "rejected" would be a guess. Asked of
// every check alike, known or not, so that it takes the same time.
void Batch::Impl::withhold(std::uint32_t partitions) {
  for (const std::uint16_t at : expected) {
    if (outcomes[at] == Outcome::malformed || !stands_in(partitions, checks[at])) continue;
    outcomes[at] = Outcome::loading;
    checks[at].version = no_version;
  }
}

// A foreign key that nobody knows may be of any of them.
bool Batch::Impl::stands_in(std::uint32_t partitions, const Check& check) const {
  if (check.kind == SlotKind::client)
    return (partitions >> view.partition_of(as_text(check.client_id)) & 1) != 0;
  return check.number == no_entry || (partitions >> check.entry->partition & 1) != 0;
}

Batch::Batch(const Table& table, const View& view) : impl_(std::make_unique<Impl>(table, view)) {}
Batch::~Batch() = default;

bool Batch::full() const { return impl_->size == batch_checks_max; }
std::size_t Batch::size() const { return impl_->size; }

std::size_t Batch::add_pair(ByteView client_id, ByteView secret) {
  Impl& in = *impl_;
  if (secret.empty() || secret.size() > secret_bytes_max) return in.malformed(client_id);
  bool client_disagrees = false;
  if (const std::optional<KeyParts> key = parse_api_key(secret)) {
    if (!key->crc_fits) return in.malformed(client_id);
    client_disagrees = !equal(key->client_id, client_id);
    secret = key->secret;
  }
  Check& check = in.add();
  check.client_id = client_id;
  check.secret = secret;
  check.client_disagrees = client_disagrees;
  in.expect(check);
  return in.size - 1;
}

std::size_t Batch::add_key(ByteView api_key) {
  Impl& in = *impl_;
  if (api_key.empty() || api_key.size() > api_key_bytes_max) return in.malformed({});
  const std::optional<KeyParts> key = parse_api_key(api_key);
  if (key && !key->crc_fits) return in.malformed(key->client_id);
  Check& check = in.add();
  check.kind = key ? SlotKind::client : SlotKind::foreign_key;
  check.client_id = key ? key->client_id : ByteView{};
  check.secret = key ? key->secret : api_key;
  in.expect(check);
  return in.size - 1;
}

void Batch::run(TimeMs now) {
  Impl& in = *impl_;
  if (!in.view.loaded.load(std::memory_order_acquire)) {
    for (std::size_t g = 0; g < in.groups_count(); ++g) in.examine_ids(g);
    return;  // every other check says `loading` already
  }
  // Before the table is looked at: what is missing there must not be taken for rejected because it came just after.
  const std::uint32_t withheld = in.view.withheld.load(std::memory_order_acquire);
  const Index& index = in.table.index();
  in.hash_foreign_keys(index);
  // While one group is hashed, the next one's entries and the slots of the one after are on their way.
  const auto prepare = [&](std::size_t g) {
    in.examine_ids(g);
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
  const Check& check = impl_->checks[index];
  Match match;
  match.outcome = impl_->outcomes[index];
  if (check.number == no_entry) return match;
  match.partition = check.entry->partition;
  if (check.version == no_version) return match;
  match.retires_at_ms = check.entry->not_after_ms[check.version];
  match.version_id = impl_->table.entries.side(check.number).version_id_of(check.version);
  return match;
}

ByteView Batch::client_id(std::size_t index) const {
  assert(index < impl_->size);
  const Check& check = impl_->checks[index];
  if (check.kind == SlotKind::client || check.number == no_entry) return check.client_id;
  return as_bytes(impl_->table.entries.side(check.number).extra->client_id);
}

void Batch::clear() {
  impl_->size = 0;
  impl_->expected.clear();
  impl_->foreign.clear();
}

std::uint64_t Batch::hashed_jobs() const { return impl_->hashed_jobs; }

}  // namespace shearline::engine
