// Client ids by eights: SipHash-1-3 with a lane of 64 bits for each, the characters of one id examined in one register.
// Ids of different lengths go side by side; a lane whose words are used up stands still. Two eights go through the
// rounds together, because one alone waits for its own results.
#include "engine/api_key.hpp"
#include "engine/avx512.hpp"
#include "engine/client_ids.hpp"

#if defined(__x86_64__)

#include <algorithm>
#include <array>

namespace shearline::engine::client_ids::detail {
namespace {

constexpr std::size_t lanes = 8;
// Words of eight bytes in a row, which is as much of an id as counts; of the longest id the length is a word more.
constexpr std::size_t row_words = client_id_bytes_max / 8;

SHEARLINE_AVX512 inline __m512i broadcast(std::uint64_t word) {
  return _mm512_set1_epi64(static_cast<long long>(word));
}

struct SipLanes {
  __m512i v0, v1, v2, v3;

  SHEARLINE_AVX512 void round() {
    v0 = _mm512_add_epi64(v0, v1);
    v1 = _mm512_xor_si512(_mm512_rol_epi64(v1, 13), v0);
    v0 = _mm512_rol_epi64(v0, 32);
    v2 = _mm512_add_epi64(v2, v3);
    v3 = _mm512_xor_si512(_mm512_rol_epi64(v3, 16), v2);
    v0 = _mm512_add_epi64(v0, v3);
    v3 = _mm512_xor_si512(_mm512_rol_epi64(v3, 21), v0);
    v2 = _mm512_add_epi64(v2, v1);
    v1 = _mm512_xor_si512(_mm512_rol_epi64(v1, 17), v2);
    v2 = _mm512_rol_epi64(v2, 32);
  }
  SHEARLINE_AVX512 void absorb(__m512i word) {
    v3 = _mm512_xor_si512(v3, word);
    round();
    v0 = _mm512_xor_si512(v0, word);
  }
  SHEARLINE_AVX512 void absorb_where(__mmask8 active, __m512i word) {
    SipLanes moved = *this;
    moved.absorb(word);
    v0 = _mm512_mask_mov_epi64(v0, active, moved.v0);
    v1 = _mm512_mask_mov_epi64(v1, active, moved.v1);
    v2 = _mm512_mask_mov_epi64(v2, active, moved.v2);
    v3 = _mm512_mask_mov_epi64(v3, active, moved.v3);
  }
  SHEARLINE_AVX512 __m512i words() const {
    return _mm512_xor_si512(_mm512_ternarylogic_epi64(v0, v1, v2, 0x96), v3);
  }
};

// A table of 16 bytes for the lower half of a byte, and one for the upper: a character is one of ours when what they say
// has a bit in common, which stands for its upper half. Bytes from 0x80 on are none: the first table says 0 of them.
struct Characters {
  std::array<Byte, 16> by_low_half{};
  std::array<Byte, 16> by_high_half{};
};
constexpr Characters characters = [] {
  Characters made;
  for (unsigned c = 0; c < 0x80; ++c) {
    const bool is_ours = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         c == '-' || c == '.' || c == '_' || c == '~';
    if (is_ours) made.by_low_half[c % 16] |= static_cast<Byte>(1 << c / 16);
  }
  for (unsigned high = 0; high < 8; ++high) made.by_high_half[high] = static_cast<Byte>(1 << high);
  return made;
}();

SHEARLINE_AVX512 inline __m512i table_of(const std::array<Byte, 16>& bytes) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data())));
}

SHEARLINE_AVX512 inline __mmask64 client_id_characters(__m512i text) {
  const __m512i high_halves = _mm512_and_si512(_mm512_srli_epi16(text, 4), _mm512_set1_epi8(0xf));
  return _mm512_test_epi8_mask(_mm512_shuffle_epi8(table_of(characters.by_low_half), text),
                               _mm512_shuffle_epi8(table_of(characters.by_high_half), high_halves));
}

struct LengthRows {
  alignas(64) std::array<std::array<Byte, client_id_bytes_max>, client_id_bytes_max + 1> of;
};
// By the id's length, what SipHash wants behind it: the length in the last byte of its last word.
constexpr LengthRows length_rows = [] {
  LengthRows rows{};
  for (std::size_t length = 0; length < client_id_bytes_max; ++length) {
    rows.of[length][length / 8 * 8 + 7] = static_cast<Byte>(length);
  }
  return rows;
}();

// Eight rows of eight words become the words' lanes.
SHEARLINE_AVX512 inline void transpose(__m512i* rows) {
  __m512i pairs[8];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 8; i += 2) {
    pairs[i] = _mm512_unpacklo_epi64(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi64(rows[i], rows[i + 1]);
  }
  // Part j of pairs[2 k] has word 2 j of rows 2 k and 2 k + 1; of pairs[2 k + 1], word 2 j + 1.
#pragma GCC unroll 2
  for (std::size_t odd = 0; odd < 2; ++odd) {
    const __m512i low02 = _mm512_shuffle_i32x4(pairs[odd], pairs[2 + odd], 0x88);
    const __m512i high13 = _mm512_shuffle_i32x4(pairs[odd], pairs[2 + odd], 0xdd);
    const __m512i low46 = _mm512_shuffle_i32x4(pairs[4 + odd], pairs[6 + odd], 0x88);
    const __m512i high57 = _mm512_shuffle_i32x4(pairs[4 + odd], pairs[6 + odd], 0xdd);
    rows[odd] = _mm512_shuffle_i32x4(low02, low46, 0x88);
    rows[2 + odd] = _mm512_shuffle_i32x4(high13, high57, 0x88);
    rows[4 + odd] = _mm512_shuffle_i32x4(low02, low46, 0xdd);
    rows[6 + odd] = _mm512_shuffle_i32x4(high13, high57, 0xdd);
  }
}

