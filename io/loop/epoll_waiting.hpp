// One operation of the epoll backend that waits for its descriptor, and the system calls that it is made of. Used by
// epoll.cpp alone; knows sockets and no readiness.
#pragma once

#include "io/loop/loop.hpp"
#include "io/loop/pages.hpp"

#include <boost/intrusive/list.hpp>

#include <cstdint>
#include <deque>
#include <vector>

namespace shearline::loop {

class EpollLoop;

// Linked in its descriptor's list of readers or writers while it waits there; its timer runs while it waits for
// time instead (a Unix listener whose backlog is full says no word when there is room again).
struct Waiting : Timer {
  enum class Kind : std::uint8_t { accept, receive_into_buffers, receive, send, connect };

  bool reads() const { return kind < Kind::send; }
  bool is_multishot() const { return kind <= Kind::receive_into_buffers; }

  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> place;
  EpollLoop* loop = nullptr;
  Operation* operation = nullptr;
  Kind kind = Kind::receive;
  int descriptor = -1;
  ByteSpan into;
  ByteView bytes;
  const sockaddr* address = nullptr;
  socklen_t address_bytes = 0;
};
using WaitingList =
    boost::intrusive::list<Waiting,
                           boost::intrusive::member_hook<Waiting, decltype(Waiting::place), &Waiting::place>,
                           boost::intrusive::constant_time_size<false>>;

inline constexpr int must_wait = -EAGAIN;
inline constexpr int must_try_again = -EALREADY;  // after a while: there will be no word

// Carries the operation out as far as it goes without blocking, whatever the descriptor's own mode: its result,
// a negative errno, or one of the two above.
int attempt(Waiting& waiting);

// Places for waiting operations, used again and again, so that an operation allocates nothing.
class WaitingPool {
 public:
  Waiting& take();
  void give_back(Waiting& waiting) { free_.push_back(&waiting); }

 private:
  std::deque<Waiting> all_;
  std::vector<Waiting*> free_;
};

// The receive buffers of one epoll loop. The last one given back is the first to be filled: it is still warm.
class EpollBuffers {
 public:
  EpollBuffers(unsigned count, unsigned bytes_each);
  bool ok() const { return memory_.data() != nullptr; }
  ByteSpan buffer(std::uint16_t id) const {
    return {memory_.data() + std::size_t{id} * bytes_each_, bytes_each_};
  }
  bool none_left() const { return free_.empty(); }
  unsigned free() const { return static_cast<unsigned>(free_.size()); }
  std::uint16_t next() const { return free_.back(); }
  void take_next() { free_.pop_back(); }
  void give_back(std::uint16_t id) { free_.push_back(id); }

 private:
  Pages memory_;
  unsigned bytes_each_;
  std::vector<std::uint16_t> free_;
};

}  // namespace shearline::loop
