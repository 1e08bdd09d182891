#include "io/store/store.hpp"

#include <array>

namespace shearline::store {
namespace {

// CRC-16/XMODEM (polynomial 0x1021, start 0), the one Redis Cluster takes for its slots.
constexpr std::array<std::uint16_t, 256> make_crc16_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? crc << 1 ^ 0x1021U : crc << 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

unsigned crc16(std::string_view text) {
  static constexpr auto table = make_crc16_table();
  unsigned crc = 0;
  for (const char c : text) crc = (crc << 8 ^ table[(crc >> 8 ^ static_cast<Byte>(c)) & 0xFF]) & 0xFFFF;
  return crc;
}

constexpr std::array kinds{Kind::credential, Kind::admin, Kind::group, Kind::fact};

}  // namespace

unsigned partition_of(std::string_view client_id) { return crc16(client_id) % credential_partitions; }

std::string partition_tag(unsigned partition) {
  if (partition == system_partition) return "{sys}";
  return {'{', 'p', static_cast<char>('0' + partition / 10), static_cast<char>('0' + partition % 10), '}'};
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::credential:
      return "credential";
    case Kind::admin:
      return "admin";
    case Kind::group:
      return "group";
    case Kind::fact:
      return "fact";
  }
  return "unknown";
}

std::string RecordName::field() const { return std::string(name_of(kind)) + ":" + std::string(id); }

std::optional<RecordName> RecordName::from_field(std::string_view field) {
  const std::size_t colon = field.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view id = field.substr(colon + 1);
  if (!is_record_id(id)) return std::nullopt;
  for (const Kind kind : kinds) {
    if (field.substr(0, colon) == name_of(kind)) return RecordName{kind, id};
  }
  return std::nullopt;
}

std::optional<RecordKey> RecordKey::from_field(std::string_view field) {
  const auto name = RecordName::from_field(field);
  if (!name) return std::nullopt;
  return RecordKey{name->kind, std::string(name->id)};
}

Hash hash_of(const RawChange& change) {
  const auto counter = be64(change.counter);
  const Byte separator = 0;
  return sha256({counter, as_bytes(change.field), {&separator, 1}, change.value});
}

// No brace may enter: the id stands inside a hash tag of Redis Cluster.
bool is_group_id(std::string_view group_id) {
  return !group_id.empty() && group_id.size() <= 64 &&
         group_id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-") ==
             std::string_view::npos;
}

bool is_record_id(std::string_view id) {
  return !id.empty() && id.size() <= record_id_bytes_max && id.find('\0') == std::string_view::npos;
}

}  // namespace shearline::store
