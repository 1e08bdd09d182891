#include "loadgen/connection.hpp"

#include "io/loop/stream.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

namespace shearline::loadgen {
namespace {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int connect_socket(int family, const sockaddr* address, socklen_t length) {
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -errno;
  if (::connect(socket, address, length) == 0) return socket;
  const int error = errno;
  ::close(socket);
  return -error;
}

int connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return -ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  return connect_socket(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

std::size_t Shared::take_frames(std::size_t wanted) {
  if (wanted == 0) return 0;
  const auto asked = static_cast<std::int64_t>(wanted);
  const std::int64_t before = frames_left.fetch_sub(asked, std::memory_order_relaxed);
  return static_cast<std::size_t>(std::clamp<std::int64_t>(before, 0, asked));
}

Result<int> connect_to(std::string_view server) {
  const auto address = loop::parse_address(server);
  if (!address) return std::unexpected(address.error());
  int socket = -1;
  if (address->is_unix()) {
    socket = connect_unix(address->unix_path);
  } else {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error =
        getaddrinfo(address->host.c_str(), std::to_string(address->port).c_str(), &hints, &found);
    if (error != 0) return fail(Code::unavailable, std::string(server) + ": " + gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
    for (const addrinfo* each = found; each != nullptr && socket < 0; each = each->ai_next) {
      socket = connect_socket(each->ai_family, each->ai_addr, each->ai_addrlen);
    }
    const int yes = 1;
    if (socket >= 0) setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  if (socket < 0) return fail(Code::unavailable, std::string(server) + ": " + std::strerror(-socket));
  return socket;
}

Connection::Connection(loop::Loop& loop, int socket, const Script& script, std::size_t first_frame,
                       std::size_t pipeline, Shared& shared, Observed& observed)
    : loop_(loop),
      socket_(socket),
      script_(script),
      pipeline_(pipeline),
      shared_(shared),
      observed_(observed),
      reader_(script, first_frame, observed.tally),
      next_frame_(first_frame) {
  on_receive_.connection = on_send_.connection = this;
  on_receive_.complete = [](loop::Operation* self, int result, std::uint32_t) {
    static_cast<Handler*>(self)->connection->received(result);
  };
  on_send_.complete = [](loop::Operation* self, int result, std::uint32_t) {
    static_cast<Handler*>(self)->connection->sent(result);
  };
}

Connection::~Connection() { ::close(socket_); }

void Connection::start() {
  arm_receive();
  ask_more();
}

void Connection::shut_down() {
  asking_ = false;
  ::shutdown(socket_, SHUT_RDWR);
}

void Connection::arm_receive() {
  receiving_ = true;
  loop_.receive(socket_, buffer_, on_receive_);
}

void Connection::received(int result) {
  receiving_ = false;
  if (failure_) return;
  if (result <= 0) {
    // The end that shut_down() asked for is none to report, nor one after the last answer.
    const bool more_to_come = unanswered_ > 0 || shared_.frames_left.load(std::memory_order_relaxed) > 0;
    if (asking_ && more_to_come) break_off(result == 0 ? "closed by the server" : std::strerror(-result));
    return;
  }
  const auto& tally = observed_.tally;
  const std::uint64_t checks_before = tally.checks;
  const std::uint64_t mismatches_before = tally.mismatches;
  const auto frames = reader_.feed(ByteView(buffer_).first(static_cast<std::size_t>(result)));
  shared_.checks_answered.fetch_add(tally.checks - checks_before, std::memory_order_relaxed);
  shared_.mismatches.fetch_add(tally.mismatches - mismatches_before, std::memory_order_relaxed);
  if (!frames) return break_off(frames.error().message);
  if (*frames > unanswered_) return break_off("more answers than questions");
  answered(*frames);
  ask_more();
  arm_receive();
}

void Connection::answered(std::size_t frames) {
  const std::int64_t now = now_ns();
  unanswered_ -= frames;
  while (frames > 0) {
    Group& oldest = groups_.front();
    const std::size_t of_it = std::min(frames, oldest.frames);
    observed_.latency_ns.record(static_cast<std::uint64_t>(now - oldest.asked_at_ns), of_it);
    frames -= of_it;
    oldest.frames -= of_it;
    if (oldest.frames == 0) groups_.pop_front();
  }
}

void Connection::ask_more() {
  if (sending_ || !asking_) return;
  const std::size_t frames =
      shared_.take_frames(std::min(pipeline_ - unanswered_, script_.frames() - next_frame_));
  if (frames == 0) return;
  to_send_ = script_.bytes(next_frame_, next_frame_ + frames);
  next_frame_ = (next_frame_ + frames) % script_.frames();
  unanswered_ += frames;
  groups_.push_back({frames, now_ns()});
  send_rest();
}

void Connection::send_rest() {
  sending_ = true;
  loop_.send(socket_, to_send_, on_send_);
}

void Connection::sent(int result) {
  sending_ = false;
  if (failure_) return;
  if (result < 0) {
    if (asking_) break_off(std::strerror(-result));
    return;
  }
  to_send_ = to_send_.subspan(static_cast<std::size_t>(result));
  if (!to_send_.empty()) {
    send_rest();
  } else {
    ask_more();
  }
}

void Connection::break_off(std::string_view why) {
  failure_ = Error{Code::unavailable, "a connection ended early: " + std::string(why)};
  shared_.stop.store(true, std::memory_order_relaxed);
  shut_down();
}

}  // namespace shearline::loadgen
