#include "base/ulid.hpp"

namespace shearline {
namespace {
constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
}  // namespace

Ulid Ulid::make(TimeMs now, Random& random) {
  Ulid ulid;
  for (std::size_t i = 0; i < 6; ++i)
    ulid.bytes_[i] = static_cast<Byte>(now >> (40 - 8 * static_cast<int>(i)));
  random.fill(std::span(ulid.bytes_).subspan(6));
  return ulid;
}

Ulid Ulid::from_bytes(std::span<const Byte, 16> bytes) {
  Ulid ulid;
  std::memcpy(ulid.bytes_.data(), bytes.data(), 16);
  return ulid;
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
  if (text.size() != 26 || text[0] > '7') return std::nullopt;
  Ulid ulid;
  std::uint32_t pool = 0;
  int bits = -2;  // 26 * 5 = 130: the first digit carries three bits
  std::size_t at = 0;
  for (const char c : text) {
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    pool = pool << 5 | static_cast<std::uint32_t>(value);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      ulid.bytes_[at++] = static_cast<Byte>(pool >> bits);
    }
  }
  return ulid;
}

std::string Ulid::text() const {
  const auto digits_of_it = digits();
  return {digits_of_it.begin(), digits_of_it.end()};
}

std::array<char, 26> Ulid::digits() const {
  std::array<char, 26> out;
  std::size_t at = 0;
  std::uint32_t pool = 0;
  int bits = 2;
  for (const Byte byte : bytes_) {
    pool = pool << 8 | byte;
    for (bits += 8; bits >= 5;) {
      bits -= 5;
      out[at++] = alphabet[pool >> bits & 31];
    }
  }
  return out;
}

TimeMs Ulid::time_ms() const {
  TimeMs time = 0;
  for (std::size_t i = 0; i < 6; ++i) time = time << 8 | bytes_[i];
  return time;
}

}  // namespace shearline
