// The MAC, the sum and the seals as pure functions. Layouts of what stands in the store:
//   record  be64 revision || MAC || payload
//   head    be64 counter || nonce || AES-256-GCM(be64 counter || be64 count || sum) || tag
//   event   be64 counter || be32 index || record hash || MAC || event
#include "base/check.hpp"
#include "engine/digest.hpp"
#include "engine/lanes.hpp"
#include "io/store/sealed.hpp"

#include <algorithm>

namespace shearline::store {
namespace {

constexpr std::string_view record_label = "shearline v1 record";
constexpr std::string_view term_label = "shearline v1 head term";
constexpr std::string_view head_label = "shearline v1 head";
constexpr std::string_view event_label = "shearline v1 outbox event";

constexpr std::size_t head_plain_bytes = 8 + 8 + 32;
constexpr std::size_t head_bytes = 8 + gcm_nonce_bytes + head_plain_bytes + gcm_tag_bytes;
constexpr std::size_t event_prefix_bytes = 8 + 4 + 32 + 32;

constexpr Byte zero_byte = 0;
constexpr ByteView separator{&zero_byte, 1};

std::array<Byte, 4> be32(std::uint32_t value) {
  return {static_cast<Byte>(value >> 24), static_cast<Byte>(value >> 16), static_cast<Byte>(value >> 8),
          static_cast<Byte>(value)};
}

Bytes join(Parts parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  Bytes joined(size);
  Byte* end = joined.data();
  for (const ByteView part : parts) end = std::ranges::copy(part, end).out;
  return joined;
}

Bytes head_aad(unsigned partition, ByteView counter) {
  const std::string tag = partition_tag(partition);
  return join({as_bytes(head_label), separator, as_bytes(tag), separator, counter});
}

// What is covered, handed to `hash` in parts.
template <class Hasher>
auto of_record(const RecordName& name, ByteView revision, ByteView payload, const Hasher& hash) {
  return hash({as_bytes(record_label), separator, as_bytes(name_of(name.kind)), separator, as_bytes(name.id),
               separator, revision, payload});
}
template <class Hasher>
auto of_term(std::string_view field, ByteView value, const Hasher& hash) {
  return hash({as_bytes(term_label), separator, as_bytes(field), separator, value});
}

Hash record_mac(const Key& key, const RecordName& name, ByteView revision, ByteView payload) {
  return of_record(name, revision, payload, [&](Parts parts) { return hmac_sha256(key.reveal(), parts); });
}

// Lanes want whole messages, so each is copied; a longer record is hashed where it stands.
constexpr std::size_t copied_bytes_max = 4096;
bool is_copied(const RawRecord& record) { return record.value.size() <= copied_bytes_max; }

// What a message has beside field and value: label and separators.
constexpr std::size_t around_record_bytes_max = 32;
static_assert(record_label.size() + 4 <= around_record_bytes_max &&
              term_label.size() + 2 <= around_record_bytes_max);

// HMACs of many messages under one key, hashed side by side.
class HashedTogether {
 public:
  HashedTogether(const Key& key, std::span<const RawRecord> records)
      : key_(engine::hmac_midstates(key.reveal())) {
    std::size_t bytes = 0;
    for (const RawRecord& record : records) {
      if (is_copied(record)) bytes += around_record_bytes_max + record.field.size() + record.value.size();
    }
    messages_.reserve(bytes);
  }
  // At most Sealer::together_max. `digest` is written by hash().
  void add(Parts message, Hash& digest) {
    SHEARLINE_CHECK(count_ < jobs_.size());
    const std::size_t begin = messages_.size();
    for (const ByteView part : message) append(messages_, part);
    jobs_[count_++] = {&key_, nullptr, messages_.size() - begin, digest.data()};
  }
  void hash() {
    const Byte* message = messages_.data();
    for (engine::lanes::Job& job : std::span(jobs_).first(count_)) {
      job.message = message;
      message += job.message_bytes;
    }
    engine::lanes::hmac(std::span(jobs_).first(count_));
  }

 private:
  const engine::Midstates key_;
  Bytes messages_;  // one behind the other
  std::array<engine::lanes::Job, Sealer::together_max> jobs_{};
  std::size_t count_ = 0;
};

struct EventPlace {
  std::string tag;
  std::array<Byte, 8> counter;
  std::array<Byte, 4> index;
};

Hash event_mac(const Key& key, const EventPlace& place, ByteView record_hash, ByteView event) {
  return hmac_sha256(key.reveal(), {as_bytes(event_label), separator, as_bytes(place.tag), separator,
                                    place.counter, place.index, record_hash, event});
}

}  // namespace

// Each use has a key of its own, so no value of one kind can be passed off as another.
Sealer::Sealer(const Key& state_key, Random& random)
    : record_key_(derive_key(state_key, "shearline v1 record key")),
      event_key_(derive_key(state_key, "shearline v1 outbox event key")),
      head_key_(derive_key(state_key, "shearline v1 head term key")),
      head_seal_key_(derive_key(state_key, "shearline v1 head seal key")),
      random_(random) {}

Bytes Sealer::seal(const RecordName& name, std::uint64_t revision, ByteView payload) const {
  const auto prefix = be64(revision);
  return join({prefix, record_mac(record_key_, name, prefix, payload), payload});
}

Result<RecordView> Sealer::open(const RecordName& name, ByteView value) const {
  if (value.size() < value_prefix_bytes) {
    return fail(Code::internal_error, "record " + name.field() + " is shorter than its own prefix");
  }
  const ByteView revision = value.first(8);
  const ByteView payload = value.subspan(value_prefix_bytes);
  if (!equal_in_constant_time(record_mac(record_key_, name, revision, payload), value.subspan(8, 32))) {
    return fail(Code::internal_error, "record " + name.field() + " carries a MAC that is not ours");
  }
  const std::uint64_t number = load_be64(revision.data());
  if (number == 0) return fail(Code::internal_error, "record " + name.field() + " has revision 0");
  return RecordView{name, number, payload};
}

std::bitset<Sealer::together_max> Sealer::authentic(std::span<const RawRecord> records) const {
  SHEARLINE_CHECK(records.size() <= together_max);
  std::bitset<together_max> good;
  std::array<Hash, together_max> macs;
  HashedTogether together(record_key_, records);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const ByteView value = records[i].value;
    const auto name = RecordName::from_field(records[i].field);
    if (!name || value.size() < value_prefix_bytes || load_be64(value.data()) == 0) continue;
    good[i] = is_copied(records[i]) || open(*name, value);
    if (!is_copied(records[i])) continue;
    of_record(*name, value.first(8), value.subspan(value_prefix_bytes),
              [&](Parts parts) { together.add(parts, macs[i]); });
  }
  together.hash();
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!good[i] || !is_copied(records[i])) continue;
    good[i] = equal_in_constant_time(macs[i], records[i].value.subspan(8, 32));
  }
  return good;
}

