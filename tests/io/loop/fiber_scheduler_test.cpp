// Fibers on a real loop of each backend.
#include "loop_fixture.hpp"

#include <boost/fiber/operations.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace shearline::loop::test {
namespace {

class Fibers : public FiberTest {};
SHEARLINE_ON_EACH_BACKEND(Fibers);

TEST_P(Fibers, ParkOnAnOperationAndGetItsResult) {
  const SocketPair pair;
  Bytes into(8);
  int received = 0;
  auto reader = spawn("reader", [&] {
    received = await(*loop_, [&](Operation& operation) { loop_->receive(pair.ours(), into, operation); });
  });
  const int sent =
      await(*loop_, [&](Operation& operation) { loop_->send(pair.theirs(), as_bytes("abc"), operation); });
  reader.join();
  EXPECT_EQ(sent, 3);
  EXPECT_EQ(received, 3);
}

TEST_P(Fibers, AwaitEndsWithTimeWhenTheDeadlinePassesAndTheMemoryIsFreeThen) {
  const SocketPair pair;
  Bytes into(8);
  const auto receive = [&](Operation& operation) { loop_->receive(pair.ours(), into, operation); };
  const std::int64_t start = loop_->monotonic_ms();
  EXPECT_EQ(await(*loop_, receive, start + 10), -ETIME);
  EXPECT_GE(loop_->monotonic_ms(), start + 10);
  // The canceled receive takes nothing of what comes later.
  ASSERT_EQ(::send(pair.theirs(), "late", 4, 0), 4);
  EXPECT_EQ(into, Bytes(8));
  EXPECT_EQ(await(*loop_, receive), 4);
}

TEST_P(Fibers, AwaitWithADeadlineInThePastStillReturnsWhatWasThere) {
  const SocketPair pair;
  ASSERT_EQ(::send(pair.theirs(), "here", 4, 0), 4);
  Bytes into(8);
  EXPECT_EQ(await(*loop_, [&](Operation& operation) { loop_->receive(pair.ours(), into, operation); }, 0), 4);
}

TEST_P(Fibers, ThatOnlyYieldDoNotStarveTheRing) {
  const SocketPair pair;
  Bytes into(8);
  bool arrived = false;
  auto reader = spawn("reader", [&] {
    await(*loop_, [&](Operation& operation) { loop_->receive(pair.ours(), into, operation); });
    arrived = true;
  });
  ASSERT_EQ(::send(pair.theirs(), "x", 1, 0), 1);
  auto busy = spawn("busy", [&] {
    while (!arrived) boost::this_fiber::yield();  // never ends if the ring is not looked at
  });
  busy.join();
  reader.join();
}

TEST_P(Fibers, ThatComputeLongBetweenYieldsLetOthersHearOfTheRing) {
  const SocketPair pair;
  Bytes into(8);
  bool arrived = false;
  auto reader = spawn("reader", [&] {
    await(*loop_, [&](Operation& operation) { loop_->receive(pair.ours(), into, operation); });
    arrived = true;
  });
  ASSERT_EQ(::send(pair.theirs(), "x", 1, 0), 1);
  int yields = 0;
  auto busy = spawn("busy", [&] {
    for (; !arrived; ++yields) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
      while (std::chrono::steady_clock::now() < until) {
      }
      boost::this_fiber::yield();
    }
  });
  busy.join();
  reader.join();
  EXPECT_LT(yields, 10);
}

TEST_P(Fibers, AnEventWakesAllThatWait) {
  Event event(*loop_);
  int woken = 0;
  std::vector<boost::fibers::fiber> waiters;
  for (int i = 0; i < 3; ++i)
    waiters.push_back(spawn("waiter", [&] {
      EXPECT_TRUE(event.wait());
      ++woken;
    }));
  auto setter = spawn("setter", [&] {
    EXPECT_EQ(woken, 0);
    event.set();
  });
  setter.join();
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(woken, 3);
  EXPECT_TRUE(event.wait()) << "it stays set";
}

