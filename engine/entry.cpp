#include "engine/entry.hpp"

#include <cstring>

namespace shearline::engine {

ShortDigest shortened(std::span<const Byte, 32> digest) { return ShortDigest::copy_of(digest.first<16>()); }

std::uint64_t prefix_of(std::span<const Byte, 32> digest) {
  std::uint64_t prefix;
  std::memcpy(&prefix, digest.data(), sizeof prefix);
  return prefix;
}

}  // namespace shearline::engine
