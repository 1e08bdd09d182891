// SHA-256's rounds over vectors whose every element belongs to another message: what the AVX2, the AVX-512 and, with
// vectors of one element, the portable kernel share. Everything stands in an unnamed namespace, because each kernel's
// file is compiled for its own instruction set and no copy of a function may serve another file. For those files only.
//
// `V` names the instruction set: V::Word is the vector, V::lanes its elements, and add, rotate_right,
// shift_right, xor3, choose, majority and all() are its operations. Several groups of lanes go through the
// rounds side by side: one group alone waits for its own results (each round needs e of the round before),
// two fill each other's gaps.
#pragma once

#include "engine/lanes_kernels.hpp"

// Additions stand in the order in which their operands arrive. g++ would sort them anew and make one group a third
// slower.
#pragma GCC optimize("no-tree-reassoc")

namespace shearline::engine::lanes::detail {
namespace {

// A value that the optimizer knows nothing of.
template <class T>
[[gnu::always_inline]] inline T unforeseen(T value) {
  asm("" : "+r"(value));
  return value;
}

// Where the rounds keep the schedule. In registers, if there are as many as state and schedule have words; else
// in memory, from where its words are read when they are needed: the compiler would spill them, and take
// twice the room.
enum class Keep : std::uint8_t { in_registers, in_memory };

template <class V, std::size_t groups>
struct Schedule {
  typename V::Word of[groups][16];  // the newest sixteen words: the word of round t stands at t mod 16
};

template <class V, std::size_t groups>
struct State {
  typename V::Word of[groups][8];
};

// The words a to h stand still and their names go round: in round t the word called `a` is at -t mod 8.
template <class V>
[[gnu::always_inline]] inline void round(typename V::Word* words, std::size_t t,
                                         typename V::Word constant_and_word) {
  using Word = typename V::Word;
  const auto at = [t](std::size_t name) { return (name - t) & 7; };
  const Word a = words[at(0)];
  const Word e = words[at(4)];
  const Word sum1 = V::xor3(V::template rotate_right<6>(e), V::template rotate_right<11>(e),
                            V::template rotate_right<25>(e));
  const Word early =
      V::add(V::add(words[at(7)], constant_and_word), V::choose(e, words[at(5)], words[at(6)]));
  const Word t1 = V::add(early, sum1);
  const Word sum0 = V::xor3(V::template rotate_right<2>(a), V::template rotate_right<13>(a),
                            V::template rotate_right<22>(a));
  const Word t1_and_majority = V::add(t1, V::majority(a, words[at(1)], words[at(2)]));
  words[at(3)] = V::add(words[at(3)], t1);
  words[at(7)] = V::add(t1_and_majority, sum0);
}

template <class V>
[[gnu::always_inline]] inline typename V::Word sigma0(typename V::Word word) {
  return V::xor3(V::template rotate_right<7>(word), V::template rotate_right<18>(word),
                 V::template shift_right<3>(word));
}

template <class V>
[[gnu::always_inline]] inline typename V::Word sigma1(typename V::Word word) {
  return V::xor3(V::template rotate_right<17>(word), V::template rotate_right<19>(word),
                 V::template shift_right<10>(word));
}

template <class V, std::size_t groups>
[[gnu::always_inline]] inline void first_rounds(State<V, groups>& state,
                                                const Schedule<V, groups>& schedule) {
  const std::uint32_t* const constants = unforeseen(round_constants + 0);
#pragma GCC unroll 16
  for (std::size_t t = 0; t < 16; ++t) {
#pragma GCC unroll 2
    for (std::size_t g = 0; g < groups; ++g) {
      round<V>(state.of[g], t, V::add(schedule.of[g][t], V::all(constants[t])));
    }
  }
}

// The rounds from `constants` on to the last one.
template <Keep keep, class V, std::size_t groups>
[[gnu::always_inline]] inline void later_rounds(State<V, groups>& state, Schedule<V, groups>& schedule,
                                                const std::uint32_t* constants) {
  do {
#pragma GCC unroll 16
    for (std::size_t t = 0; t < 16; ++t) {
      if constexpr (keep == Keep::in_memory) asm("" : "+m"(schedule.of));
#pragma GCC unroll 2
      for (std::size_t g = 0; g < groups; ++g) {
        auto& w = schedule.of[g];
        w[t] = V::add(V::add(w[t], sigma0<V>(w[(t + 1) & 15])),
                      V::add(w[(t + 9) & 15], sigma1<V>(w[(t + 14) & 15])));
        round<V>(state.of[g], t, V::add(w[t], V::all(constants[t])));
      }
    }
    constants = unforeseen(constants + 16);
  } while (constants != round_constants + 64);
}

template <class V, std::size_t groups>
[[gnu::always_inline]] inline void add_to(State<V, groups>& chaining, const State<V, groups>& state) {
#pragma GCC unroll 2
  for (std::size_t g = 0; g < groups; ++g) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) chaining.of[g][i] = V::add(chaining.of[g][i], state.of[g][i]);
  }
}