// Eight ids on their way through the hash.
struct Eight {
  SipLanes state;
  __m512i words[row_words + 1];
  __m512i last_words;  // the number of the word with the length
  std::uint64_t sound = 0;
  std::uint64_t shortest = row_words;  // of last_words
  std::uint64_t longest = 0;

  SHEARLINE_AVX512 void lay_out(const ByteView* ids) {
    alignas(64) std::array<std::uint64_t, lanes> last;
    std::uint64_t longest_id_lanes = 0;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
      const std::size_t bytes = std::min(ids[i].size(), client_id_bytes_max);
      const __mmask64 present = _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(bytes));
      // The masked load touches no byte behind the id.
      const __m512i text = _mm512_maskz_loadu_epi8(present, ids[i].data());
      const bool fits = (present & ~client_id_characters(text)) == 0;
      sound |= static_cast<std::uint64_t>(fits & (ids[i].size() - 1 < client_id_bytes_max)) << i;
      words[i] = _mm512_or_si512(text, _mm512_load_si512(length_rows.of[bytes].data()));
      last[i] = bytes / 8;
      longest_id_lanes |= static_cast<std::uint64_t>(bytes == client_id_bytes_max) << i;
      shortest = std::min(shortest, last[i]);
      longest = std::max(longest, last[i]);
    }
    transpose(words);
    words[row_words] =
        _mm512_maskz_mov_epi64(static_cast<__mmask8>(longest_id_lanes), broadcast(client_id_bytes_max << 56));
    last_words = _mm512_load_si512(last.data());
  }
  SHEARLINE_AVX512 void absorb(std::uint64_t word) {
    state.absorb_where(_mm512_cmpge_epu64_mask(last_words, broadcast(word)), words[word]);
  }
};

template <std::size_t count>
SHEARLINE_AVX512 inline std::uint64_t examine_eights(const KeyedHasher& hasher, const ByteView* ids,
                                                     KeyedHash* hashes) {
  std::array<Eight, count> eights;
  const SipKey key = hasher.key();
  std::uint64_t shortest = row_words;
  std::uint64_t longest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Eight& eight = eights[i];
    eight.state = {broadcast(key.v0), broadcast(key.v1), broadcast(key.v2), broadcast(key.v3)};
    eight.lay_out(ids + i * lanes);
    shortest = std::min(shortest, eight.shortest);
    longest = std::max(longest, eight.longest);
  }
  const auto rounds = [&]() SHEARLINE_AVX512 __attribute__((always_inline)) {
    for (int round = 0; round < 3; ++round) {
      for (Eight& eight : eights) eight.state.round();
    }
  };
  for (std::uint64_t word = 0; word <= shortest; ++word) {
    for (Eight& eight : eights) eight.state.absorb(eight.words[word]);
  }
  for (std::uint64_t word = shortest + 1; word <= longest; ++word) {
    for (Eight& eight : eights) eight.absorb(word);
  }
  __m512i low[count];
  for (Eight& eight : eights) eight.state.v2 = _mm512_xor_si512(eight.state.v2, broadcast(0xee));
  rounds();
  for (std::size_t i = 0; i < count; ++i) {
    low[i] = eights[i].state.words();
    eights[i].state.v1 = _mm512_xor_si512(eights[i].state.v1, broadcast(0xdd));
  }
  rounds();
  std::uint64_t sound = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const __m512i high = eights[i].state.words();
    const __m512i first = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    const __m512i second = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
    _mm512_storeu_si512(&hashes[i * lanes], _mm512_permutex2var_epi64(low[i], first, high));
    _mm512_storeu_si512(&hashes[i * lanes + 4], _mm512_permutex2var_epi64(low[i], second, high));
    sound |= eights[i].sound << i * lanes;
  }
  return sound;
}

}  // namespace

SHEARLINE_AVX512 std::uint64_t examine_avx512(const KeyedHasher& hasher, std::span<const ByteView> ids,
                                              KeyedHash* hashes) {
  static_assert(sizeof(KeyedHash) == 16);
  std::uint64_t sound = 0;
  std::size_t done = 0;
  for (; ids.size() - done >= 2 * lanes; done += 2 * lanes) {
    sound |= examine_eights<2>(hasher, &ids[done], &hashes[done]) << done;
  }
  if (ids.size() - done >= lanes) {
    sound |= examine_eights<1>(hasher, &ids[done], &hashes[done]) << done;
    done += lanes;
  }
  if (done == ids.size()) return sound;
  return sound | examine_portable(hasher, ids.subspan(done), &hashes[done]) << done;
}

}  // namespace shearline::engine::client_ids::detail

#else

namespace shearline::engine::client_ids::detail {

std::uint64_t examine_avx512(const KeyedHasher& hasher, std::span<const ByteView> ids, KeyedHash* hashes) {
  return examine_portable(hasher, ids, hashes);
}

}  // namespace shearline::engine::client_ids::detail

#endif
