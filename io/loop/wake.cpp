// See wake.hpp.
#include "io/loop/wake.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace shearline::loop {

Wake::~Wake() {
  if (event_ >= 0) ::close(event_);
}

Status Wake::open() {
  event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_ < 0) return fail(Code::unavailable, std::string("no eventfd: ") + strerror(errno));
  return {};
}

void Wake::notify() {
  if (state_.exchange(State::notified) != State::sleeping) return;
  const std::uint64_t one = 1;
  while (write(event_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

}  // namespace shearline::loop