// Takes the blocks in the schedule into the chaining values.
template <Keep keep, class V, std::size_t groups>
[[gnu::always_inline]] inline void compress(State<V, groups>& chaining, Schedule<V, groups>& schedule) {
  State<V, groups> state = chaining;
  first_rounds(state, schedule);
  later_rounds<keep>(state, schedule, round_constants + 16);
  add_to(chaining, state);
}

template <class V, std::size_t groups>
[[gnu::noinline]] void compress_in_memory(State<V, groups>& chaining, Schedule<V, groups>& schedule) {
  compress<Keep::in_memory>(chaining, schedule);
}

constexpr std::uint32_t rotated(std::uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

// What the constant half of a digest's block gives to rounds 8 to 15, and to the words 16 to 31.
struct DigestPadding {
  std::uint32_t constants_and_words[8];
  std::uint32_t part_of_word[16];
};
constexpr DigestPadding padding_of_digest = [] {
  const auto word = [](std::size_t t) { return t >= 8 && t < 16 ? digest_padding[t - 8] : 0; };
  DigestPadding made{};
  for (std::size_t i = 0; i < 8; ++i) made.constants_and_words[i] = round_constants[8 + i] + word(8 + i);
  for (std::size_t i = 0; i < 16; ++i) {
    const std::uint32_t s0 = word(i + 1);
    const std::uint32_t s1 = word(i + 14);
    made.part_of_word[i] = word(i) + (rotated(s0, 7) ^ rotated(s0, 18) ^ s0 >> 3) + word(i + 9) +
                           (rotated(s1, 17) ^ rotated(s1, 19) ^ s1 >> 10);
  }
  return made;
}();

// Word 16 + i of a digest's block: what is always zero is left out, what is always the same is one constant.
template <class V>
[[gnu::always_inline]] inline typename V::Word word_after_digest(const typename V::Word* w, std::size_t i,
                                                                 std::uint32_t constant) {
  typename V::Word sum = V::all(constant);
  bool begun = padding_of_digest.part_of_word[i] != 0;
  const auto add = [&](typename V::Word word) __attribute__((always_inline)) {
    sum = begun ? V::add(sum, word) : word;
    begun = true;
  };
  const auto depends_on_digest = [](std::size_t t) { return t < 8 || t >= 16; };
  if (depends_on_digest(i)) add(w[i]);
  if (depends_on_digest(i + 1)) add(sigma0<V>(w[(i + 1) & 15]));
  if (depends_on_digest(i + 9)) add(w[(i + 9) & 15]);
  if (depends_on_digest(i + 14)) add(sigma1<V>(w[(i + 14) & 15]));
  return sum;
}

// Takes the digests in words 0 to 7 of the schedule, and their padding, into the chaining values. Registers only.
template <class V>
[[gnu::always_inline]] inline void compress_digests(State<V, 1>& chaining, Schedule<V, 1>& schedule) {
  State<V, 1> state = chaining;
  auto& w = schedule.of[0];
  const std::uint32_t* const constants = unforeseen(round_constants + 0);
  const DigestPadding* const padding = unforeseen(&padding_of_digest);
#pragma GCC unroll 8
  for (std::size_t t = 0; t < 8; ++t) round<V>(state.of[0], t, V::add(w[t], V::all(constants[t])));
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) round<V>(state.of[0], 8 + i, V::all(padding->constants_and_words[i]));
#pragma GCC unroll 16
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = word_after_digest<V>(w, i, padding->part_of_word[i]);
    round<V>(state.of[0], i, V::add(w[i], V::all(constants[16 + i])));
  }
  later_rounds<Keep::in_registers>(state, schedule, round_constants + 32);
  add_to(chaining, state);
}