TEST_P(Fibers, AnEventThatIsResetAtOnceHasStillWokenItsWaiters) {
  Event event(*loop_);
  bool woken = false;
  auto waiter = spawn("waiter", [&] { woken = event.wait(loop_->monotonic_ms() + 60'000); });
  boost::this_fiber::yield();
  event.set();
  event.reset();
  waiter.join();
  EXPECT_TRUE(woken);
  EXPECT_FALSE(event.is_set());
}

TEST_P(Fibers, AnEventGivesUpAtTheDeadlineAndForgetsTheWaiter) {
  Event event(*loop_);
  EXPECT_FALSE(event.wait(loop_->monotonic_ms() + 5));
  event.set();  // must not touch the waiter that left
  EXPECT_TRUE(event.wait(0));
}

TEST_P(Fibers, SleepForTheirOwnTimeOnly) {
  std::vector<int> order;
  auto slow = spawn("slow", [&] {
    sleep_for_ms(*loop_, 20);
    order.push_back(2);
  });
  auto fast = spawn("fast", [&] {
    sleep_for_ms(*loop_, 1);
    order.push_back(1);
  });
  slow.join();
  fast.join();
  EXPECT_EQ(order, (std::vector{1, 2}));
}

TEST_P(Fibers, BlockingWorkRunsElsewhereWhileOthersGoOn) {
  std::atomic<bool> others_went_on{false};
  std::thread::id worked_on;
  auto worker = spawn("worker", [&] {
    run_blocking(*loop_, [&] {
      while (!others_went_on) std::this_thread::yield();  // would never end on the loop's own thread
      worked_on = std::this_thread::get_id();
    });
  });
  auto other = spawn("other", [&] { others_went_on = true; });
  worker.join();
  other.join();
  EXPECT_NE(worked_on, std::this_thread::get_id());
}

TEST_P(Fibers, BlockingWorkMayThrowToItsCaller) {
  EXPECT_THROW(run_blocking(*loop_, [] { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST_P(Fibers, ManyBlockingWorksFinishEachForItsOwnFiber) {
  std::vector<boost::fibers::fiber> workers;
  std::array<int, 20> results{};
  for (int i = 0; i < 20; ++i)
    workers.push_back(spawn("worker", [&, i] {
      int result = 0;
      run_blocking(*loop_, [&] { result = i * i; });
      results[static_cast<std::size_t>(i)] = result;
    }));
  for (auto& worker : workers) worker.join();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i * i);
}

TEST_P(Fibers, SurviveThousandsOfWaitsWithExceptionsBetween) {
  const SocketPair pair;
  int caught = 0;
  auto ponger = spawn("ponger", [&] {
    Bytes into(1);
    for (int i = 0; i < 2000; ++i) {
      await(*loop_, [&](Operation& operation) { loop_->receive(pair.theirs(), into, operation); });
      await(*loop_, [&](Operation& operation) { loop_->send(pair.theirs(), into, operation); });
    }
  });
  auto pinger = spawn("pinger", [&] {
    Bytes into(1);
    for (int i = 0; i < 2000; ++i) {
      await(*loop_, [&](Operation& operation) { loop_->send(pair.ours(), as_bytes("p"), operation); });
      await(*loop_, [&](Operation& operation) { loop_->receive(pair.ours(), into, operation); });
      try {
        if (i % 3 == 0) throw std::runtime_error("thrown on a fiber");
      } catch (const std::runtime_error&) {
        ++caught;
      }
    }
  });
  pinger.join();
  ponger.join();
  EXPECT_EQ(caught, 667);
}

class Schedulers : public OnEachBackend {};
SHEARLINE_ON_EACH_BACKEND(Schedulers);

TEST_P(Schedulers, LeaveTheThreadUsableWithoutTheLoop) {
  std::thread([] {
    {
      const auto loop = new_loop();
      FiberScheduler scheduler(*loop);
      spawn("first", [&] { sleep_for_ms(*loop, 1); }).join();
    }
    int ran = 0;
    spawn("second", [&] { ++ran; }).join();  // on Boost's own scheduling now
    EXPECT_EQ(ran, 1);
  }).join();  // the thread's own ending must not touch the loop
}

TEST_P(Schedulers, CanBeInstalledAgainOnTheSameThread) {
  for (int i = 0; i < 3; ++i) {
    const auto loop = new_loop();
    FiberScheduler scheduler(*loop);
    spawn("sleeper", [&] { sleep_for_ms(*loop, 1); }).join();
  }
}

class LoopDeathTest : public OnEachBackend {};
SHEARLINE_ON_EACH_BACKEND(LoopDeathTest);

TEST_P(LoopDeathTest, AnExceptionThatEscapesNamesTheFiber) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const auto loop = new_loop();
        FiberScheduler scheduler(*loop);
        spawn("the culprit", [] { throw std::runtime_error("a reason"); }).join();
      },
      "the culprit.*a reason");
}

TEST_P(LoopDeathTest, DestroyingALoopInUseSaysSo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const SocketPair pair;
        Recorder received;
        Bytes into(1);
        const auto loop = new_loop();
        loop->receive(pair.ours(), into, received);
      },
      "loop_destroyed_with_operations_in_flight");
}

}  // namespace
}  // namespace shearline::loop::test
