// HMACs on processors with instructions for SHA-256 itself: what the SHA-NI and the ARMv8 kernels share. Those
// instructions work on one message and are slow to answer, so several messages are in flight, one `stream`
// each. Everything stands in an unnamed namespace, because each kernel's file is compiled for its own
// instruction set and no copy of a function may serve another file. For those two files only.
//
// `U` names the instruction set: U::Vector holds four words and U::State the eight of a chaining value as the
// instructions want them; load_state, load_block, digest_words and store_digest move them, four_rounds and
// next_words are the instructions.
#pragma once

#include "engine/lanes_kernels.hpp"

namespace shearline::engine::lanes::detail {
namespace {

constexpr std::size_t vectors_per_block = 4;

template <class U, std::size_t streams>
struct Streams {
  typename U::State state[streams];
  typename U::Vector words[streams][vectors_per_block];  // in the end the newest sixteen of the schedule
};

template <class U, std::size_t streams>
[[gnu::always_inline]] inline void compress(Streams<U, streams>& in) {
  typename U::State before[streams];
#pragma GCC unroll 4
  for (std::size_t s = 0; s < streams; ++s) before[s] = in.state[s];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < 16; ++i) {  // four rounds each
#pragma GCC unroll 4
    for (std::size_t s = 0; s < streams; ++s) {
      auto& w = in.words[s];
      U::four_rounds(in.state[s], U::add(w[i & 3], U::load_words(round_constants + 4 * i)));
      if (i < 12) w[i & 3] = U::next_words(w[i & 3], w[(i + 1) & 3], w[(i + 2) & 3], w[(i + 3) & 3]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t s = 0; s < streams; ++s) U::add_to(in.state[s], before[s]);
}

// The words themselves, without a member function of the array, which all files would share.
[[gnu::always_inline]] inline const std::uint32_t* words_of(const ChainingValue& value) {
  return reinterpret_cast<const std::uint32_t*>(&value);
}

// From the inner hash to what the outer one begins with.
template <class U>
[[gnu::always_inline]] inline void begin_outer(const Job& job, typename U::State& state,
                                               typename U::Vector* words) {
  U::digest_words(state, words);
  words[2] = U::load_words(digest_padding);
  words[3] = U::load_words(digest_padding + 4);
  U::load_state(state, words_of(job.key->outer));
}

// Messages of at most 55 bytes, one for each stream.
template <class U, std::size_t streams>
[[gnu::noinline]] void hash_one_block(const Job* jobs) {
  Streams<U, streams> all;
#pragma GCC unroll 4
  for (std::size_t s = 0; s < streams; ++s) {
    U::load_state(all.state[s], words_of(jobs[s].key->inner));
    U::load_block(jobs[s], 0, all.words[s]);
  }
  compress(all);
#pragma GCC unroll 4
  for (std::size_t s = 0; s < streams; ++s) begin_outer<U>(jobs[s], all.state[s], all.words[s]);
  compress(all);
#pragma GCC unroll 4
  for (std::size_t s = 0; s < streams; ++s) U::store_digest(all.state[s], jobs[s].digest);
}

// Where a stream stands in its message; without a job it goes along and computes nothing that anybody reads.
struct Cursor {
  const Job* job;
  std::size_t block;
  std::size_t blocks;  // of the inner hash; then comes the outer one's
};

// Gives the stream its next block, of its next job where it has done with one.
template <class U>
[[gnu::always_inline]] inline void next_block(Cursor& at, const Job*& jobs, const Job* end,
                                              typename U::State& state, typename U::Vector* words) {
  if (at.job != nullptr && at.block == at.blocks) return begin_outer<U>(*at.job, state, words);
  if (at.job == nullptr) {
    if (jobs == end) return;
    at = {jobs, 0, blocks_of(jobs->message_bytes)};
    ++jobs;
    U::load_state(state, words_of(at.job->key->inner));
  }
  U::load_block(*at.job, at.block, words);
}

// Messages of any length: each stream takes the next job as soon as it has done with one.
template <class U, std::size_t streams>
[[gnu::noinline]] void hash_any_length(const Job* jobs, std::size_t count) {
  const Job* const end = jobs + count;
  Streams<U, streams> all{};
  Cursor cursors[streams] = {};
  for (std::size_t done = 0; done < count;) {
    for (std::size_t s = 0; s < streams; ++s)
      next_block<U>(cursors[s], jobs, end, all.state[s], all.words[s]);
    compress(all);
    for (std::size_t s = 0; s < streams; ++s) {
      Cursor& at = cursors[s];
      if (at.job == nullptr || at.block++ < at.blocks) continue;
      U::store_digest(all.state[s], at.job->digest);
      at.job = nullptr;
      ++done;
    }
  }
}

template <class U>
[[gnu::noinline]] void compress_block(std::uint32_t* words, const Byte* block) {
  Streams<U, 1> one;
  U::load_state(one.state[0], words);
  U::load_block({nullptr, block, block_bytes, nullptr}, 0, one.words[0]);
  compress(one);
  typename U::Vector state[2];
  U::digest_words(one.state[0], state);
  __builtin_memcpy(words, state, sizeof state);
}

}  // namespace
}  // namespace shearline::engine::lanes::detail
