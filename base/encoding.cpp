#include "base/encoding.hpp"

#include <array>

namespace shearline {
namespace {

constexpr std::string_view base62_alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view base64url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<std::int16_t, 256> base64url_values = [] {
  std::array<std::int16_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < base64url_alphabet.size(); ++i) {
    values[static_cast<unsigned char>(base64url_alphabet[i])] = static_cast<std::int16_t>(i);
  }
  return values;
}();

std::string encode64(ByteView bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t pool = 0;
  int bits = 0;
  for (const Byte byte : bytes) {
    pool = pool << 8 | byte;
    for (bits += 8; bits >= 6;) {
      bits -= 6;
      out.push_back(alphabet[pool >> bits & 63]);
    }
  }
  if (bits > 0) out.push_back(alphabet[pool << (6 - bits) & 63]);
  while (padded && out.size() % 4 != 0) out.push_back('=');
  return out;
}

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xedb88320U ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}();

}  // namespace

std::string hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const Byte byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<Byte>(high << 4 | low));
  }
  return out;
}

std::string base64url(ByteView bytes) { return encode64(bytes, base64url_alphabet, false); }
std::string base64(ByteView bytes) { return encode64(bytes, base64_alphabet, true); }

std::optional<Bytes> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t pool = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = base64url_values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    pool = (pool << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<Byte>(pool >> bits));
    }
  }
  // Stray bits would give one value two spellings, and signatures are over spellings.
  if ((pool & ((1U << bits) - 1)) != 0) return std::nullopt;
  return out;
}

void base62_of_32(std::span<const Byte, 32> bytes, std::span<char, base62_digits> out) {
  // Long division of a 256-bit number by 62, eight 32-bit limbs, the same work for every value.
  std::array<std::uint32_t, 8> limbs;
  for (std::size_t i = 0; i < 8; ++i) {
    limbs[i] = static_cast<std::uint32_t>(bytes[4 * i]) << 24 |
               static_cast<std::uint32_t>(bytes[4 * i + 1]) << 16 |
               static_cast<std::uint32_t>(bytes[4 * i + 2]) << 8 | bytes[4 * i + 3];
  }
  for (std::size_t digit = base62_digits; digit-- > 0;) {
    std::uint64_t rest = 0;
    for (std::uint32_t& limb : limbs) {
      const std::uint64_t value = rest << 32 | limb;
      limb = static_cast<std::uint32_t>(value / 62);
      rest = value % 62;
    }
    out[digit] = base62_alphabet[rest];
  }
}

std::uint32_t crc32(ByteView bytes) {
  std::uint32_t c = 0xffffffffU;
  for (const Byte byte : bytes) c = crc_table[(c ^ byte) & 0xff] ^ (c >> 8);
  return c ^ 0xffffffffU;
}

std::string base62_of_crc(std::uint32_t crc) {
  std::string out(6, '0');
  for (std::size_t i = 6; i-- > 0; crc /= 62) out[i] = base62_alphabet[crc % 62];
  return out;
}

}  // namespace shearline
