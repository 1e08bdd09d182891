// SHA-256 in the processor's own registers, one message after another: for processors without lanes or instructions
// for it, and for one job or two where a set of lanes would take longer. The rounds are those of the vectors, with
// vectors of one element (lanes_vector.hpp).
#include "engine/lanes_vector.hpp"

namespace shearline::engine::lanes::detail {
namespace {

struct Scalar {
  using Word = std::uint32_t;
  static constexpr std::size_t lanes = 1;

  [[gnu::always_inline]] static Word all(std::uint32_t value) { return value; }
  [[gnu::always_inline]] static Word add(Word a, Word b) { return a + b; }
  template <int bits>
  [[gnu::always_inline]] static Word rotate_right(Word word) {
    return rotated(word, bits);
  }
  template <int bits>
  [[gnu::always_inline]] static Word shift_right(Word word) {
    return word >> bits;
  }
  [[gnu::always_inline]] static Word xor3(Word a, Word b, Word c) { return a ^ b ^ c; }
  [[gnu::always_inline]] static Word choose(Word e, Word f, Word g) { return (e & (f ^ g)) ^ g; }
  // b ^ c is a ^ b of the round before, which the compiler sees.
  [[gnu::always_inline]] static Word majority(Word a, Word b, Word c) { return ((a ^ b) & (b ^ c)) ^ b; }
};
using OneState = State<Scalar, 1>;
using OneSchedule = Schedule<Scalar, 1>;

std::uint32_t load_big_endian(const Byte* from) {
  std::uint32_t word;
  __builtin_memcpy(&word, from, sizeof word);
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(word) : word;
}

void store_big_endian(std::uint32_t word, Byte* to) {
  if constexpr (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) word = __builtin_bswap32(word);
  __builtin_memcpy(to, &word, sizeof word);
}

void load_words(const Byte* block, OneSchedule& schedule) {
  for (std::size_t t = 0; t < 16; ++t) schedule.of[0][t] = load_big_endian(block + 4 * t);
}

void load_state(const ChainingValue& value, OneState& state) {
  __builtin_memcpy(state.of[0], &value, sizeof state.of[0]);
}

// A block that the message does not fill has its end mark behind what is left of it, and in the last one the length.
void load_block(const Job& job, std::size_t block, OneSchedule& schedule) {
  const std::size_t begin = block * block_bytes;
  if (job.message_bytes >= begin + block_bytes) return load_words(job.message + begin, schedule);
  Byte padded[block_bytes] = {};
  if (job.message_bytes >= begin) {
    const std::size_t left = job.message_bytes - begin;
    if (left > 0) __builtin_memcpy(padded, job.message + begin, left);
    padded[left] = 0x80;
  }
  load_words(padded, schedule);
  if (block + 1 < blocks_of(job.message_bytes)) return;
  const std::uint64_t bits = (block_bytes + std::uint64_t{job.message_bytes}) * 8;
  schedule.of[0][14] = static_cast<std::uint32_t>(bits >> 32);
  schedule.of[0][15] = static_cast<std::uint32_t>(bits);
}

// One function for every block: two would not be faster, and half as likely to be in the instruction cache.
[[gnu::noinline]] void compress_one(OneState& state, OneSchedule& schedule) {
  compress<Keep::in_registers>(state, schedule);
}

[[gnu::noinline]] void hash_one(const Job& job) {
  OneState state;
  OneSchedule schedule;
  load_state(job.key->inner, state);
  for (std::size_t block = 0; block < blocks_of(job.message_bytes); ++block) {
    load_block(job, block, schedule);
    compress_one(state, schedule);
  }
  for (std::size_t i = 0; i < 8; ++i) {
    schedule.of[0][i] = state.of[0][i];
    schedule.of[0][8 + i] = digest_padding[i];
  }
  load_state(job.key->outer, state);
  compress_one(state, schedule);
  for (std::size_t i = 0; i < 8; ++i) store_big_endian(state.of[0][i], job.digest + 4 * i);
}

using Wide [[gnu::vector_size(16)]] = std::uint64_t;
constexpr std::size_t stack_bytes = 768;  // more than the functions above and their spilled registers need

void hash_all(const Job* jobs, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) hash_one(jobs[i]);
  wipe_stack<Wide, stack_bytes>();
}

[[gnu::noinline]] void compress_block(std::uint32_t* words, const Byte* block) {
  OneState state;
  OneSchedule schedule;
  __builtin_memcpy(state.of[0], words, sizeof state.of[0]);
  load_words(block, schedule);
  compress_one(state, schedule);
  __builtin_memcpy(words, state.of[0], sizeof state.of[0]);
}

}  // namespace

const Functions portable{hash_all, hash_all, compress_portable};

void compress_portable(std::uint32_t* words, const Byte* block) {
  compress_block(words, block);
  wipe_stack<Wide, stack_bytes>();
}

}  // namespace shearline::engine::lanes::detail
