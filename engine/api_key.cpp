#include "engine/api_key.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace shearline::engine {
namespace {

constexpr bool is_lower(Byte c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(Byte c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_digit(Byte c) { return c >= '0' && c <= '9'; }

template <class Predicate>
constexpr std::array<bool, 256> character_set(Predicate is_member) {
  std::array<bool, 256> set{};
  for (std::size_t c = 0; c < set.size(); ++c) set[c] = is_member(static_cast<Byte>(c));
  return set;
}
constexpr auto prefix_characters = character_set([](Byte c) { return is_lower(c) || is_digit(c); });
constexpr auto base62_characters =
    character_set([](Byte c) { return is_lower(c) || is_upper(c) || is_digit(c); });
constexpr auto client_id_characters = character_set([](Byte c) {
  return is_lower(c) || is_upper(c) || is_digit(c) || c == '.' || c == '_' || c == '~' || c == '-';
});

// Sixteen characters at a time: every check of every frame comes through here.
using Characters = unsigned char __attribute__((vector_size(16)));

Characters are_client_id_characters(Characters text) {
  const Characters letters = (text | 0x20) - 'a';
  const Characters digits = text - '0';
  const auto fits =
      (letters <= 25) | (digits <= 9) | (text == '-') | (text == '.') | (text == '_') | (text == '~');
  return reinterpret_cast<Characters>(fits);
}

bool all_true(Characters fits) {
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(fits);
  return (halves[0] & halves[1]) == ~std::uint64_t{0};
}

template <class Word>
Word load(const Byte* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Overlapping loads, so that no length needs a loop over its last bytes.
bool are_client_id_characters(ByteView text) {
  const Byte* begin = text.data();
  const Byte* end = begin + text.size();
  if (text.size() < 8) {
    return std::ranges::all_of(text, [](Byte c) { return client_id_characters[c]; });
  }
  if (text.size() < 16) {
    return all_true(are_client_id_characters(
        std::bit_cast<Characters>(std::array{load<std::uint64_t>(begin), load<std::uint64_t>(end - 8)})));
  }
  Characters fits = are_client_id_characters(load<Characters>(end - 16));
  for (; end - begin > 16; begin += 16) fits &= are_client_id_characters(load<Characters>(begin));
  return all_true(fits);
}

bool all_of(ByteView text, const std::array<bool, 256>& set) {
  // Without an early end: the text may be a secret, and where it stops fitting is nobody's business.
  bool fits = true;
  for (const Byte c : text) fits &= set[c];
  return fits;
}

}  // namespace

bool is_client_id(ByteView text) {
  return !text.empty() && text.size() <= client_id_bytes_max && are_client_id_characters(text);
}

std::optional<KeyParts> parse_api_key(ByteView text) {
  // The secret has no '.', and its length is known, so the last '.' can stand in one place only.
  constexpr std::size_t after_dot_bytes = secret_digits + key_crc_bytes;
  if (!may_be_api_key(text)) return std::nullopt;
  const std::size_t dot = text.size() - after_dot_bytes - 1;
  if (text[dot] != '.' || !all_of(text.subspan(dot + 1), base62_characters)) return std::nullopt;

  const std::size_t prefix_end_max = std::min(key_prefix_bytes_max + 1, dot);
  const auto underscore = std::find(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(prefix_end_max),
                                    static_cast<Byte>('_'));
  const auto prefix_bytes = static_cast<std::size_t>(underscore - text.begin());
  if (prefix_bytes == 0 || prefix_bytes == prefix_end_max) return std::nullopt;

  KeyParts parts;
  parts.prefix = text.first(prefix_bytes);
  parts.client_id = text.subspan(prefix_bytes + 1, dot - prefix_bytes - 1);
  parts.secret = text.subspan(dot + 1, secret_digits);
  if (!all_of(parts.prefix, prefix_characters) || !is_client_id(parts.client_id)) return std::nullopt;
  const std::string crc = base62_of_crc(crc32(text.first(text.size() - key_crc_bytes)));
  parts.crc_fits = equal_in_constant_time(text.last(key_crc_bytes), as_bytes(crc));
  return parts;
}

Plaintext format_api_key(std::string_view prefix, std::string_view client_id, const Secret& secret) {
  const std::size_t before_crc_bytes = prefix.size() + 1 + client_id.size() + 1 + secret.size();
  Plaintext key = Plaintext::of_size(before_crc_bytes + key_crc_bytes);
  Byte* out = key.writable().data();
  const auto add = [&out](ByteView part) { out = std::copy(part.begin(), part.end(), out); };
  add(as_bytes(prefix));
  add(as_bytes("_"));
  add(as_bytes(client_id));
  add(as_bytes("."));
  add(secret.reveal());
  add(as_bytes(base62_of_crc(crc32(key.reveal().first(before_crc_bytes)))));
  return key;
}

Secret make_secret(std::span<const Byte, 32> random_bytes) {
  Secret secret = Secret::of_size(base62_digits);
  base62_of_32(random_bytes, std::span<char, base62_digits>(reinterpret_cast<char*>(secret.writable().data()),
                                                            base62_digits));
  return secret;
}

}  // namespace shearline::engine
