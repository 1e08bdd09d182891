#include "base/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace shearline {

std::uint64_t Random::next_u64() {
  Byte bytes[8];
  fill(bytes);
  return load_be64(bytes);
}

void SystemRandom::fill(ByteSpan out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = getrandom(out.data() + done, out.size() - done, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::fputs("shearline: the operating system delivers no random bytes\n", stderr);
      std::abort();
    }
    done += static_cast<std::size_t>(got);
  }
}

void SeededRandom::fill(ByteSpan out) {
  for (std::size_t i = 0; i < out.size();) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    for (int b = 0; b < 8 && i < out.size(); ++b, ++i, z >>= 8) out[i] = static_cast<Byte>(z);
  }
}

}  // namespace shearline
