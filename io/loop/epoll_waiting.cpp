// See epoll_waiting.hpp.
#include "io/loop/epoll_waiting.hpp"

#include <fcntl.h>

#include <cerrno>

namespace shearline::loop {
namespace {

int outcome_of(ssize_t result) {
  if (result >= 0) return static_cast<int>(result);
  return errno == EWOULDBLOCK ? must_wait : -errno;
}

// Asked again after the descriptor became writable, connect() itself says how it went.
int attempt_connect(const Waiting& waiting) {
  const int flags = fcntl(waiting.descriptor, F_GETFL);
  if (flags < 0) return -errno;
  fcntl(waiting.descriptor, F_SETFL, flags | O_NONBLOCK);
  const int result = ::connect(waiting.descriptor, waiting.address, waiting.address_bytes) == 0 ? 0 : -errno;
  fcntl(waiting.descriptor, F_SETFL, flags);
  switch (result) {
    case -EISCONN:
      return 0;
    case -EINPROGRESS:
    case -EALREADY:
      return must_wait;
    case -EAGAIN:  // the backlog of a Unix listener is full
      return must_try_again;
    default:
      return result;
  }
}

int attempt_once(const Waiting& waiting) {
  switch (waiting.kind) {
    case Waiting::Kind::accept:
      return outcome_of(::accept4(waiting.descriptor, nullptr, nullptr, SOCK_CLOEXEC));
    case Waiting::Kind::receive_into_buffers:
    case Waiting::Kind::receive:
      return outcome_of(::recv(waiting.descriptor, waiting.into.data(), waiting.into.size(), MSG_DONTWAIT));
    case Waiting::Kind::send:
      return outcome_of(::send(waiting.descriptor, waiting.bytes.data(), waiting.bytes.size(),
                               MSG_DONTWAIT | MSG_NOSIGNAL));
    case Waiting::Kind::connect:
      return attempt_connect(waiting);
  }
  return -EINVAL;
}

}  // namespace

int attempt(Waiting& waiting) {
  int result = attempt_once(waiting);
  while (result == -EINTR) result = attempt_once(waiting);
  return result;
}

Waiting& WaitingPool::take() {
  if (free_.empty()) {
    free_.reserve(all_.size() + 1);  // so that giving back never allocates
    return all_.emplace_back();
  }
  Waiting& waiting = *free_.back();
  free_.pop_back();
  return waiting;
}

EpollBuffers::EpollBuffers(unsigned count, unsigned bytes_each)
    : memory_(std::size_t{count} * bytes_each), bytes_each_(bytes_each) {
  free_.reserve(count);
  for (unsigned id = count; id > 0; --id) free_.push_back(static_cast<std::uint16_t>(id - 1));
}

}  // namespace shearline::loop
