// The bounded ingress queue of a worker: few provided buffers, many connections, on both backends.
#include "loop_fixture.hpp"

#include <algorithm>
#include <array>

namespace shearline::loop::test {
namespace {

// 64 connections, 8 buffers. Every connection re-arms when it was told ENOBUFS and buffers came back.
class ManyReceivers {
 public:
  static constexpr unsigned buffers = 8;
  static constexpr std::size_t connections = 64;

  explicit ManyReceivers(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {
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

  std::unique_ptr<Loop> loop_;
  std::array<Receiver, connections> receivers_;
  std::vector<std::uint16_t> held_;
  std::size_t times_without_buffer_ = 0;
  unsigned fewest_free_ = buffers;
};

class ReceiveBuffers : public OnEachBackend {};
SHEARLINE_ON_EACH_BACKEND(ReceiveBuffers);

TEST_P(ReceiveBuffers, EightForSixtyFourConnectionsLoseNothing) {
  ManyReceivers receivers(new_loop({.receive_buffers = ManyReceivers::buffers, .receive_buffer_bytes = 64}));
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
