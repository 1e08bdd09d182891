// Streams over real sockets on loopback and in a temporary folder.
#include "loop_fixture.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace shearline::loop::test {
namespace {

class Streams : public FiberTest {
 protected:
  // Accepts one connection on the listener and closes the listener.
  Stream accept_one(int listener) {
    const int socket =
        ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);  // the client is connected already
    ::close(listener);
    return Stream(*loop_, socket);
  }

  void expect_echo(const Address& address, int listener) {
    Stream client = Stream::connect(*loop_, address, 5'000).value();
    Stream server = accept_one(listener);
    ASSERT_TRUE(client.write_all(as_bytes("ping"), -1));
    Bytes into(16);
    ASSERT_EQ(server.read_some(into, -1).value(), 4U);
    EXPECT_EQ(as_text(ByteView(into).first(4)), "ping");
  }
};

SHEARLINE_ON_EACH_BACKEND(Streams);

TEST_P(Streams, ConnectOverTcp) {
  const int listener = listen_on(parse_address("127.0.0.1:0").value(), 8).value();
  expect_echo(local_address(listener).value(), listener);
}

TEST_P(Streams, ConnectByHostName) {
  const int listener = listen_on(parse_address("127.0.0.1:0").value(), 8).value();
  expect_echo({.host = "localhost", .port = local_address(listener).value().port, .unix_path = {}}, listener);
}

TEST_P(Streams, ConnectToAUnixSocket) {
  const TemporaryFolder folder;
  const Address address = parse_address("unix:" + folder.file("s.sock")).value();
  expect_echo(address, listen_on(address, 8).value());
}

TEST_P(Streams, ConnectingWhereNobodyListensNamesTheAddress) {
  const int listener = listen_on(parse_address("127.0.0.1:0").value(), 8).value();
  const Address address = local_address(listener).value();
  ::close(listener);
  const auto stream = Stream::connect(*loop_, address, 5'000);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::unavailable);
  EXPECT_NE(stream.error().message.find(address.text()), std::string::npos) << stream.error().message;
}

TEST_P(Streams, ConnectingToANameThatDoesNotExistSaysSo) {
  const auto stream = Stream::connect(*loop_, parse_address("nobody.invalid:1").value(), 5'000);
  ASSERT_FALSE(stream);
  EXPECT_NE(stream.error().message.find("nobody.invalid:1"), std::string::npos) << stream.error().message;
  EXPECT_NE(stream.error().message.find("does not resolve"), std::string::npos) << stream.error().message;
}

TEST_P(Streams, ConnectingGivesUpAtTheDeadline) {
  // A Unix listener whose backlog is full lets further clients wait.
  const TemporaryFolder folder;
  const Address address = parse_address("unix:" + folder.file("s.sock")).value();
  const int listener = listen_on(address, 0).value();
  std::vector<Stream> waiting;
  while (true) {
    auto stream = Stream::connect(*loop_, address, 20);
    if (!stream) {
      EXPECT_NE(stream.error().message.find(address.text()), std::string::npos) << stream.error().message;
      break;
    }
    waiting.push_back(std::move(*stream));
    ASSERT_LT(waiting.size(), 10U);
  }
  ::close(listener);
}

TEST_P(Streams, ConnectingWaitsForRoomInTheBacklog) {
  const TemporaryFolder folder;
  const Address address = parse_address("unix:" + folder.file("s.sock")).value();
  const int listener = listen_on(address, 0).value();
  std::vector<Stream> waiting;
  while (true) {
    auto stream = Stream::connect(*loop_, address, 20);
    if (!stream) break;
    waiting.push_back(std::move(*stream));
  }
  bool connected = false;
  auto late = spawn("late", [&] { connected = Stream::connect(*loop_, address, 10'000).has_value(); });
  sleep_for_ms(*loop_, 1);  // it has tried
  EXPECT_FALSE(connected);
  ::close(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  late.join();
  EXPECT_TRUE(connected);
  ::close(listener);
}

TEST_P(Streams, ReadGivesUpAtTheDeadlineAndTheStreamLivesOn) {
  SocketPair pair;
  Stream stream(*loop_, pair.take_ours(), "redis");
  Bytes into(8);
  const auto read = stream.read_some(into, 5);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::unavailable);
  EXPECT_NE(read.error().message.find("redis"), std::string::npos);
  EXPECT_NE(read.error().message.find("deadline"), std::string::npos);
  ASSERT_EQ(::send(pair.theirs(), "late", 4, 0), 4);
  EXPECT_EQ(stream.read_some(into, -1).value(), 4U);
}

TEST_P(Streams, ReadSaysWhenThePeerClosed) {
  SocketPair pair;
  Stream stream(*loop_, pair.take_ours(), "redis");
  ::close(pair.take_theirs());
  Bytes into(8);
  EXPECT_NE(stream.read_some(into, -1).error().message.find("redis closed the connection"),
            std::string::npos);
}

TEST_P(Streams, WriteAllWritesMoreThanTheSocketHoldsAtOnce) {
  SocketPair pair;
  Stream writer(*loop_, pair.take_ours());
  Stream reader(*loop_, pair.take_theirs());
  Bytes sent(4 << 20);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<Byte>(i * 31 >> 3);
  auto writing = spawn("writer", [&] { EXPECT_TRUE(writer.write_all(sent, -1)); });
  Bytes received;
  Bytes into(100'000);
  while (received.size() < sent.size()) {
    const auto count = reader.read_some(into, -1);
    ASSERT_TRUE(count);
    append(received, ByteView(into).first(*count));
  }
  writing.join();
  EXPECT_TRUE(received == sent);
}

TEST_P(Streams, WriteAllGivesUpWhenNobodyReads) {
  SocketPair pair;
  Stream writer(*loop_, pair.take_ours());
  const Bytes much(64 << 20);
  const Status written = writer.write_all(much, 20);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::unavailable);
}

TEST_P(Streams, ShutDownMakesAWaitingReaderReturn) {
  SocketPair pair;
  Stream stream(*loop_, pair.take_ours());
  bool returned = false;
  auto reader = spawn("reader", [&] {
    Bytes into(8);
    EXPECT_FALSE(stream.read_some(into, -1));
    returned = true;
  });
  auto stopper = spawn("stopper", [&] { stream.shut_down(); });
  stopper.join();
  reader.join();
  EXPECT_TRUE(returned);
}

TEST_P(Streams, DoNotDelaySmallWrites) {
  const int listener = listen_on(parse_address("127.0.0.1:0").value(), 8).value();
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  {
    const Stream stream(*loop_, dup(socket));
  }
  int on = 0;
  socklen_t length = sizeof on;
  ASSERT_EQ(getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
  EXPECT_NE(on, 0);
  ::close(socket);
  ::close(listener);
}

TEST_P(Streams, CloseTheirSocketAtTheEndAndWhenReplaced) {
  SocketPair first;
  SocketPair second;
  Bytes into(1);
  {
    Stream stream(*loop_, first.take_ours());
    stream = Stream(*loop_, second.take_ours());
    EXPECT_EQ(::recv(first.theirs(), into.data(), 1, 0), 0) << "the replaced one is closed";
  }
  EXPECT_EQ(::recv(second.theirs(), into.data(), 1, 0), 0);
}

}  // namespace
}  // namespace shearline::loop::test
