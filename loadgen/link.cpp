#include "loadgen/link.hpp"

#include "io/loop/stream.hpp"
#include "loadgen/script.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace shearline::loadgen {
namespace {

constexpr std::size_t auth_file_bytes_max = 4'096;
constexpr std::size_t greeting_bytes_max = 1'024;

int open_socket(const loop::SocketAddress& address) {
  const int socket = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -errno;
  if (address.family() != AF_UNIX) {
    const int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  return socket;
}

// EPIPE and ECONNRESET are what the same end of the server's looks like from one moment to the next.
std::string why_of(int error) {
  return error == EPIPE || error == ECONNRESET ? "closed by the server" : std::strerror(error);
}

// "GATEWAY TOKEN" as one AUTH frame. Never quotes what it read.
Result<Plaintext> read_auth(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::not_found, path + ": " + std::strerror(errno));
  Plaintext content = Plaintext::of_size(auth_file_bytes_max);
  file.rdbuf()->pubsetbuf(nullptr, 0);  // no copy of it in the stream's buffer
  file.read(reinterpret_cast<char*>(content.writable().data()), auth_file_bytes_max);
  content.shrink(static_cast<std::size_t>(file.gcount()));
  const auto unusable = [&] {
    return fail(Code::invalid, path + ": must be one line with a gateway's name, a space and its token");
  };
  std::string_view text = as_text(content.reveal());
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || space == 0) return unusable();
  const std::string_view gateway = text.substr(0, space);
  const std::string_view token = text.substr(space + 1);
  if (token.empty() || token.find_first_of(" \t\r\n") != std::string_view::npos) return unusable();

  std::string head;
  append_command(head, 3, "AUTH");
  append_bulk(head, gateway);
  head += "$" + std::to_string(token.size()) + "\r\n";
  Plaintext frame = Plaintext::of_size(head.size() + token.size() + 2);
  Byte* out = frame.writable().data();
  std::memcpy(out, head.data(), head.size());
  std::memcpy(out + head.size(), token.data(), token.size());
  std::memcpy(out + head.size() + token.size(), "\r\n", 2);
  return frame;
}

}  // namespace

Result<Target> Target::make(std::string_view server, const std::string& auth_file) {
  const auto address = loop::parse_address(server);
  if (!address) return std::unexpected(address.error());
  auto addresses = loop::resolve(*address);
  if (!addresses) return std::unexpected(addresses.error());
  Target target;
  target.addresses = std::move(*addresses);
  if (!auth_file.empty()) {
    auto auth = read_auth(auth_file);
    if (!auth) return std::unexpected(auth.error());
    target.auth = std::move(*auth);
  }
  return target;
}

Result<int> Target::connect_now() const {
  int error = EADDRNOTAVAIL;
  for (const loop::SocketAddress& address : addresses) {
    const int socket = open_socket(address);
    if (socket < 0) return fail(Code::unavailable, std::strerror(-socket));
    if (::connect(socket, address.get(), address.length) == 0) return socket;
    error = errno;
    ::close(socket);
  }
  return fail(Code::unavailable, std::strerror(error));
}

Link::Link(loop::Loop& loop, const Target& target) : loop_(loop), target_(target) {
  on_connect_.link = on_receive_.link = on_send_.link = again_.link = this;
  again_.expire = [](loop::Timer* self) { static_cast<Again*>(self)->link->connect(); };
  on_connect_.complete = [](loop::Operation* self, int result, std::uint32_t) {
    static_cast<Handler*>(self)->link->connected(result);
  };
  on_receive_.complete = [](loop::Operation* self, int result, std::uint32_t) {
    static_cast<Handler*>(self)->link->received(result);
  };
  on_send_.complete = [](loop::Operation* self, int result, std::uint32_t) {
    static_cast<Handler*>(self)->link->sent(result);
  };
}

Link::~Link() {
  if (socket_ >= 0) ::close(socket_);
}

