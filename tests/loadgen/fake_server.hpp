// A server for tests of the load generator: takes RESP arrays on a Unix socket in a folder of its own and
// answers each with what the test's function says. One thread per connection; joined at the end.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace shearline::loadgen {

class FakeServer {
 public:
  using Items = std::vector<std::string>;
  // The bytes to send back; an empty answer closes the connection. Called from several threads at a time.
  using Answer = std::function<std::string(const Items&)>;

  explicit FakeServer(Answer answer);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string address() const { return "unix:" + path_; }

 private:
  void accept_all();
  void serve(int socket);

  Answer answer_;
  std::string folder_;
  std::string path_;
  int listener_ = -1;
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::list<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace shearline::loadgen
