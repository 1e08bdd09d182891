// ULID: 48 bits of Unix milliseconds and 80 random bits as 26 Crockford base32 digits, sorting by time.
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace shearline {

class Ulid {
 public:
  Ulid() = default;  // all zero: "none"
  static Ulid make(TimeMs now, Random& random);
  static std::optional<Ulid> parse(std::string_view text);  // 26 digits, upper case, at most 2^128-1
  static Ulid from_bytes(std::span<const Byte, 16> bytes);

  std::string text() const;
  std::array<char, 26> digits() const;  // text() where nothing may be allocated
  TimeMs time_ms() const;
  std::span<const Byte, 16> bytes() const { return bytes_; }
  bool is_none() const { return *this == Ulid{}; }
  auto operator<=>(const Ulid&) const = default;

 private:
  std::array<Byte, 16> bytes_{};
};

}  // namespace shearline
