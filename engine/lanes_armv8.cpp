// SHA-256 with the cryptographic extension of ARMv8, several messages in flight. The instructions take the
// eight words of a chaining value as ABCD and EFGH and do four rounds each.
#include "engine/lanes_parts.hpp"
#include "engine/lanes_streams.hpp"

#include <arm_neon.h>

namespace shearline::engine::lanes::detail {
namespace {

struct Armv8 {
  using Vector = uint32x4_t;
  struct State {
    uint32x4_t abcd;
    uint32x4_t efgh;
  };

  [[gnu::always_inline]] static Vector add(Vector a, Vector b) { return vaddq_u32(a, b); }
  [[gnu::always_inline]] static Vector load_words(const std::uint32_t* from) { return vld1q_u32(from); }
  [[gnu::always_inline]] static void add_to(State& state, const State& more) {
    state.abcd = vaddq_u32(state.abcd, more.abcd);
    state.efgh = vaddq_u32(state.efgh, more.efgh);
  }
  [[gnu::always_inline]] static void four_rounds(State& state, Vector constants_and_words) {
    const Vector abcd = state.abcd;
    state.abcd = vsha256hq_u32(abcd, state.efgh, constants_and_words);
    state.efgh = vsha256h2q_u32(state.efgh, abcd, constants_and_words);
  }
  // From words t-16 to t-1 the words t to t+3.
  [[gnu::always_inline]] static Vector next_words(Vector oldest, Vector old, Vector newer, Vector newest) {
    return vsha256su1q_u32(vsha256su0q_u32(oldest, old), newer, newest);
  }

  [[gnu::always_inline]] static void load_state(State& state, const std::uint32_t* words) {
    state = {vld1q_u32(words), vld1q_u32(words + 4)};
  }
  [[gnu::always_inline]] static void digest_words(const State& state, Vector* words) {
    words[0] = state.abcd;
    words[1] = state.efgh;
  }
  [[gnu::always_inline]] static Vector from_big_endian(uint8x16_t bytes) {
    return vreinterpretq_u32_u8(vrev32q_u8(bytes));
  }
  static void load_block(const Job& job, std::size_t block, Vector* words);
  [[gnu::always_inline]] static void store_digest(const State& state, Byte* digest) {
    vst1q_u8(digest, vrev32q_u8(vreinterpretq_u8_u32(state.abcd)));
    vst1q_u8(digest + 16, vrev32q_u8(vreinterpretq_u8_u32(state.efgh)));
  }
};

struct Neon {
  using Part = uint8x16_t;
  [[gnu::always_inline]] static Part load(const Byte* from) { return vld1q_u8(from); }
  [[gnu::always_inline]] static Part of_halves(std::uint64_t low, std::uint64_t high) {
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
  }
  [[gnu::always_inline]] static Part combined(Part a, Part b) { return vorrq_u8(a, b); }
  [[gnu::always_inline]] static Part moved(Part bytes, Part table) { return vqtbl1q_u8(bytes, table); }
};

void Armv8::load_block(const Job& job, std::size_t block, Vector* words) {
  const std::size_t begin = block * block_bytes;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < parts_per_block; ++i) {
    words[i] = from_big_endian(marked_part<Neon>(job.message, job.message_bytes, begin + i * part_bytes));
  }
  if (block + 1 < blocks_of(job.message_bytes)) return;
  const std::uint64_t bits = bits_of(job);
  words[3] = vorrq_u32(words[3], vcombine_u32(vdup_n_u32(0), vcreate_u32(bits << 32 | bits >> 32)));
}

constexpr std::size_t streams = 2;
constexpr std::size_t stack_bytes = 1024;  // more than the functions below and their spilled registers need

void one_block(const Job* jobs, std::size_t count) {
  for (; count >= streams; count -= streams, jobs += streams) hash_one_block<Armv8, streams>(jobs);
  for (; count > 0; --count, ++jobs) hash_one_block<Armv8, 1>(jobs);
  wipe_stack<Armv8::Vector, stack_bytes>();
}

void any_length(const Job* jobs, std::size_t count) {
  hash_any_length<Armv8, streams>(jobs, count);
  wipe_stack<Armv8::Vector, stack_bytes>();
}

void compress(std::uint32_t* words, const Byte* block) {
  compress_block<Armv8>(words, block);
  wipe_stack<Armv8::Vector, stack_bytes>();
}

}  // namespace

const Functions armv8{one_block, any_length, compress};

}  // namespace shearline::engine::lanes::detail
