// See epoll_set.hpp.
#include "io/loop/epoll_set.hpp"

#include "io/loop/backend.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace shearline::loop {

EpollSet::~EpollSet() {
  if (epoll_ >= 0) ::close(epoll_);
}

Status EpollSet::open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return fail(Code::unavailable, std::string("no epoll set: ") + strerror(errno));
  return {};
}

Status EpollSet::watch_edges(int descriptor) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = edge}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0) return {};
  return fail(Code::unavailable, std::string("the epoll set takes nothing: ") + strerror(errno));
}

EpollSet::Watched& EpollSet::at(int descriptor) {
  const auto number = static_cast<std::size_t>(descriptor);
  while (by_number_.size() <= number) by_number_.emplace_back();
  return by_number_[number];
}

bool EpollSet::has_writers(int descriptor) const {
  const auto number = static_cast<std::size_t>(descriptor);
  return number < by_number_.size() && !by_number_[number].writers.empty();
}

int EpollSet::arm(int descriptor) {
  Watched& watched = at(descriptor);
  std::uint32_t wanted = 0;
  if (!watched.readers.empty()) wanted |= EPOLLIN;
  if (!watched.writers.empty()) wanted |= EPOLLOUT;
  const bool multishot = !watched.readers.empty() && watched.readers.front().is_multishot();
  if (wanted != 0 && !multishot) wanted |= EPOLLONESHOT;
  if (wanted == watched.armed) return 0;

  watched.armed = wanted;
  if (wanted == 0) {
    watched.in_set = false;
    epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
    return 0;
  }
  epoll_event event{.events = wanted, .data = {.fd = descriptor}};
  int result = epoll_ctl(epoll_, watched.in_set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event);
  // The number has been closed and used again since.
  if (result != 0 && errno == ENOENT) result = epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  watched.in_set = result == 0;
  if (result == 0) return 0;
  watched.armed = 0;
  return errno;
}

EpollSet::Watched& EpollSet::word_came(int descriptor) {
  Watched& watched = at(descriptor);
  if ((watched.armed & EPOLLONESHOT) != 0) watched.armed = 0;
  return watched;
}

std::size_t EpollSet::wait(std::span<epoll_event> into, int timeout_ms) {
  const int ready = epoll_wait(epoll_, into.data(), static_cast<int>(into.size()), timeout_ms);
  if (ready >= 0) return static_cast<std::size_t>(ready);
  if (errno != EINTR) give_up("epoll_wait", errno);
  return 0;
}

}  // namespace shearline::loop
