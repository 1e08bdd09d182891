// Workers on real sockets of this machine, on each backend, and a blocking client to talk to them.
#pragma once

#include "io/front/worker.hpp"
#include "io/loop/stream.hpp"
#include "tests/io/front/fixture.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace shearline::front::testing {

inline const std::string right = "right-secret-0001";

inline std::uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

// A blocking client. Every wait ends with the test's own time limit at the latest.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected_ =
        socket_ >= 0 && ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  explicit Peer(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Peer(Peer&& other) noexcept : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  ~Peer() { hang_up(); }

  bool connected() const { return connected_; }
  void hang_up() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void say_no_more() { ::shutdown(socket_, SHUT_WR); }
  int socket() const { return socket_; }

  // False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Exactly this many bytes, or what came before the end. MSG_WAITALL alone would return less where a host that
  // stops and continues this machine interrupts the wait.
  std::string read(std::size_t size) {
    std::string got(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const ssize_t count = ::recv(socket_, got.data() + have, size - have, MSG_WAITALL);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      have += static_cast<std::size_t>(count);
    }
    got.resize(have);
    return got;
  }
  std::string read_to_the_end() {
    std::string all;
    for (std::string more = read(4096); !more.empty(); more = read(4096)) all += more;
    return all;
  }
  std::string ask(const std::vector<std::string>& arguments, std::size_t reply_bytes) {
    send(request(arguments));
    return read(reply_bytes);
  }

 private:
  int socket_;
  bool connected_ = false;
};

inline const std::string verified = "+current\r\n";

inline std::vector<loop::Backend> backends_here() {
  if (loop::uring_unavailable()) return {loop::Backend::epoll};
  return {loop::Backend::io_uring, loop::Backend::epoll};
}

class Service : public ::testing::TestWithParam<loop::Backend> {
 protected:
  // From here on connections wait in the backlog; start() has them served.
  void listen() {
    auto listener = loop::listen_on({.host = "127.0.0.1", .port = 0, .unix_path = {}}, 1024);
    ASSERT_TRUE(listener.has_value()) << listener.error().message;
    options.listeners.push_back(*listener);
    port = port_of(*listener);
  }
  void start(std::size_t count = 1) {
    if (!credentials) credentials = std::make_unique<Credentials>(count);
    credentials->put("acme", right);
    if (port == 0) listen();
    options.backend = GetParam();
    front = std::make_unique<Front>(count);
    for (std::size_t i = 0; i < count; ++i) {
      workers.push_back(std::make_unique<Worker>(options, credentials->table, credentials->view,
                                                 credentials->clock, *front, i));
      threads.emplace_back([this, worker = workers.back().get()] {
        if (at_thread_start) at_thread_start();
        EXPECT_TRUE(worker->run().has_value());
      });
    }
    for (const auto& worker : workers) ASSERT_TRUE(worker->wait_until_running().has_value());
  }
  void stop() {
    if (front) front->stop();
    for (auto& thread : threads) thread.join();
    threads.clear();
  }
  void TearDown() override {
    stop();
    for (const int listener : options.listeners) ::close(listener);
    if (front) {
      EXPECT_EQ(front->connections(), 0U);
    }
  }

  std::string verify(Peer& peer) { return peer.ask({"VERIFY", "acme", right}, verified.size()); }
  const WorkerCounters& counters(std::size_t worker = 0) { return front->counters(worker); }

  std::unique_ptr<Credentials> credentials;
  WorkerOptions options;
  std::uint16_t port = 0;
  void (*at_thread_start)() = nullptr;
  std::unique_ptr<Front> front;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
};

#define SHEARLINE_ON_EACH_BACKEND(suite)                                             \
  INSTANTIATE_TEST_SUITE_P(On, suite, ::testing::ValuesIn(testing::backends_here()), \
                           [](const auto& test) { return std::string(loop::name_of(test.param)); })

}  // namespace shearline::front::testing
