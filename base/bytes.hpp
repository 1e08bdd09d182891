// The one byte-string vocabulary of the project: views, owned bytes, big-endian integers.
// For public bytes only; whatever must be wiped lives in base/secret.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shearline {

using Byte = std::uint8_t;
using Bytes = std::vector<Byte>;
using ByteView = std::span<const Byte>;  // never owns
using ByteSpan = std::span<Byte>;        // never owns, writable

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline std::string to_string(ByteView view) { return std::string(as_text(view)); }
inline void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

// For public values (ids, hashes of public bytes). Secrets are compared with equal_in_constant_time.
inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

inline void store_be64(std::uint64_t value, Byte* out) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<Byte>(value);
}
inline std::uint64_t load_be64(const Byte* in) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | in[i];
  return value;
}
inline std::array<Byte, 8> be64(std::uint64_t value) {
  std::array<Byte, 8> out;
  store_be64(value, out.data());
  return out;
}

}  // namespace shearline
