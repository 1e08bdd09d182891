// What base promises to more than one thread at a time: the clock and the arena.
#include "base/clock.hpp"
#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace shearline {
namespace {

template <class Body>
void on_four_threads(Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(Clock, NeverGoesBackwardsOnAnyThread) {
  std::atomic<int> backward_steps{0};
  on_four_threads([&](int) {
    SystemClock clock;
    TimeMs before = clock.now_ms();
    for (int i = 0; i < 10'000; ++i) {
      const TimeMs now = clock.now_ms();
      if (now < before) ++backward_steps;
      before = now;
    }
  });
  EXPECT_EQ(backward_steps, 0);
}

TEST(Arena, GivesEachThreadBytesOfItsOwn) {
  const std::size_t before = arena_state().used_bytes;
  std::atomic<int> mixed_up{0};
  on_four_threads([&](int thread) {
    const auto mark = static_cast<Byte>(thread + 1);
    for (int round = 0; round < 500; ++round) {
      std::vector<Secret> secrets;
      for (std::size_t size = 1; size < 200; size += 40) {
        secrets.push_back(Secret::of_size(size));
        for (Byte& byte : secrets.back().writable()) {
          if (byte != 0) ++mixed_up;
          byte = mark;
        }
      }
      for (const Secret& secret : secrets) {
        for (const Byte byte : secret.reveal()) {
          if (byte != mark) ++mixed_up;
        }
      }
    }
  });
  EXPECT_EQ(mixed_up, 0);
  EXPECT_EQ(arena_state().used_bytes, before);
}

}  // namespace
}  // namespace shearline
