// SHA-256's rounds over vectors whose every element belongs to another message: what the AVX2 and the AVX-512
// kernels share. Everything stands in an unnamed namespace, because each kernel's file is compiled for its
// own instruction set and no copy of a function may serve another file. For those two files only.
//
// `V` names the instruction set: V::Word is the vector, V::lanes its elements, and add, rotate_right,
// shift_right, xor3, choose, majority and all() are its operations. Several groups of lanes go through the
// rounds side by side: one group alone waits for its own results (each round needs e of the round before),
// two fill each other's gaps. Additions stand in the order in which their operands arrive, and the files are
// compiled so that it stays (-fno-tree-reassoc).
#pragma once

#include "engine/lanes_kernels.hpp"

namespace shearline::engine::lanes::detail {
namespace {

// A value that the optimizer knows nothing of.
template <class T>
[[gnu::always_inline]] inline T unforeseen(T value) {
  asm("" : "+r"(value));
  return value;
}

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

template <class V, std::size_t groups>
[[gnu::always_inline]] inline void later_rounds(State<V, groups>& state, Schedule<V, groups>& schedule) {
  const std::uint32_t* constants = round_constants + 16;
  do {
#pragma GCC unroll 16
    for (std::size_t t = 0; t < 16; ++t) {
      // Words of the schedule are read from memory where they are needed: kept in registers, which are too few,
      // they would be spilled and take twice the room.
      asm("" : "+m"(schedule.of));
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

// Takes the blocks in the schedule into the chaining values.
template <class V, std::size_t groups>
[[gnu::noinline]] void compress(State<V, groups>& chaining, Schedule<V, groups>& schedule) {
  State<V, groups> state = chaining;
  first_rounds(state, schedule);
  later_rounds(state, schedule);
#pragma GCC unroll 2
  for (std::size_t g = 0; g < groups; ++g) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) chaining.of[g][i] = V::add(chaining.of[g][i], state.of[g][i]);
  }
}

// From the inner hashes in `chaining` to the outer ones.
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
  compress(chaining, schedule);
#pragma GCC unroll 2
  for (std::size_t g = 0; g < groups; ++g) V::store_digests(jobs + g * V::lanes, chaining.of[g]);
}

// Messages of at most 55 bytes, `groups` times `lanes` of them: two compressions and nothing else.
template <class V, std::size_t groups>
[[gnu::always_inline]] inline void hash_one_block(const Job* jobs) {
  State<V, groups> chaining;
  Schedule<V, groups> schedule;
#pragma GCC unroll 2
  for (std::size_t g = 0; g < groups; ++g) {
    V::load_padded_messages(jobs + g * V::lanes, schedule.of[g]);
    V::load_midstates(jobs + g * V::lanes, 0, chaining.of[g]);
  }
  compress(chaining, schedule);
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
    compress(next, schedule);
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

// Overwrites the stack where the functions of one call kept words of messages and digests. Called from where
// they were called, so that its frame lies where theirs did. (Store by store: a REP STOS would take longer to
// begin than this takes to end.)
template <class V, std::size_t bytes>
[[gnu::noinline]] void wipe_stack() {
  typename V::Word area[bytes / sizeof(typename V::Word)];
#pragma GCC unroll 8
  for (auto& word : area) {
    word = V::all(0);
    asm volatile("" : "+m"(word));
  }
}

}  // namespace
}  // namespace shearline::engine::lanes::detail
