// What other threads may do to a loop: notify it and send it messages. No fibers here, so that
// ThreadSanitizer's word counts.
#include "loop_fixture.hpp"

#include <signal.h>

#include <atomic>
#include <latch>
#include <thread>

namespace shearline::loop::test {
namespace {

// Plain memory handed over by notify() alone.
struct HandOver : NotifyHook {
  HandOver() {
    run = [](NotifyHook* self) {
      auto& hand_over = *static_cast<HandOver*>(self);
      hand_over.calls++;
      hand_over.seen = hand_over.published.load(std::memory_order_relaxed);
    };
  }
  std::atomic<std::int64_t> published{0};
  std::int64_t seen = 0;
  std::int64_t calls = 0;
};

class LoopThreads : public OnEachBackend {};
SHEARLINE_ON_EACH_BACKEND(LoopThreads);

TEST_P(LoopThreads, NoNoticeIsLostHoweverTheyAreTimed) {
  const auto loop = new_loop();
  HandOver hand_over;
  loop->add_notify_hook(hand_over);
  constexpr std::int64_t rounds = 20'000;
  std::atomic<std::int64_t> answered{0};
  std::thread notifier([&] {
    for (std::int64_t i = 1; i <= rounds; ++i) {
      hand_over.published.store(i, std::memory_order_relaxed);
      loop->notify();
      // Half the time the owner falls asleep in between, half the time it is met awake.
      if (i % 2 == 0)
        while (answered.load(std::memory_order_acquire) < i) std::this_thread::yield();
    }
  });
  while (hand_over.seen < rounds) {  // hangs if one wake is lost
    loop->turn(-1);
    answered.store(hand_over.seen, std::memory_order_release);
  }
  notifier.join();
  EXPECT_LE(hand_over.calls, rounds);
  EXPECT_GE(hand_over.calls, rounds / 2);
}

TEST_P(LoopThreads, ManyThreadsMayNotifyAtOnce) {
  const auto loop = new_loop();
  HandOver hand_over;
  loop->add_notify_hook(hand_over);
  constexpr int threads = 4;
  constexpr std::int64_t each = 5'000;
  std::vector<std::thread> notifiers;
  for (int t = 0; t < threads; ++t)
    notifiers.emplace_back([&] {
      for (std::int64_t i = 0; i < each; ++i) {
        hand_over.published.fetch_add(1, std::memory_order_relaxed);
        loop->notify();
      }
    });
  while (hand_over.seen < threads * each) loop->turn(-1);
  for (auto& notifier : notifiers) notifier.join();
  EXPECT_EQ(hand_over.seen, threads * each);
}

TEST_P(LoopThreads, ASignalEndsAWaitAndHarmsNothing) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, &before);
  const auto loop = new_loop();
  const SocketPair pair;
  Recorder received;
  Bytes into(1);
  loop->receive(pair.ours(), into, received);
  std::atomic<bool> returned{false};
  std::thread signaler([&, owner = pthread_self()] {
    while (!returned) {  // until one of them met the wait
      pthread_kill(owner, SIGUSR1);
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(loop->turn(-1), 0U);
  returned = true;
  signaler.join();
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_TRUE(received.seen.empty());
  ASSERT_EQ(::send(pair.theirs(), "x", 1, 0), 1);
  turn_until_finished(*loop, received);
  EXPECT_EQ(received.result(), 1);
}

TEST_P(LoopThreads, MessagesArriveWholeAndInOrder) {
  const auto receiver = new_loop();
  constexpr std::uint64_t count = 2'000;
  const auto value = [](std::uint64_t i) { return i * 0x9E37'79B9'7F4A'7C15U; };  // uses all 64 bits
  std::uint64_t received = 0;
  receiver->on_message([&](std::uint64_t got) { EXPECT_EQ(got, value(received++)); });
  std::thread sender([&] {
    const auto loop = new_loop({.entries = 16});
    for (std::uint64_t i = 0; i < count; ++i) loop->send_message(*receiver, value(i));
    // The destructor delivers what is still under way.
  });
  while (received < count) receiver->turn(-1);
  sender.join();
  EXPECT_EQ(received, count);
}

TEST_P(LoopThreads, DescriptorsAreDealtRoundTwoLoops) {
  std::latch ready(3);
  std::array<Loop*, 2> workers{};
  std::array<int, 2> dealt{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      const auto loop = new_loop();
      loop->on_message([&, i](std::uint64_t descriptor) {
        ++dealt[i];
        ::close(static_cast<int>(descriptor));
      });
      workers[i] = loop.get();
      ready.arrive_and_wait();
      while (dealt[i] < 50) loop->turn(-1);
    });
  const auto loop = new_loop();
  ready.arrive_and_wait();
  for (std::size_t i = 0; i < 100; ++i)
    loop->send_message(*workers[i % 2], static_cast<std::uint64_t>(dup(0)));
  loop->turn(0);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(dealt, (std::array{50, 50}));
}

}  // namespace
}  // namespace shearline::loop::test
