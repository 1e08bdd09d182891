#include "io/front/acceptor.hpp"

#include "base/check.hpp"
#include "base/log.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace shearline::front {

Acceptor::Acceptor(loop::Loop& loop, Front& front, const Limits& limits, std::span<const int> listeners)
    : loop_(loop), front_(front), limits_(limits), dealt_to_(front.workers() - 1) {
  for (const int socket : listeners) {
    Listener& listener = listeners_.emplace_back();
    listener.acceptor = this;
    listener.socket = socket;
    listener.complete = [](loop::Operation* operation, int result, std::uint32_t flags) {
      auto& self = *static_cast<Listener*>(operation);
      self.acceptor->on_accepted(self, result, flags);
    };
    listener.expire = [](loop::Timer* timer) {
      auto& self = *static_cast<Listener*>(timer);
      self.acceptor->accept_on(self);
    };
    // Inherited by what is accepted: replies are gathered per turn, so waiting for more only adds delay.
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
}

Acceptor::~Acceptor() { SHEARLINE_CHECK(idle()); }

void Acceptor::start() {
  for (Listener& listener : listeners_) accept_on(listener);
}

void Acceptor::stop() {
  stopping_ = true;
  for (Listener& listener : listeners_) {
    loop_.stop_timer(listener);
    if (listener.in_flight) loop_.cancel(listener);
  }
}

bool Acceptor::idle() const {
  return std::ranges::none_of(listeners_, [](const Listener& listener) { return listener.in_flight; });
}

void Acceptor::accept_on(Listener& listener) {
  listener.in_flight = true;
  loop_.accept_multishot(listener.socket, listener);
}

void Acceptor::on_accepted(Listener& listener, int result, std::uint32_t flags) {
  if ((flags & loop::completion_more) == 0) listener.in_flight = false;
  if (result >= 0) {
    listener.failing = false;
    if (front_.admit_connection(limits_.connections_max)) {
      front_.deal(result, loop_, dealt_to_);
    } else {
      refuse(result);
    }
  }
  if (listener.in_flight || stopping_) return;
  if (result >= 0 || result == -ECONNABORTED) return accept_on(listener);
  pause(listener, -result);
}

// No descriptors or no memory: whoever waits in the backlog is served as soon as there are some again, and
// trying at once would only spin.
void Acceptor::pause(Listener& listener, int error) {
  front_.counters(0).accept_pauses.add(1);
  if (!listener.failing) {
    log::warning("accept_paused", {{"reason", std::strerror(error)}, {"retry_ms", limits_.retry_ms}});
  }
  listener.failing = true;
  loop_.start_timer(listener, loop_.monotonic_ms() + limits_.retry_ms);
}

// Whether the line arrives is up to the socket's empty buffer; a caller over the limit is not waited for.
void Acceptor::refuse(int socket) {
  constexpr std::string_view line = "-ERR max number of clients reached\r\n";
  front_.counters(0).connections_refused.add(1);
  [[maybe_unused]] const auto sent = ::send(socket, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(socket, SHUT_WR);
  ::close(socket);
}

}  // namespace shearline::front
