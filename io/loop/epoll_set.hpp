// Which descriptors an epoll loop waits for: a list of readers and of writers by descriptor, and the kernel's epoll set
// kept to what the lists say. Used by epoll.cpp alone; knows no operations' outcomes.
#pragma once

#include "base/error.hpp"
#include "io/loop/epoll_waiting.hpp"

#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <span>

namespace shearline::loop {

// A descriptor is armed exactly while an operation waits for it. Users close descriptors without telling us, but
// only when nothing is in flight on them: so nothing armed is ever closed, and a number that is used again finds
// nothing of its former life. Multishot operations are level-triggered; the others are armed for one word
// (EPOLLONESHOT), so a descriptor that nobody waits for is silent, hung up or not.
//
// Owner and thread: one epoll loop.
class EpollSet {
 public:
  struct Watched {
    WaitingList readers;
    WaitingList writers;

   private:
    friend EpollSet;
    std::uint32_t armed = 0;  // as the epoll set has it
    bool in_set = false;      // as far as we know: it may have been closed since
  };

  EpollSet() = default;
  ~EpollSet();
  EpollSet(const EpollSet&) = delete;
  EpollSet& operator=(const EpollSet&) = delete;

  Status open();
  Status watch_edges(int descriptor);  // it is told of as `edge`, and only when something is written to it
  static constexpr int edge = -1;

  Watched& at(int descriptor);  // not negative
  bool has_writers(int descriptor) const;

  // Brings the kernel to what the lists of the descriptor say. An errno: not a descriptor, or none to wait for.
  [[nodiscard]] int arm(int descriptor);
  // A word of the kernel for the descriptor was taken.
  Watched& word_came(int descriptor);

  std::size_t wait(std::span<epoll_event> into, int timeout_ms);

 private:
  int epoll_ = -1;
  std::deque<Watched> by_number_;
};

}  // namespace shearline::loop