// `lanes` messages of at most 55 bytes: two compressions and nothing else.
template <class V>
[[gnu::always_inline]] inline void hash_in_registers(const Job* jobs) {
  State<V, 1> chaining;
  Schedule<V, 1> schedule;
  V::load_padded_messages(jobs, schedule.of[0]);
  V::load_midstates(jobs, 0, chaining.of[0]);
  compress<Keep::in_registers>(chaining, schedule);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) schedule.of[0][i] = chaining.of[0][i];
  V::load_midstates(jobs, 1, chaining.of[0]);
  compress_digests(chaining, schedule);
  V::store_digests(jobs, chaining.of[0]);
}

// From the inner hashes in `chaining` to the outer ones. The padding of the outer block is made of words like
// any others here, and both compressions are one function: leaving the padding out would save an instruction in
// forty, but then there are two such functions, for which the instruction cache is too small (two groups of
// AVX-512 became a third slower).
template <class V, std::size_t groups>
[[gnu::always_inline]] inline void hash_digests(const Job* jobs, State<V, groups>& chaining,
                                                Schedule<V, groups>& schedule) {
#pragma GCC unroll 2
  for (std::size_t g = 0; g < groups; ++g) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) {
      schedule.of[g][i] = chaining.of[g][i];
      schedule.of[g][8 + i] = V::all(digest_padding[i]);
    }
    V::load_midstates(jobs + g * V::lanes, 1, chaining.of[g]);
  }
  compress_in_memory(chaining, schedule);
#pragma GCC unroll 2
  for (std::size_t g = 0; g < groups; ++g) V::store_digests(jobs + g * V::lanes, chaining.of[g]);
}

// Messages of at most 55 bytes, `groups` times `lanes` of them.
template <class V, std::size_t groups>
[[gnu::always_inline]] inline void hash_in_memory(const Job* jobs) {
  State<V, groups> chaining;
  Schedule<V, groups> schedule;
#pragma GCC unroll 2
  for (std::size_t g = 0; g < groups; ++g) {
    V::load_padded_messages(jobs + g * V::lanes, schedule.of[g]);
    V::load_midstates(jobs + g * V::lanes, 0, chaining.of[g]);
  }
  compress_in_memory(chaining, schedule);
  hash_digests(jobs, chaining, schedule);
}

// `lanes` messages of any length. A lane whose message has ended keeps its chaining value while others go on.
template <class V>
[[gnu::always_inline]] inline void hash_any_length(const Job* jobs) {
  alignas(sizeof(typename V::Word)) std::uint32_t blocks[V::lanes];
  std::uint32_t blocks_max = 0;
  for (std::size_t i = 0; i < V::lanes; ++i) {
    blocks[i] = static_cast<std::uint32_t>(blocks_of(jobs[i].message_bytes));
    if (blocks[i] > blocks_max) blocks_max = blocks[i];
  }
  State<V, 1> chaining;
  Schedule<V, 1> schedule;
  V::load_midstates(jobs, 0, chaining.of[0]);
  for (std::uint32_t block = 0; block < blocks_max; ++block) {
    V::load_blocks(jobs, block, schedule.of[0]);
    State<V, 1> next = chaining;
    compress_in_memory(next, schedule);
    for (std::size_t i = 0; i < 8; ++i) {
      chaining.of[0][i] = V::where_more(blocks, block, next.of[0][i], chaining.of[0][i]);
    }
  }
  hash_digests(jobs, chaining, schedule);
}

// Jobs that do not fill the lanes: the rest of the lanes repeats the last one, whose digest is then written
// more than once.
template <std::size_t room>
[[gnu::noinline]] void hash_rest(const Job* jobs, std::size_t count, void (*hash)(const Job*)) {
  Job full[room];
  for (std::size_t i = 0; i < room; ++i) full[i] = jobs[i < count ? i : count - 1];
  hash(full);
}

}  // namespace
}  // namespace shearline::engine::lanes::detail
