// Workers on real sockets: what a client sees at the port, whatever it sends and however it behaves.
#include "tests/io/front/service.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <thread>

namespace shearline::front {
namespace {

using ::testing::HasSubstr;
using testing::Peer;
using testing::request;
using testing::right;
using ::testing::StartsWith;
using testing::verified;

using Service = testing::Service;
SHEARLINE_ON_EACH_BACKEND(Service);

TEST_P(Service, VerifiesOverTcp) {
  start();
  Peer peer(port);
  EXPECT_EQ(verify(peer), verified);
  EXPECT_EQ(peer.ask({"MVERIFY", "acme", right, "acme", "no", "", ""}, 9), "$3\r\ncrm\r\n");
}

TEST_P(Service, VerifiesOverAUnixSocketBesideTcp) {
  std::string folder = "/tmp/shearline-front-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/s";
  auto listener = loop::listen_on({.host = {}, .port = 0, .unix_path = path}, 16);
  ASSERT_TRUE(listener.has_value());
  options.listeners.push_back(*listener);
  start();
  Peer near(path);
  Peer far(port);
  EXPECT_EQ(verify(near), verified);
  EXPECT_EQ(verify(far), verified);
  std::filesystem::remove_all(folder);
}

TEST_P(Service, AnswersByteByByteRequests) {
  start();
  Peer peer(port);
  for (const char byte : request({"MVERIFY", "acme", right, "acme", "wrong"})) peer.send({&byte, 1});
  EXPECT_EQ(peer.read(8), "$2\r\ncr\r\n");
}

TEST_P(Service, AnswersALongPipelineInOrder) {
  start();
  Peer peer(port);
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const bool fits = i % 7 != 0;
    bytes += request({"VERIFY", "acme", fits ? right : "wrong"});
    expected += fits ? verified : "+rejected\r\n";
    if (i % 1'000 == 0) {
      bytes += request({"ECHO", std::to_string(i)});
      expected += to_string([i] {
        Bytes out;
        wire::write_bulk(out, std::to_string(i));
        return out;
      }());
    }
  }
  std::thread sender([&] { peer.send(bytes); });
  EXPECT_EQ(peer.read(expected.size()), expected);
  sender.join();
  EXPECT_EQ(counters().checks_total(), 20'000U);
  EXPECT_LT(counters().batches.value(), 20'000U);  // many checks a batch, not one
}

TEST_P(Service, RefusesMoreThan4096PairsAndServesOn) {
  start();
  Peer peer(port);
  std::vector<std::string> arguments{"MVERIFY"};
  for (int i = 0; i < 4097; ++i) arguments.insert(arguments.end(), {"acme", right});
  const std::string refusal = "-ERR at most 4096 checks in one 'mverify' command\r\n";
  EXPECT_EQ(peer.ask(arguments, refusal.size()), refusal);
  EXPECT_EQ(verify(peer), verified);
}

TEST_P(Service, TellsHttpOnceAndCloses) {
  start();
  Peer browser(port);
  browser.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 33\r\n\r\n" +
               request({"VERIFY", "acme", right}));
  EXPECT_EQ(browser.read_to_the_end(),
            "-ERR Protocol error: expected an array ('*'); inline commands and HTTP are not spoken here\r\n");
  EXPECT_EQ(counters().checks_total(), 0U);
  Peer other(port);
  EXPECT_EQ(verify(other), verified);
}

TEST_P(Service, AnswersWhatCameBeforeBrokenFramingThenSaysSoAndCloses) {
  start();
  Peer peer(port);
  peer.send(request({"VERIFY", "acme", right}) + "*2\r\n$4\r\nECHO\r\n*1\r\n" + std::string(100'000, 'z'));
  EXPECT_EQ(peer.read_to_the_end(), verified + "-ERR Protocol error: nested arrays are not accepted\r\n");
  EXPECT_EQ(counters().protocol_errors.value(), 1U);
}

TEST_P(Service, ClosesHalfARequestAfterItsTimeAndNobodyElse) {
  options.limits.unfinished_request_ms = 30;
  start();
  Peer idle(port);
  EXPECT_EQ(verify(idle), verified);
  Peer half(port);
  half.send(request({"PING"}) + "*3\r\n$6\r\nVERIFY\r\n$4\r\nac");
  EXPECT_EQ(half.read_to_the_end(),
            "+PONG\r\n-ERR Protocol error: the rest of a request did not arrive in time\r\n");
  EXPECT_EQ(verify(idle), verified);
}

TEST_P(Service, DripOfSingleBytesDoesNotProlongTheTimeOfARequest) {
  options.limits.unfinished_request_ms = 50;
  start();
  Peer peer(port);
  // A request of 60 GB, one byte at a time: it is read and dropped, and ends only because its time does.
  peer.send("*60000\r\n$4\r\nPING\r\n$1048576\r\n");
  std::string answer;
  while (!answer.ends_with("in time\r\n") && peer.send("x")) {
    char byte = 0;
    if (::recv(peer.socket(), &byte, 1, MSG_DONTWAIT) == 1) answer += byte;
  }
  EXPECT_EQ(answer,
            "-ERR wrong number of arguments for 'ping' command\r\n"
            "-ERR Protocol error: the rest of a request did not arrive in time\r\n");
}

TEST_P(Service, ThousandSilentConnectionsDisturbNobody) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
  setrlimit(RLIMIT_NOFILE, &limit);
  start(2);
  std::vector<Peer> silent;
  for (int i = 0; i < 1'000; ++i) {
    silent.emplace_back(port);
    ASSERT_TRUE(silent.back().connected()) << i;
  }
  for (int i = 0; i < 10; ++i) {
    Peer peer(port);
    EXPECT_EQ(verify(peer), verified);
  }
  EXPECT_EQ(verify(silent.front()), verified);
  EXPECT_EQ(verify(silent.back()), verified);
}

TEST_P(Service, ConnectionsAreDealtRoundTheWorkers) {
  start(3);
  std::vector<Peer> peers;
  for (int i = 0; i < 30; ++i) {
    peers.emplace_back(port);
    EXPECT_EQ(verify(peers.back()), verified);
  }
  for (std::size_t worker = 0; worker < 3; ++worker) {
    EXPECT_EQ(counters(worker).connections(), 10U);
    EXPECT_EQ(counters(worker).checks_total(), 10U);
  }
}

TEST_P(Service, OneConnectionTooManyIsToldSoAndClosed) {
  options.connections_max = 2;
  start();
  Peer first(port);
  Peer second(port);
  EXPECT_EQ(verify(first), verified);
  EXPECT_EQ(verify(second), verified);
  Peer third(port);
  EXPECT_EQ(third.read_to_the_end(), "-ERR max number of clients reached\r\n");
  EXPECT_EQ(counters().connections_refused.value(), 1U);
  EXPECT_EQ(verify(first), verified);
}

TEST_P(Service, PlaceOfAClosedConnectionIsFreeAgain) {
  options.connections_max = 1;
  start();
  for (int i = 0; i < 20; ++i) {
    Peer peer(port);
    peer.send(request({"QUIT"}));
    ASSERT_EQ(peer.read_to_the_end(), "+OK\r\n");
    peer.hang_up();
    while (front->connections() > 0) std::this_thread::yield();
  }
  EXPECT_EQ(counters().connections_refused.value(), 0U);
}

TEST_P(Service, RepliesToAPeerThatHasSaidAllAreStillSent) {
  start();
  Peer peer(port);
  peer.send(request({"VERIFY", "acme", right}) + request({"PING"}) + "*2\r\n$4\r\nEC");
  peer.say_no_more();
  EXPECT_EQ(peer.read_to_the_end(), verified + "+PONG\r\n");
}

TEST_P(Service, PeerThatVanishesInTheMiddleHarmsNobody) {
  start();
  Peer stays(port);
  for (int i = 0; i < 50; ++i) {
    Peer peer(port);
    peer.send(request({"MVERIFY", "acme", right, "acme", right}) +
              "*3\r\n$6\r\nVERIFY\r\n$4\r\nacme\r\n$10\r\nhalf");
    linger at_once{.l_onoff = 1, .l_linger = 0};  // reset, not an orderly end
    setsockopt(peer.socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peer.hang_up();
  }
  EXPECT_EQ(verify(stays), verified);
}

TEST_P(Service, FewReceiveBuffersServeManyConnections) {
  options.receive_buffers = 2;
  options.receive_buffer_bytes = 256;
  start();
  std::vector<Peer> peers;
  peers.reserve(100);
  for (int i = 0; i < 100; ++i) peers.emplace_back(port);
  std::string bytes;
  for (int i = 0; i < 40; ++i) bytes += request({"VERIFY", "acme", right});
  for (Peer& peer : peers) ASSERT_TRUE(peer.send(bytes));
  std::string expected;
  for (int i = 0; i < 40; ++i) expected += verified;
  for (Peer& peer : peers) ASSERT_EQ(peer.read(expected.size()), expected);
}

TEST_P(Service, OutOfDescriptorsPausesAcceptingAndGoesOnAfterwards) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP()
      << "the sanitizer opens pipes to look at memory, and without descriptors reports what is not so";
#endif
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 64;
  setrlimit(RLIMIT_NOFILE, &few);
  options.accept_retry_ms = 5;
  start();
  Peer served(port);
  EXPECT_EQ(verify(served), verified);
  // One number is kept for the client's socket; none is left for the worker's end of it.
  std::vector<int> taken;
  for (int copy = dup(STDERR_FILENO); copy >= 0; copy = dup(STDERR_FILENO)) taken.push_back(copy);
  ::close(taken.back());
  taken.pop_back();
  Peer waits(port);
  EXPECT_TRUE(waits.connected());
  while (counters().accept_pauses.value() < 2) std::this_thread::yield();
  EXPECT_EQ(verify(served), verified);
  for (const int copy : taken) ::close(copy);
  EXPECT_EQ(verify(waits), verified);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_P(Service, StopFinishesWhatWasBegunAndClosesEverybody) {
  options.drain_ms = 60'000;  // it must not take that long
  start(2);
  Peer idle(port);
  Peer busy(port);
  EXPECT_EQ(verify(idle), verified);
  const std::string bytes = request({"MVERIFY", "acme", right, "acme", "wrong"});
  busy.send(request({"PING"}) + bytes.substr(0, bytes.size() - 3));
  EXPECT_EQ(busy.read(7), "+PONG\r\n");
  front->stop();
  busy.send(bytes.substr(bytes.size() - 3));
  EXPECT_EQ(busy.read(8), "$2\r\ncr\r\n");
  stop();
  EXPECT_EQ(idle.read_to_the_end(), "");
  EXPECT_EQ(busy.read_to_the_end(), "");
  EXPECT_EQ(counters(0).connections() + counters(1).connections(), 0U);
}

TEST_P(Service, StopDoesNotWaitLongerThanItsDeadline) {
  options.drain_ms = 20;
  start();
  Peer half(port);
  half.send(request({"PING"}) + "*2\r\n$4\r\nEC");
  EXPECT_EQ(half.read(7), "+PONG\r\n");
  stop();
  EXPECT_EQ(half.read_to_the_end(), "");
}

TEST_P(Service, StopBeforeAnybodyCameEndsAtOnce) {
  start(3);
  stop();
}

TEST_P(Service, WhileStoppingNewChecksAreRefusedClearly) {
  options.drain_ms = 60'000;
  start();
  Peer half(port);  // keeps the worker in its drain
  half.send(request({"PING"}) + "*2\r\n$4\r\nEC");
  EXPECT_EQ(half.read(7), "+PONG\r\n");
  Peer peer(port);
  EXPECT_EQ(verify(peer), verified);
  front->stop();
  const std::string refusal = "-UNAVAILABLE stopping\r\n";
  EXPECT_EQ(peer.ask({"VERIFY", "acme", right}, refusal.size()), refusal);
  half.hang_up();
}

TEST_P(Service, GatewayMustNameItself) {
  options.gateways = {{"edge", testing::token_hash("edge-token")}};
  start();
  Peer peer(port);
  EXPECT_THAT(peer.ask({"VERIFY", "acme", right}, 8), StartsWith("-NOAUTH "));
  Peer known(port);
  EXPECT_EQ(known.ask({"AUTH", "edge", "edge-token"}, 5), "+OK\r\n");
  EXPECT_EQ(verify(known), verified);
}

TEST_P(Service, TableChangesWhileWorkersVerify) {
  start(2);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 2'000; ++i) credentials->put("churn-" + std::to_string(i % 50), right);
    done = true;
  });
  std::vector<Peer> peers;
  peers.reserve(4);
  for (int i = 0; i < 4; ++i) peers.emplace_back(port);
  while (!done) {
    for (Peer& peer : peers) ASSERT_EQ(verify(peer), verified);
  }
  writer.join();
}

}  // namespace
}  // namespace shearline::front
