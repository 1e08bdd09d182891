// The text form of a key for people and scanners: <prefix>_<client_id>.<secret><crc> (design: security.md
// "Secrets and keys"). Parsing works on spans of the caller's bytes and copies nothing.
#pragma once

#include "base/bytes.hpp"
#include "base/secret.hpp"

#include <optional>
#include <string_view>

namespace shearline::engine {

inline constexpr std::size_t key_prefix_bytes_max = 12;
inline constexpr std::size_t client_id_bytes_max = 64;
inline constexpr std::size_t secret_bytes_max = 512;
inline constexpr std::size_t key_crc_bytes = 6;
// The longest argument that can still mean something: a key around the longest secret.
inline constexpr std::size_t api_key_bytes_max =
    key_prefix_bytes_max + 1 + client_id_bytes_max + 1 + secret_bytes_max + key_crc_bytes;

bool is_client_id(ByteView text);

struct KeyParts {
  ByteView prefix;
  ByteView client_id;
  ByteView secret;
  bool crc_fits = false;
};
// Empty when the text does not have the form at all: then it may be a foreign key.
std::optional<KeyParts> parse_api_key(ByteView text);
Plaintext format_api_key(std::string_view prefix, std::string_view client_id, const Secret& secret);

// 32 random bytes as 43 base62 digits.
Secret make_secret(std::span<const Byte, 32> random_bytes);

}  // namespace shearline::engine
