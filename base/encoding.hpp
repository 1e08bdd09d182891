// Text forms of bytes: hex, base64url without padding (RFC 4648 section 5), base62 digits of a 256-bit
// number, and CRC-32 (IEEE 802.3). Decoders refuse whatever the encoder would not have written.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shearline {

std::string hex(ByteView bytes);                             // lower case
std::optional<Bytes> from_hex(std::string_view text);        // either case
std::string base64url(ByteView bytes);                       // no padding
std::optional<Bytes> from_base64url(std::string_view text);  // no padding, no stray bits
std::string base64(ByteView bytes);                          // RFC 4648 section 4, padded

// 32 bytes, big-endian, as 43 digits of 0-9A-Za-z padded with '0' (security.md "Secrets and keys").
// Writes into caller's memory because the digits are usually a secret.
inline constexpr std::size_t base62_digits = 43;
void base62_of_32(std::span<const Byte, 32> bytes, std::span<char, base62_digits> out);

std::uint32_t crc32(ByteView bytes);
std::string base62_of_crc(std::uint32_t crc);  // 6 digits

}  // namespace shearline
