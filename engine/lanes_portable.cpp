// SHA-256 compression as FIPS 180-4 section 6.2.2 writes it: the fallback for every processor, and the plain
// text against which the faster kernels are compared.
#include "base/secret.hpp"
#include "engine/lanes_kernels.hpp"

#include <bit>

namespace shearline::engine::lanes::detail {
namespace {

std::uint32_t load_be32(const Byte* in) {
  return static_cast<std::uint32_t>(in[0]) << 24 | static_cast<std::uint32_t>(in[1]) << 16 |
         static_cast<std::uint32_t>(in[2]) << 8 | in[3];
}

using Schedule = std::array<std::uint32_t, 64>;

void expand(const Byte* block, Schedule& w) {
  for (std::size_t t = 0; t < 16; ++t) w[t] = load_be32(block + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t sigma0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t sigma1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
  }
}

void rounds(ChainingValue& state, const Schedule& w) {
  auto [a, b, c, d, e, f, g, h] = state;
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
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += add[i];
}

}  // namespace

void compress_portable(ChainingValue& state, const Byte* blocks, std::size_t count) {
  Schedule w;
  for (; count > 0; --count, blocks += block_bytes) {
    expand(blocks, w);
    rounds(state, w);
  }
  // The schedule's first sixteen words are the message, which is usually a secret.
  wipe({reinterpret_cast<Byte*>(w.data()), sizeof w});
}

}  // namespace shearline::engine::lanes::detail
