// The text form of a key for people and scanners: <prefix>_<client_id>.<secret><crc> (design: security.md
// "Secrets and keys"). Parsing works on spans of the caller's bytes and copies nothing; it knows no table and
// no configured prefix.
#pragma once

#include "base/bytes.hpp"
#include "base/encoding.hpp"
#include "base/secret.hpp"

#include <optional>
#include <string_view>

namespace shearline::engine {

inline constexpr std::size_t key_prefix_bytes_max = 12;
inline constexpr std::size_t client_id_bytes_max = 64;
inline constexpr std::size_t secret_bytes_max = 512;
inline constexpr std::size_t secret_digits = base62_digits;  // of every secret the engine makes
inline constexpr std::size_t key_crc_bytes = 6;
// The longest argument that can still mean something. A key of ours is far shorter; a foreign one is a
// secret.
inline constexpr std::size_t api_key_bytes_max = secret_bytes_max;
static_assert(key_prefix_bytes_max + 1 + client_id_bytes_max + 1 + secret_digits + key_crc_bytes <=
              api_key_bytes_max);

bool is_client_id(ByteView text);

struct KeyParts {
  ByteView prefix;
  ByteView client_id;
  ByteView secret;
  bool crc_fits = false;
};
// Whether it is long enough: nearly no secret is, and for most of them this is all there is to do.
inline bool may_be_api_key(ByteView text) { return text.size() >= 4 + secret_digits + key_crc_bytes; }
// Empty when the text does not have the form at all (prefix, client id, exactly 43 and 6 base62 digits): then
// it may be a foreign key. Only secrets the engine made are ever written in this form.
std::optional<KeyParts> parse_api_key(ByteView text);
Plaintext format_api_key(std::string_view prefix, std::string_view client_id, const Secret& secret);

// 32 random bytes as 43 base62 digits.
Secret make_secret(std::span<const Byte, 32> random_bytes);

}  // namespace shearline::engine
