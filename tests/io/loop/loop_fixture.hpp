// What the loop's tests share: a loop of each backend, connected sockets, a temporary folder, and operations that remember
// what the kernel said.
#pragma once

#include "io/loop/fiber_scheduler.hpp"
#include "io/loop/loop.hpp"
#include "io/loop/stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace shearline::loop::test {

// Every promise of loop.hpp is shown on both backends, where io_uring is permitted.
inline std::vector<Backend> backends_here() {
  if (uring_unavailable()) return {Backend::epoll};
  return {Backend::io_uring, Backend::epoll};
}

class OnEachBackend : public ::testing::TestWithParam<Backend> {
 protected:
  static std::unique_ptr<Loop> new_loop(LoopOptions options = {}) {
    options.backend = GetParam();
    auto loop = make_loop(options);
    if (!loop) throw std::runtime_error(loop.error().message);
    return std::move(*loop);
  }
};
#define SHEARLINE_ON_EACH_BACKEND(suite)                                    \
  INSTANTIATE_TEST_SUITE_P(On, suite, ::testing::ValuesIn(backends_here()), \
                           [](const auto& test) { return std::string(name_of(test.param)); })

// Remembers every completion.
struct Recorder : Operation {
  struct Seen {
    int result;
    std::uint32_t flags;
  };
  Recorder() {
    complete = [](Operation* self, int result, std::uint32_t flags) {
      auto& recorder = *static_cast<Recorder*>(self);
      recorder.seen.push_back({result, flags});
      if ((flags & completion_more) == 0) recorder.finished = true;
    };
  }
  int result() const { return seen.back().result; }

  std::vector<Seen> seen;
  bool finished = false;
};

inline void turn_until_finished(Loop& loop, const Recorder& recorder) {
  while (!recorder.finished) loop.turn(-1);
}

class SocketPair {
 public:
  SocketPair() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) != 0)
      throw std::runtime_error("socketpair");
  }
  ~SocketPair() {
    for (const int end : ends_)
      if (end >= 0) ::close(end);
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  int ours() const { return ends_[0]; }
  int theirs() const { return ends_[1]; }
  int take_ours() { return std::exchange(ends_[0], -1); }
  int take_theirs() { return std::exchange(ends_[1], -1); }

 private:
  std::array<int, 2> ends_{-1, -1};
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "shearline-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A thread's loop with fibers on it.
class FiberTest : public OnEachBackend {
 protected:
  std::unique_ptr<Loop> loop_ = new_loop();
  FiberScheduler scheduler_{*loop_};
};

}  // namespace shearline::loop::test
