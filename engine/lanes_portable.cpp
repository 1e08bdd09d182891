// SHA-256 as FIPS 180-4 section 6.2.2 writes it, one message after another: the fallback for every processor,
// and the plain text against which the faster kernels are compared.
#include "base/secret.hpp"
#include "engine/lanes_kernels.hpp"

#include <algorithm>
#include <bit>

namespace shearline::engine::lanes::detail {
namespace {

std::uint32_t load_be32(const Byte* in) {
  return static_cast<std::uint32_t>(in[0]) << 24 | static_cast<std::uint32_t>(in[1]) << 16 |
         static_cast<std::uint32_t>(in[2]) << 8 | in[3];
}

void store_be32(std::uint32_t value, Byte* out) {
  for (int i = 3; i >= 0; --i, value >>= 8) out[i] = static_cast<Byte>(value);
}

// Everything that a message passes through, so that one wipe ends it.
struct Scratch {
  Scratch() = default;
  ~Scratch() { wipe({reinterpret_cast<Byte*>(this), sizeof *this}); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  ChainingValue state;
  std::array<std::uint32_t, 64> schedule;
  std::array<Byte, block_bytes> block;
};

void expand(const Byte* block, std::array<std::uint32_t, 64>& w) {
  for (std::size_t t = 0; t < 16; ++t) w[t] = load_be32(block + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t sigma0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t sigma1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
  }
}

void compress(Scratch& scratch, const Byte* block) {
  const auto& w = scratch.schedule;
  expand(block, scratch.schedule);
  auto [a, b, c, d, e, f, g, h] = scratch.state;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t choice = (e & f) ^ (~e & g);
    const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + sum1 + choice + round_constants[t] + w[t];
    const std::uint32_t t2 = sum0 + majority;
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const ChainingValue add = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < add.size(); ++i) scratch.state[i] += add[i];
}

// A block that the message does not fill: what is left of it, its end mark, and the length where it is the last.
void compress_padded(Scratch& scratch, const Job& job, std::size_t block) {
  const std::size_t begin = block * block_bytes;
  scratch.block.fill(0);
  if (job.message_bytes >= begin) {
    const std::size_t left = job.message_bytes - begin;
    if (left > 0) std::memcpy(scratch.block.data(), job.message + begin, left);
    scratch.block[left] = 0x80;
  }
  if (block + 1 == blocks_of(job.message_bytes)) {
    store_be64((block_bytes + std::uint64_t{job.message_bytes}) * 8, scratch.block.data() + block_bytes - 8);
  }
  compress(scratch, scratch.block.data());
}

void store_words(std::span<const std::uint32_t> words, Byte* out) {
  for (std::size_t i = 0; i < words.size(); ++i) store_be32(words[i], out + 4 * i);
}

void hash_one(Scratch& scratch, const Job& job) {
  scratch.state = job.key->inner;
  const std::size_t whole_blocks = job.message_bytes / block_bytes;
  for (std::size_t i = 0; i < whole_blocks; ++i) compress(scratch, job.message + i * block_bytes);
  for (std::size_t i = whole_blocks; i < blocks_of(job.message_bytes); ++i) compress_padded(scratch, job, i);
  store_words(scratch.state, scratch.block.data());
  store_words(digest_padding, scratch.block.data() + digest_bytes);
  scratch.state = job.key->outer;
  compress(scratch, scratch.block.data());
  store_words(scratch.state, job.digest);
}

void hash_all(const Job* jobs, std::size_t count) {
  Scratch scratch;
  for (std::size_t i = 0; i < count; ++i) hash_one(scratch, jobs[i]);
}

}  // namespace

const Functions portable{hash_all, hash_all, compress_portable};

void compress_portable(std::uint32_t* words, const Byte* block) {
  Scratch scratch;
  std::copy_n(words, scratch.state.size(), scratch.state.begin());
  compress(scratch, block);
  std::copy_n(scratch.state.begin(), scratch.state.size(), words);
}

}  // namespace shearline::engine::lanes::detail