Sealer::Term Sealer::term(std::string_view field, ByteView value) const {
  return of_term(field, value, [&](Parts parts) { return hmac_sha256(head_key_.reveal(), parts); });
}

void Sealer::terms(std::span<const RawRecord> records, std::span<Term> out) const {
  SHEARLINE_CHECK(records.size() <= together_max && out.size() >= records.size());
  HashedTogether together(head_key_, records);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& [field, value] = records[i];
    if (is_copied(records[i])) {
      of_term(field, value, [&](Parts parts) { together.add(parts, out[i]); });
    } else {
      out[i] = term(field, value);
    }
  }
  together.hash();
}

void Sealer::add(Head& head, const Term& term) {
  unsigned carry = 0;
  for (std::size_t i = term.size(); i-- > 0;) {
    carry += static_cast<unsigned>(head.sum[i]) + term[i];
    head.sum[i] = static_cast<Byte>(carry);
    carry >>= 8;
  }
  ++head.count;
}

void Sealer::subtract(Head& head, const Term& term) {
  unsigned borrow = 0;
  for (std::size_t i = term.size(); i-- > 0;) {
    const unsigned difference = 256U + head.sum[i] - term[i] - borrow;
    head.sum[i] = static_cast<Byte>(difference);
    borrow = difference < 256U ? 1 : 0;
  }
  --head.count;
}

// A random nonce of 96 bits: at 2^32 changes the chance of a repeat is still below 2^-32.
Bytes Sealer::seal_head(unsigned partition, const Head& head) const {
  const auto counter = be64(head.counter);
  const Bytes plain = join({counter, be64(head.count), head.sum});
  std::array<Byte, gcm_nonce_bytes> nonce;
  random_.fill(nonce);

  return join({counter, nonce, aes256gcm_seal(head_seal_key_, nonce, head_aad(partition, counter), plain)});
}

Result<Sealer::Head> Sealer::open_head(unsigned partition, ByteView sealed) const {
  if (sealed.size() != head_bytes) {
    return fail(Code::internal_error, "the head of " + partition_tag(partition) + " has a wrong length");
  }
  const auto nonce = sealed.subspan<8, gcm_nonce_bytes>();
  const auto plain = aes256gcm_open(head_seal_key_, nonce, head_aad(partition, sealed.first(8)),
                                    sealed.subspan(8 + gcm_nonce_bytes));
  if (!plain) {
    return fail(Code::internal_error, "the head of " + partition_tag(partition) + " was not sealed by us");
  }
  const ByteView bytes = plain->reveal();
  Head head{load_be64(bytes.data()), load_be64(bytes.data() + 8), {}};
  std::memcpy(head.sum.data(), bytes.data() + 16, head.sum.size());
  return head;
}

Bytes Sealer::seal_event(unsigned partition, std::uint64_t counter, std::uint32_t index,
                         const Hash& record_hash, ByteView event) const {
  const EventPlace place{partition_tag(partition), be64(counter), be32(index)};
  return join(
      {place.counter, place.index, record_hash, event_mac(event_key_, place, record_hash, event), event});
}

Result<Sealer::OpenedEvent> Sealer::open_event(unsigned partition, std::uint64_t counter, std::uint32_t index,
                                               ByteView sealed) const {
  const EventPlace place{partition_tag(partition), be64(counter), be32(index)};
  const std::string where =
      "outbox event " + place.tag + " " + std::to_string(counter) + "-" + std::to_string(index);
  if (sealed.size() < event_prefix_bytes) {
    return fail(Code::internal_error, where + " is shorter than its own prefix");
  }
  const ByteView record_hash = sealed.subspan(12, 32);
  const ByteView event = sealed.subspan(event_prefix_bytes);
  if (!equal(sealed.first(8), place.counter) || !equal(sealed.subspan(8, 4), place.index) ||
      !equal_in_constant_time(event_mac(event_key_, place, record_hash, event), sealed.subspan(44, 32))) {
    return fail(Code::internal_error, where + " was not written there by us");
  }
  OpenedEvent opened{{}, to_bytes(event)};
  std::memcpy(opened.record_hash.data(), record_hash.data(), record_hash.size());
  return opened;
}

}  // namespace shearline::store
