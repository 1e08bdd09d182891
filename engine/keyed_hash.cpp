#include "engine/keyed_hash.hpp"

namespace shearline::engine {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();  // c = 1
    v0 ^= word;
  }
  std::uint64_t squeeze() {
    for (int i = 0; i < 3; ++i) round();  // d = 3
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

std::uint64_t load_le64(const Byte* in) {
  std::uint64_t word;
  std::memcpy(&word, in, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

// The last size % 8 bytes. Where there are eight to load they are loaded at once, the earlier ones shifted out.
std::uint64_t load_tail(ByteView bytes) {
  const std::size_t tail_bytes = bytes.size() % 8;
  if (tail_bytes == 0) return 0;
  if (bytes.size() > 8) return load_le64(bytes.data() + bytes.size() - 8) >> (8 * (8 - tail_bytes));
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < tail_bytes; ++i) word |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  return word;
}

}  // namespace

SipKey KeyedHasher::key() const {
  return {k0_ ^ 0x736f6d6570736575ULL, k1_ ^ 0x646f72616e646f6dULL ^ 0xee, k0_ ^ 0x6c7967656e657261ULL,
          k1_ ^ 0x7465646279746573ULL};
}

KeyedHash KeyedHasher::operator()(ByteView bytes) const {
  const SipKey begin = key();
  SipState state{begin.v0, begin.v1, begin.v2, begin.v3};
  const std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56 | load_tail(bytes);
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) state.absorb(load_le64(bytes.data()));
  state.absorb(last);
  state.v2 ^= 0xee;
  KeyedHash hash;
  hash.low = state.squeeze();
  state.v1 ^= 0xdd;
  hash.high = state.squeeze();
  return hash;
}

}  // namespace shearline::engine