void Link::connect() {
  if (finished_) return;
  on_connect();
  why_.clear();
  state_ = State::connecting;
  const loop::SocketAddress& address = target_.addresses[address_];
  socket_ = open_socket(address);
  if (socket_ < 0) {
    const std::string why = std::string("cannot connect: ") + std::strerror(-socket_);
    socket_ = -1;
    state_ = State::down;
    return on_down(why);
  }
  connecting_ = true;
  loop_.connect(socket_, address.get(), address.length, on_connect_);
}

void Link::adopt(int socket) {
  why_.clear();
  socket_ = socket;
  established();
}

void Link::connected(int result) {
  connecting_ = false;
  if (state_ == State::ending) return finish_when_quiet();
  if (result < 0) {
    address_ = (address_ + 1) % target_.addresses.size();
    return end(std::string("cannot connect: ") + std::strerror(-result));
  }
  established();
}

void Link::established() {
  if (buffer_.empty()) buffer_.resize(buffer_bytes);
  if (target_.auth.empty()) return come_up();
  state_ = State::greeting;
  greeting_.clear();
  send(target_.auth.reveal());
  receive();
}

void Link::receive(std::size_t bytes_max) {
  receiving_ = true;
  loop_.receive(socket_, ByteSpan(buffer_).first(std::min(bytes_max, buffer_.size())), on_receive_);
}

void Link::received(int result) {
  receiving_ = false;
  if (state_ == State::ending) return finish_when_quiet();
  if (result <= 0) return end(result == 0 ? "closed by the server" : why_of(-result));
  const ByteView bytes = ByteView(buffer_).first(static_cast<std::size_t>(result));
  if (state_ == State::greeting) return greeted(bytes);
  on_received(bytes);
}

void Link::greeted(ByteView bytes) {
  greeting_ += as_text(bytes);
  if (!greeting_.ends_with("\r\n")) {
    if (greeting_.size() > greeting_bytes_max) return end("no answer to AUTH, but something endless");
    return receive();
  }
  if (greeting_ != "+OK\r\n") {
    const std::string_view said =
        std::string_view(greeting_).substr(0, std::min(greeting_.size() - 2, std::size_t{80}));
    auth_refused_ = true;
    return end("AUTH was refused: " + std::string(said));
  }
  come_up();
}

void Link::come_up() {
  state_ = State::up;
  backoff_ms_ = backoff_ms_min;
  on_up();
}

void Link::send(ByteView bytes) {
  to_send_ = bytes;
  send_rest();
}

void Link::send_rest() {
  sending_ = true;
  loop_.send(socket_, to_send_, on_send_);
}

void Link::sent(int result) {
  sending_ = false;
  if (state_ == State::ending) return finish_when_quiet();
  if (result < 0) return end(why_of(-result));
  to_send_ = to_send_.subspan(static_cast<std::size_t>(result));
  if (!to_send_.empty()) return send_rest();
  if (state_ == State::up) on_sent();
}

void Link::shut_down() {
  finished_ = true;
  loop_.stop_timer(again_);
  end({});
}

void Link::connect_after(std::int64_t delay_ms) {
  if (!finished_) loop_.start_timer(again_, loop_.monotonic_ms() + delay_ms);
}

void Link::connect_again(bool after_failure) {
  if (!after_failure) return connect();
  connect_after(backoff_ms_);
  backoff_ms_ = std::min(2 * backoff_ms_, backoff_ms_max);
}

void Link::end(std::string why) {
  if (state_ == State::down || state_ == State::ending) return;
  state_ = State::ending;
  why_ = std::move(why);
  if (connecting_) {
    loop_.cancel(on_connect_);
  } else {
    ::shutdown(socket_, SHUT_RDWR);
  }
  finish_when_quiet();
}

void Link::finish_when_quiet() {
  if (connecting_ || sending_ || receiving_) return;
  ::close(socket_);
  socket_ = -1;
  state_ = State::down;
  const std::string why = std::move(why_);
  on_down(why);
}

}  // namespace shearline::loadgen
