// The loop on real sockets and files, without fibers.
#include "loop_fixture.hpp"

#include <fcntl.h>

#include <algorithm>
#include <deque>
#include <map>

namespace shearline::loop::test {
namespace {

TEST(UringLoop, ReceivesWhatWasSent) {
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

TEST(UringLoop, SendingToAClosedPeerIsAResultAndNotASignal) {
  const auto loop = new_loop();
  SocketPair pair;
  ::close(pair.take_theirs());
  Recorder sent;
  loop->send(pair.ours(), as_bytes("hello"), sent);
  turn_until_finished(*loop, sent);
  EXPECT_EQ(sent.result(), -EPIPE);
}

TEST(UringLoop, CanceledOperationsEndWithTheirOwnCompletion) {
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

TEST(UringLoop, CancelingWhatIsOverChangesNothing) {
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

TEST(UringLoop, SubmitsMoreThanItsQueueHolds) {
  const auto loop = new_loop({.entries = 4});
  const SocketPair pair;
  std::deque<Recorder> sent(100);
  for (Recorder& one : sent) loop->send(pair.theirs(), as_bytes("x"), one);
  for (Recorder& one : sent) turn_until_finished(*loop, one);
  EXPECT_TRUE(std::ranges::all_of(sent, [](const Recorder& one) { return one.result() == 1; }));
}

TEST(UringLoop, WritesAndSyncsFiles) {
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

TEST(UringLoop, ShutdownEndsTheOtherSidesReceive) {
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

TEST(UringLoop, AcceptsManyConnectionsWithOneOperation) {
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

TEST(UringLoop, NotifyBeforeAWaitEndsIt) {
  const auto loop = new_loop();
  loop->notify();
  EXPECT_EQ(loop->turn(-1), 0U);  // would hang otherwise
}

TEST(UringLoop, ManyNoticesBetweenTwoTurnsAreOneCallOfTheHook) {
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

TEST(UringLoop, TimersEndTheWaitInTheirOrderAndNeverEarly) {
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

TEST(UringLoop, ATimerThatIsDestroyedNeverRings) {
  const auto loop = new_loop();
  std::vector<int> rung;
  {
    Alarm gone(rung, 1), *timer = &gone;
    loop->start_timer(*timer, 0);
  }
  loop->turn(0);
  EXPECT_TRUE(rung.empty());
}

TEST(UringLoop, WaitsNoLongerThanItWasTold) {
  const auto loop = new_loop();
  const std::int64_t start = loop->monotonic_ms();
  EXPECT_EQ(loop->turn(5), 0U);
  EXPECT_GE(loop->monotonic_ms(), start + 4);  // rounding of the clock to milliseconds
}

TEST(UringLoop, RefusesReceiveBuffersTheKernelCannotCount) {
  EXPECT_EQ(make_uring_loop({.receive_buffers = 3}).error().code, Code::invalid);
  EXPECT_EQ(make_uring_loop({.receive_buffers = 1 << 16}).error().code, Code::invalid);
}

// 64 connections, 8 buffers. Every connection re-arms when it was told ENOBUFS and buffers came back.
class ManyReceivers {
 public:
  static constexpr unsigned buffers = 8;
  static constexpr std::size_t connections = 64;

  ManyReceivers() {
    for (auto& receiver : receivers_) {
      receiver.owner = this;
      receiver.complete = on_data;
      loop_->receive_multishot(receiver.pair.ours(), receiver);
    }
  }

  void send(std::size_t connection, std::string_view text) {
    ASSERT_EQ(::send(receivers_[connection].pair.theirs(), text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  std::size_t bytes_received() const {
    std::size_t total = 0;
    for (const auto& receiver : receivers_) total += receiver.text.size();
    return total;
  }
  const std::string& text(std::size_t connection) const { return receivers_[connection].text; }
  std::size_t times_without_buffer() const { return times_without_buffer_; }
  unsigned fewest_free() const { return fewest_free_; }
  Loop& loop() { return *loop_; }

  void turn() {
    loop_->turn(-1);
    return_buffers();
    rearm();
  }

  void finish() {
    for (auto& receiver : receivers_) ::shutdown(receiver.pair.theirs(), SHUT_WR);
    while (std::ranges::any_of(receivers_, [](const Receiver& one) { return one.armed || one.starved; }))
      turn();
  }

 private:
  struct Receiver : Operation {
    ManyReceivers* owner = nullptr;
    SocketPair pair;
    std::string text;
    bool armed = true;
    bool starved = false;
  };

  static void on_data(Operation* self, int result, std::uint32_t flags) {
    auto& receiver = *static_cast<Receiver*>(self);
    ManyReceivers& all = *receiver.owner;
    if ((flags & completion_buffer) != 0) {
      const std::uint16_t id = buffer_of(flags);
      receiver.text +=
          as_text(all.loop_->receive_buffer(id).first(static_cast<std::size_t>(std::max(result, 0))));
      all.held_.push_back(id);
      all.fewest_free_ = std::min(all.fewest_free_, all.loop_->receive_buffers_free());
    }
    if ((flags & completion_more) != 0) return;
    receiver.armed = false;
    receiver.starved = result == -ENOBUFS || result > 0;
    if (result == -ENOBUFS) ++all.times_without_buffer_;
  }

  void return_buffers() {
    EXPECT_EQ(loop_->receive_buffers_free(), buffers - held_.size());
    for (const std::uint16_t id : held_) loop_->return_receive_buffer(id);
    held_.clear();
    EXPECT_EQ(loop_->receive_buffers_free(), buffers);
  }

  void rearm() {
    unsigned chances = loop_->receive_buffers_free();
    for (auto& receiver : receivers_) {
      if (!receiver.starved || chances == 0) continue;
      --chances;
      receiver.starved = false;
      receiver.armed = true;
      loop_->receive_multishot(receiver.pair.ours(), receiver);
    }
  }

  std::unique_ptr<Loop> loop_ = new_loop({.receive_buffers = buffers, .receive_buffer_bytes = 64});
  std::array<Receiver, connections> receivers_;
  std::vector<std::uint16_t> held_;
  std::size_t times_without_buffer_ = 0;
  unsigned fewest_free_ = buffers;
};

TEST(ReceiveBuffers, EightForSixtyFourConnectionsLoseNothing) {
  ManyReceivers receivers;
  constexpr std::size_t rounds = 20;
  std::vector<std::string> expected(ManyReceivers::connections);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < ManyReceivers::connections; ++i) {
      const std::string text =
          std::to_string(round) + ":" + std::string(i + 30, static_cast<char>('0' + i)) + ";";
      receivers.send(i, text);
      expected[i] += text;
    }
    receivers.turn();
  }
  std::size_t bytes = 0;
  for (const auto& text : expected) bytes += text.size();
  while (receivers.bytes_received() < bytes) receivers.turn();
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(receivers.text(i), expected[i]);
  EXPECT_GT(receivers.times_without_buffer(), 0U) << "the test did not reach what it is about";
  EXPECT_EQ(receivers.fewest_free(), 0U);
  receivers.finish();
}

}  // namespace
}  // namespace shearline::loop::test
