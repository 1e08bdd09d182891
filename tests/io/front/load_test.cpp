// How workers share out their time and memory when somebody asks for too much of either, and that they do nothing when
// nobody asks.
#include "tests/io/front/service.hpp"

#include <fcntl.h>

#include <cerrno>
#include <thread>

namespace shearline::front {
namespace {

using testing::Peer;
using testing::request;
using testing::right;
using testing::verified;

class Fairness : public testing::Service {};
SHEARLINE_ON_EACH_BACKEND(Fairness);

std::uint64_t number_after(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  return at == text.npos ? 0 : std::stoull(std::string(text.substr(at + name.size(), 20)));
}

// A bulk string of any length.
std::string read_bulk(Peer& peer) {
  std::string header;
  while (!header.ends_with("\r\n")) header += peer.read(1);
  return peer.read(std::stoull(header.substr(1)) + 2);
}

// What the second client hears was counted while it was served, so it tells how far the pipeline was by then.
TEST_P(Fairness, ALongPipelineHoldsUpNobody) {
  options.limits.turn_bytes_max = 1;  // then one receive buffer a turn
  listen();
  const std::string one = request({"VERIFY", "acme", right});
  Peer greedy(port);
  std::string pipeline;
  constexpr std::uint64_t requests = 20'000;
  for (std::uint64_t i = 0; i < requests; ++i) pipeline += one;
  fcntl(greedy.socket(), F_SETFL, O_NONBLOCK);
  const ssize_t sent = ::send(greedy.socket(), pipeline.data(), pipeline.size(), MSG_NOSIGNAL);
  fcntl(greedy.socket(), F_SETFL, 0);
  const std::uint64_t already_there = static_cast<std::uint64_t>(sent) / one.size();
  constexpr std::uint64_t turns_to_be_served =
      8;  // accepted, dealt, received; a ring alone hands over 32 buffers
  const std::uint64_t most = turns_to_be_served * options.receive_buffer_bytes / one.size();
  ASSERT_GT(already_there, 2 * most) << "the test did not reach what it is about";
  Peer small(port);
  ASSERT_TRUE(small.send(request({"INFO", "stats"})));

  start();
  const std::string stats = read_bulk(small);
  EXPECT_LT(number_after(stats, "total_commands_processed:"), most);
  std::thread sender([&] { greedy.send(std::string_view(pipeline).substr(static_cast<std::size_t>(sent))); });
  std::string expected;
  for (std::uint64_t i = 0; i < requests; ++i) expected += verified;
  EXPECT_TRUE(greedy.read(expected.size()) == expected) << "and the pipeline loses nothing by it";
  sender.join();
}

// One request in each buffer, and each is answered by itself: more batches than turns, where one turn takes many buffers.
TEST_P(Fairness, AnswersLeaveBeforeALongTurnIsOver) {
  const std::string one = request({"VERIFY", "acme", right});
  options.limits.checks_waiting_max = 1;
  options.receive_buffer_bytes = static_cast<unsigned>(one.size());
  listen();
  Peer peer(port);
  std::string pipeline;
  std::string expected;
  constexpr std::uint64_t requests = 200;
  for (std::uint64_t i = 0; i < requests; ++i) {
    pipeline += one;
    expected += verified;
  }
  ASSERT_TRUE(peer.send(pipeline));
  start();
  EXPECT_TRUE(peer.read(expected.size()) == expected);
  EXPECT_EQ(counters().batches.value(), requests);
  if (options.backend == loop::Backend::io_uring) {
    EXPECT_LT(counters().turns.value(), requests);
  }
}

TEST_P(Fairness, WhatIsLeftOfAPipelineIsServedAfterItsSenderHasSaidAll) {
  options.limits.turn_bytes_max = 256;
  options.receive_buffer_bytes = 128;
  listen();
  Peer peer(port);
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(peer.send(request({"VERIFY", "acme", right})));
    expected += verified;
  }
  peer.say_no_more();
  start();
  EXPECT_TRUE(peer.read_to_the_end() == expected);
}

TEST_P(Fairness, WhatIsLeftOfAPipelineAfterBrokenFramingIsDropped) {
  options.limits.turn_bytes_max = 256;
  options.receive_buffer_bytes = 128;
  listen();
  Peer peer(port);
  ASSERT_TRUE(peer.send("*1\r\n!" + std::string(50'000, 'z')));
  start();
  const std::string heard = peer.read_to_the_end();
  EXPECT_TRUE(heard.starts_with("-ERR Protocol error") && heard.size() < 100) << heard;
  while (front->connections() > 0) std::this_thread::yield();
}

TEST_P(Fairness, APeerThatEndsInTheMiddleOfABulkCheckIsClosedAtOnce) {
  options.limits.unread_replies_ms = 3'600'000;  // it must not take that long
  start();
  Peer peer(port);
  const std::string bytes = request({"MVERIFY", "acme", right, "acme", right});
  peer.send(bytes.substr(0, bytes.size() - 5));
  peer.say_no_more();
  EXPECT_EQ(peer.read_to_the_end(), "");
}

// Each turn of a worker is explained by what its own connections did.
TEST_P(Fairness, WorkersWithNothingToDoMakeNoTurns) {
  start(3);
  std::vector<Peer> peers;
  for (std::size_t worker = 0; worker < 3; ++worker) {
    peers.emplace_back(port);
    EXPECT_EQ(verify(peers.back()), verified);
  }
  for (int i = 0; i < 500; ++i) ASSERT_EQ(verify(peers[1]), verified);
  std::size_t busy = 0;
  for (std::size_t worker = 0; worker < 3; ++worker) {
    if (counters(worker).checks_total() > 1) {
      ++busy;
      EXPECT_GE(counters(worker).turns.value(), 500U);
    } else {
      EXPECT_LE(counters(worker).turns.value(), 20U);
    }
  }
  EXPECT_EQ(busy, 1U);
}

class SlowReaders : public testing::Service {};
SHEARLINE_ON_EACH_BACKEND(SlowReaders);

const std::string echo = request({"ECHO", std::string(600, 'e')});

TEST_P(SlowReaders, PeerThatReadsNothingIsNotReadEitherAndLosesNothing) {
  options.limits.unsent_bytes_max = 16 * 1024;
  options.receive_buffers = 4;
  start();
  Peer peer(port);
  const std::string one = request({"ECHO", std::string(600, 'e')});
  const std::string reply = "$600\r\n" + std::string(600, 'e') + "\r\n";
  // Sends until the worker has stopped reading and the kernel's buffers are full.
  fcntl(peer.socket(), F_SETFL, O_NONBLOCK);
  std::size_t sent = 0;
  std::size_t offset = 0;
  std::uint64_t received_before = 0;
  while (true) {
    const ssize_t count = ::send(peer.socket(), one.data() + offset, one.size() - offset, MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      offset = (offset + static_cast<std::size_t>(count)) % one.size();
      continue;
    }
    Peer other(port);
    ASSERT_EQ(verify(other), verified);  // a worker with a full connection serves on
    const std::uint64_t received = counters().received_bytes.value();
    if (received == received_before) break;
    received_before = received + request({"VERIFY", "acme", right}).size();
  }
  fcntl(peer.socket(), F_SETFL, 0);
  std::thread finisher([&] {
    peer.send(std::string_view(one).substr(offset));
    peer.say_no_more();
  });
  const std::size_t requests = (sent + one.size() - offset) / one.size();
  std::string all = peer.read_to_the_end();
  finisher.join();
  ASSERT_EQ(all.size(), requests * reply.size());
  for (std::size_t at = 0; at < all.size(); at += reply.size())
    ASSERT_EQ(all.compare(at, reply.size(), reply), 0);
}

TEST_P(SlowReaders, PeerThatTakesNoRepliesIsClosedAfterItsTime) {
  options.limits.unsent_bytes_max = 1024;
  options.limits.unread_replies_ms = 30;
  start();
  Peer peer(port);
  const std::string one = request({"ECHO", std::string(600, 'e')});
  while (peer.send(one)) {
  }
  while (front->connections() > 0) std::this_thread::yield();
  Peer other(port);
  EXPECT_EQ(verify(other), verified);
}

TEST_P(SlowReaders, APeerThatTricklesIsCutOffAllTheSame) {
  options.limits.unsent_bytes_max = 64 * 1024;
  options.limits.unread_replies_ms = 50;
  start();
  Peer peer(port);
  std::thread sender([&] {
    while (peer.send(echo)) {
    }
  });
  while (counters().slow_readers_closed.value() == 0) peer.read(1);
  sender.join();
  while (front->connections() > 0) std::this_thread::yield();
}

TEST_P(SlowReaders, APeerThatReadsNothingIsCutOffBelowTheLimitToo) {
  options.limits.unsent_bytes_max = options.limits.unsent_bytes_cut_off = std::size_t{1} << 40;
  options.limits.unread_replies_ms = 50;
  start();
  Peer peer(port);
  while (peer.send(echo)) {
  }
  while (front->connections() > 0) std::this_thread::yield();
  EXPECT_EQ(counters().slow_readers_closed.value(), 1U);
}

TEST_P(SlowReaders, WhoHasMoreUnreadThanMayBeHeldIsCutOffAtOnce) {
  options.limits.unsent_bytes_max = std::size_t{1} << 40;
  options.limits.unsent_bytes_cut_off = 64 * 1024;
  options.limits.unread_replies_ms = 3'600'000;
  start();
  Peer peer(port);
  while (peer.send(echo)) {
  }
  while (front->connections() > 0) std::this_thread::yield();
  EXPECT_EQ(counters().slow_readers_closed.value(), 1U);
  Peer other(port);
  EXPECT_EQ(verify(other), verified);
}

}  // namespace
}  // namespace shearline::front
