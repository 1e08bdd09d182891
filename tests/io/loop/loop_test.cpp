// The loop on real sockets and files, without fibers: the same promises on both backends.
#include "loop_fixture.hpp"

#include <fcntl.h>

#include <algorithm>
#include <deque>

namespace shearline::loop::test {
namespace {

class LoopOnSockets : public OnEachBackend {};
SHEARLINE_ON_EACH_BACKEND(LoopOnSockets);

TEST_P(LoopOnSockets, ReceivesWhatWasSent) {
  const auto loop = new_loop();
  const SocketPair pair;
  Recorder sent;
  Recorder received;
  Bytes into(16);
  loop->receive(pair.ours(), into, received);
  loop->send(pair.theirs(), as_bytes("hello"), sent);
  turn_until_finished(*loop, sent);
  turn_until_finished(*loop, received);
  EXPECT_EQ(sent.result(), 5);
  EXPECT_EQ(received.result(), 5);
  EXPECT_EQ(as_text(ByteView(into).first(5)), "hello");
}

TEST_P(LoopOnSockets, SendingToAClosedPeerIsAResultAndNotASignal) {
  const auto loop = new_loop();
  SocketPair pair;
  ::close(pair.take_theirs());
  Recorder sent;
  loop->send(pair.ours(), as_bytes("hello"), sent);
  turn_until_finished(*loop, sent);
  EXPECT_EQ(sent.result(), -EPIPE);
}

TEST_P(LoopOnSockets, CanceledOperationsEndWithTheirOwnCompletion) {
  const auto loop = new_loop();
  const SocketPair pair;
  Recorder received;
  Bytes into(16);
  loop->receive(pair.ours(), into, received);
  loop->cancel(received);
  turn_until_finished(*loop, received);
  EXPECT_EQ(received.result(), -ECANCELED);
  EXPECT_EQ(received.seen.size(), 1U);
}

TEST_P(LoopOnSockets, CancelingWhatIsOverChangesNothing) {
  const auto loop = new_loop();
  const SocketPair pair;
  Recorder sent;
  loop->send(pair.ours(), as_bytes("x"), sent);
  turn_until_finished(*loop, sent);
  loop->cancel(sent);
  loop->turn(0);
  loop->turn(0);
  EXPECT_EQ(sent.seen.size(), 1U);
}

TEST_P(LoopOnSockets, SubmitsMoreThanItsQueueHolds) {
  const auto loop = new_loop({.entries = 4});
  const SocketPair pair;
  std::deque<Recorder> sent(100);
  for (Recorder& one : sent) loop->send(pair.theirs(), as_bytes("x"), one);
  for (Recorder& one : sent) turn_until_finished(*loop, one);
  EXPECT_TRUE(std::ranges::all_of(sent, [](const Recorder& one) { return one.result() == 1; }));
}

TEST_P(LoopOnSockets, WritesAndSyncsFiles) {
  const auto loop = new_loop();
  const TemporaryFolder folder;
  const int file = ::open(folder.file("log").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  Recorder first;
  Recorder second;
  loop->write_file(file, as_bytes("audit"), 0, first);
  loop->write_file(file, as_bytes(" trail"), 5, second);
  turn_until_finished(*loop, first);
  turn_until_finished(*loop, second);
  Recorder synced;
  loop->sync_file(file, synced);
  turn_until_finished(*loop, synced);
  EXPECT_EQ(synced.result(), 0);
  char text[16] = {};
  EXPECT_EQ(pread(file, text, sizeof text, 0), 11);
  EXPECT_STREQ(text, "audit trail");
  Recorder closed;
  loop->close(file, closed);
  turn_until_finished(*loop, closed);
  EXPECT_EQ(fcntl(file, F_GETFD), -1);
}

TEST_P(LoopOnSockets, ShutdownEndsTheOtherSidesReceive) {
  const auto loop = new_loop();
  const SocketPair pair;
  Recorder received;
  Bytes into(1);
  loop->receive(pair.theirs(), into, received);
  Recorder shut;
  loop->shutdown(pair.ours(), SHUT_WR, shut);
  turn_until_finished(*loop, received);
  turn_until_finished(*loop, shut);
  EXPECT_EQ(received.result(), 0);
}

TEST_P(LoopOnSockets, AcceptsManyConnectionsWithOneOperation) {
  const auto loop = new_loop();
  const int listener = listen_on(parse_address("127.0.0.1:0").value(), 16).value();
  const Address address = local_address(listener).value();
  Recorder accepted;
  loop->accept_multishot(listener, accepted);
  {
    FiberScheduler scheduler(*loop);
    std::vector<Stream> clients;
    clients.reserve(5);
    for (int i = 0; i < 5; ++i) clients.push_back(Stream::connect(*loop, address, -1).value());
  }
  while (accepted.seen.size() < 5) loop->turn(-1);
  for (const Recorder::Seen& one : accepted.seen) {
    EXPECT_NE(one.flags & completion_more, 0U);
    EXPECT_GE(one.result, 0);
    ::close(one.result);
  }
  loop->cancel(accepted);
  turn_until_finished(*loop, accepted);
  ::close(listener);
}

TEST_P(LoopOnSockets, NotifyBeforeAWaitEndsIt) {
  const auto loop = new_loop();
  loop->notify();
  EXPECT_EQ(loop->turn(-1), 0U);  // would hang otherwise
}

TEST_P(LoopOnSockets, ManyNoticesBetweenTwoTurnsAreOneCallOfTheHook) {
  const auto loop = new_loop();
  struct Counter : NotifyHook {
    int calls = 0;
  } counter;
  counter.run = [](NotifyHook* self) { ++static_cast<Counter*>(self)->calls; };
  loop->add_notify_hook(counter);
  loop->notify();
  loop->notify();
  loop->turn(-1);
  EXPECT_EQ(counter.calls, 1);
  loop->turn(0);
  EXPECT_EQ(counter.calls, 1);
}

// A wait may be ended by a signal, or by a host that stops and continues this machine; a loop that spins makes
// thousands of turns in a few milliseconds.
constexpr int turns_of_a_sleeper = 50;

struct Alarm : Timer {
  Alarm(std::vector<int>& rung, int number) : rung_(rung), number_(number) {
    expire = [](Timer* self) {
      auto& alarm = *static_cast<Alarm*>(self);
      alarm.rung_.push_back(alarm.number_);
    };
  }
  std::vector<int>& rung_;
  int number_;
};

TEST_P(LoopOnSockets, TimersEndTheWaitInTheirOrderAndNeverEarly) {
  const auto loop = new_loop();
  std::vector<int> rung;
  Alarm late(rung, 2);
  Alarm soon(rung, 1);
  Alarm stopped(rung, 3);
  const std::int64_t start = loop->monotonic_ms();
  loop->start_timer(late, start + 20);
  loop->start_timer(stopped, start + 5);
  loop->start_timer(soon, start + 10);
  loop->stop_timer(stopped);
  while (rung.empty()) loop->turn(-1);
  EXPECT_GE(loop->monotonic_ms(), start + 10);
  while (rung.size() < 2) loop->turn(-1);
  EXPECT_GE(loop->monotonic_ms(), start + 20);
  EXPECT_EQ(rung, (std::vector{1, 2}));
}

TEST_P(LoopOnSockets, ATimerThatIsDestroyedNeverRings) {
  const auto loop = new_loop();
  std::vector<int> rung;
  {
    Alarm gone(rung, 1), *timer = &gone;
    loop->start_timer(*timer, 0);
  }
  loop->turn(0);
  EXPECT_TRUE(rung.empty());
}

TEST_P(LoopOnSockets, WaitsNoLongerThanItWasTold) {
  const auto loop = new_loop();
  const std::int64_t start = loop->monotonic_ms();
  int turns = 0;
  for (; loop->monotonic_ms() < start + 5; ++turns) EXPECT_EQ(loop->turn(5), 0U);
  EXPECT_LT(turns, turns_of_a_sleeper) << "it spins";
}

TEST_P(LoopOnSockets, RefusesReceiveBuffersTheKernelCannotCount) {
  EXPECT_EQ(make_loop({.backend = GetParam(), .receive_buffers = 3}).error().code, Code::invalid);
  EXPECT_EQ(make_loop({.backend = GetParam(), .receive_buffers = 1 << 16}).error().code, Code::invalid);
}

TEST_P(LoopOnSockets, ReceivesOnANumberThatWasClosedAndUsedAgain) {
  const auto loop = new_loop();
  int number = -1;
  for (int life = 0; life < 3; ++life) {
    SocketPair pair;
    if (life == 0) number = pair.ours();
    ASSERT_EQ(pair.ours(), number) << "the test did not reach what it is about";
    Recorder received;
    Bytes into(1);
    loop->receive(pair.ours(), into, received);
    loop->turn(0);
    ASSERT_EQ(::send(pair.theirs(), "x", 1, 0), 1);
    turn_until_finished(*loop, received);
    EXPECT_EQ(received.result(), 1);
  }
}

TEST_P(LoopOnSockets, ADescriptorThatNobodyWaitsForIsSilentEvenHungUp) {
  const auto loop = new_loop({.receive_buffers = 2});
  SocketPair canceled;
  SocketPair ended;
  Recorder first;
  Recorder second;
  loop->receive_multishot(canceled.ours(), first);
  loop->receive_multishot(ended.ours(), second);
  loop->turn(0);
  loop->cancel(first);
  ::close(canceled.take_theirs());
  ::close(ended.take_theirs());
  turn_until_finished(*loop, first);
  turn_until_finished(*loop, second);
  EXPECT_EQ(second.result(), 0);
  std::vector<int> rung;
  Alarm alarm(rung, 1);
  loop->start_timer(alarm, loop->monotonic_ms() + 20);
  int turns = 0;
  for (; rung.empty(); ++turns) EXPECT_EQ(loop->turn(-1), 0U);
  EXPECT_LT(turns, turns_of_a_sleeper) << "it spins";
}

TEST_P(LoopOnSockets, WhatIsNoSocketIsAnErrorAndNoWait) {
  const auto loop = new_loop();
  const TemporaryFolder folder;
  const int file = ::open(folder.file("f").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  Bytes into(1);
  for (const int descriptor : {-1, file}) {
    Recorder received;
    Recorder sent;
    loop->receive(descriptor, into, received);
    loop->send(descriptor, as_bytes("x"), sent);
    turn_until_finished(*loop, received);
    turn_until_finished(*loop, sent);
    EXPECT_LT(received.result(), 0);
    EXPECT_LT(sent.result(), 0);
  }
  ::close(file);
}

TEST_P(LoopOnSockets, AHandlerMayCancelWhatIsReadyInTheSameTurn) {
  const auto loop = new_loop();
  const SocketPair a;
  const SocketPair b;
  struct Canceling : Recorder {
    Loop* loop = nullptr;
    Operation* other = nullptr;
  };
  Canceling first;
  Canceling second;
  Bytes into_first(1);
  Bytes into_second(1);
  for (auto [one, other] : {std::pair(&first, &second), std::pair(&second, &first)}) {
    one->loop = loop.get();
    one->other = other;
    one->complete = [](Operation* self, int result, std::uint32_t flags) {
      auto& canceling = *static_cast<Canceling*>(self);
      canceling.seen.push_back({result, flags});
      canceling.finished = true;
      canceling.loop->cancel(*canceling.other);
    };
  }
  ASSERT_EQ(::send(a.theirs(), "x", 1, 0), 1);
  ASSERT_EQ(::send(b.theirs(), "x", 1, 0), 1);
  loop->receive(a.ours(), into_first, first);
  loop->receive(b.ours(), into_second, second);
  turn_until_finished(*loop, first);
  turn_until_finished(*loop, second);
  loop->turn(0);
  EXPECT_EQ(first.seen.size(), 1U);
  EXPECT_EQ(second.seen.size(), 1U);
}

}  // namespace
}  // namespace shearline::loop::test
