// Accepts on every listening socket and deals the connections round the workers. Worker 0 has one; nobody
// else accepts (runtime.md: two rings on one listener gave one worker everything).
#pragma once

#include "io/front/front.hpp"
#include "io/loop/loop.hpp"

#include <cstdint>
#include <deque>
#include <span>

namespace shearline::front {

// Lifecycle: stop(), then turns of the loop until idle(), then destroy. Owner and thread: worker 0.
class Acceptor {
 public:
  struct Limits {
    std::uint32_t connections_max = 10'000;
    std::int64_t retry_ms = 100;  // after the process ran out of descriptors
  };
  Acceptor(loop::Loop& loop, Front& front, const Limits& limits, std::span<const int> listeners);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void start();
  void stop();
  bool idle() const;

 private:
  struct Listener : loop::Operation, loop::Timer {
    Acceptor* acceptor = nullptr;
    int socket = -1;
    bool in_flight = false;
    bool failing = false;  // its last completion was an error, which was logged
  };

  void accept_on(Listener& listener);
  void on_accepted(Listener& listener, int result, std::uint32_t flags);
  void pause(Listener& listener, int error);
  void refuse(int socket);

  loop::Loop& loop_;
  Front& front_;
  const Limits limits_;
  std::deque<Listener> listeners_;  // addresses stay: the kernel knows them
  std::size_t dealt_to_ = 0;
  bool stopping_ = false;
};

}  // namespace shearline::front
