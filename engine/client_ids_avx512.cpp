// Eight client ids at a time: SipHash-1-3 with a lane of 64 bits for each, the characters of one id compared in
// one register. Ids of different lengths go side by side; a lane whose words are used up stands still.
#include "engine/api_key.hpp"
#include "engine/client_ids.hpp"

#if defined(__x86_64__)

// g++ 12 takes the deliberately undefined operands inside this header for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <array>

// The whole file would not do: code of shared headers that is compiled here must still run on any processor.
#define SHEARLINE_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2")))

namespace shearline::engine::client_ids::detail {
namespace {

constexpr std::size_t lanes = 8;
// The longest id, and the word with its length.
constexpr std::size_t words_max = client_id_bytes_max / 8 + 1;

struct alignas(64) Rows {
  std::array<std::array<std::uint64_t, words_max>, lanes> words;
};

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
  SHEARLINE_AVX512 __m512i squeeze() {
    for (int i = 0; i < 3; ++i) round();
    return _mm512_xor_si512(_mm512_xor_si512(v0, v1), _mm512_xor_si512(v2, v3));
  }
};

SHEARLINE_AVX512 inline __m512i broadcast(std::uint64_t word) {
  return _mm512_set1_epi64(static_cast<long long>(word));
}

SHEARLINE_AVX512 inline __mmask64 client_id_characters(__m512i text) {
  const __m512i letters =
      _mm512_sub_epi8(_mm512_or_si512(text, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
  const __m512i digits = _mm512_sub_epi8(text, _mm512_set1_epi8('0'));
  return _mm512_cmple_epu8_mask(letters, _mm512_set1_epi8(25)) |
         _mm512_cmple_epu8_mask(digits, _mm512_set1_epi8(9)) |
         _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('-')) |
         _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('.')) |
         _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('_')) |
         _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('~'));
}

// One id into its row, padded as SipHash wants it: zeros, then the length in the last byte of its last word.
// The masked load touches no byte behind the id.
SHEARLINE_AVX512 inline bool lay_out(ByteView id, std::array<std::uint64_t, words_max>& row) {
  const std::size_t bytes = std::min(id.size(), client_id_bytes_max);
  const __mmask64 present = _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(bytes));
  const __m512i text = _mm512_maskz_loadu_epi8(present, id.data());
  // In the register: a word changed in memory would keep the loads behind it waiting for both stores.
  const __mmask64 length_at = bytes < client_id_bytes_max ? std::uint64_t{1} << (bytes / 8 * 8 + 7) : 0;
  const __m512i length = _mm512_set1_epi8(static_cast<char>(bytes));
  _mm512_storeu_si512(row.data(), _mm512_mask_mov_epi8(text, length_at, length));
  row.back() = bytes < client_id_bytes_max ? 0 : static_cast<std::uint64_t>(bytes) << 56;
  return !id.empty() && id.size() <= client_id_bytes_max && (present & ~client_id_characters(text)) == 0;
}

SHEARLINE_AVX512 inline __m512i column(const Rows& rows, std::size_t word) {
  const __m512i offsets = _mm512_mullo_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), broadcast(words_max));
  return _mm512_i64gather_epi64(offsets, rows.words[0].data() + word, 8);
}

SHEARLINE_AVX512 void examine_eight(const KeyedHasher& hasher, const ByteView* ids, Examined* examined) {
  Rows rows;
  alignas(64) std::array<std::uint64_t, lanes> last_word;
  std::uint64_t shortest = words_max;
  std::uint64_t longest = 0;
  for (std::size_t i = 0; i < lanes; ++i) {
    examined[i].sound = lay_out(ids[i], rows.words[i]);
    last_word[i] = std::min(ids[i].size(), client_id_bytes_max) / 8;
    shortest = std::min(shortest, last_word[i]);
    longest = std::max(longest, last_word[i]);
  }
  const SipKey key = hasher.key();
  SipLanes state{broadcast(key.v0), broadcast(key.v1), broadcast(key.v2), broadcast(key.v3)};
  for (std::uint64_t word = 0; word <= shortest; ++word) state.absorb(column(rows, word));
  const __m512i last = _mm512_load_si512(last_word.data());
  for (std::uint64_t word = shortest + 1; word <= longest; ++word) {
    state.absorb_where(_mm512_cmpge_epu64_mask(last, broadcast(word)), column(rows, word));
  }
  state.v2 = _mm512_xor_si512(state.v2, broadcast(0xee));
  alignas(64) std::array<std::uint64_t, lanes> low;
  alignas(64) std::array<std::uint64_t, lanes> high;
  _mm512_store_si512(low.data(), state.squeeze());
  state.v1 = _mm512_xor_si512(state.v1, broadcast(0xdd));
  _mm512_store_si512(high.data(), state.squeeze());
  for (std::size_t i = 0; i < lanes; ++i) examined[i].hash = {low[i], high[i]};
}

}  // namespace

void examine_avx512(const KeyedHasher& hasher, std::span<const ByteView> ids, std::span<Examined> examined) {
  std::size_t done = 0;
  for (; ids.size() - done >= lanes; done += lanes) examine_eight(hasher, &ids[done], &examined[done]);
  examine_portable(hasher, ids.subspan(done), examined.subspan(done));
}

}  // namespace shearline::engine::client_ids::detail

#else

namespace shearline::engine::client_ids::detail {

void examine_avx512(const KeyedHasher& hasher, std::span<const ByteView> ids, std::span<Examined> examined) {
  examine_portable(hasher, ids, examined);
}

}  // namespace shearline::engine::client_ids::detail

#endif
