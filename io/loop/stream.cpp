// See stream.hpp. Every wait parks the fiber with the deadline; the socket's own calls that cannot block
// (socket, shutdown, close) are made directly.
#include "io/loop/stream.hpp"

#include "io/loop/fiber_scheduler.hpp"
#include "io/loop/socket_address.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace shearline::loop {
namespace {

std::int64_t deadline_of(Loop& loop, std::int64_t timeout_ms) {
  return timeout_ms < 0 ? -1 : loop.monotonic_ms() + timeout_ms;
}

std::string describe(int error) { return error == ETIME ? "the deadline passed" : strerror(error); }

// Requests and answers are written whole, so waiting to fill a segment only adds delay.
void prepare(int socket, int family) {
  if (family == AF_UNIX) return;
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

Result<std::vector<SocketAddress>> resolve_off_thread(Loop& loop, const Address& address) {
  if (is_numeric(address)) return resolve(address);
  Result<std::vector<SocketAddress>> found;
  run_blocking(loop, [&] { found = resolve(address); });
  return found;
}

// The deadline of one of `candidates` still to try: a silent address must not use up the time of the next one.
std::int64_t share_of(Loop& loop, std::int64_t deadline_ms, std::size_t candidates) {
  if (deadline_ms < 0) return -1;
  const std::int64_t now_ms = loop.monotonic_ms();
  return now_ms + std::max<std::int64_t>(0, deadline_ms - now_ms) / static_cast<std::int64_t>(candidates);
}

// A connected socket, or a negative errno.
int connect_one(Loop& loop, const SocketAddress& address, std::int64_t deadline_ms) {
  const int socket = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -errno;
  prepare(socket, address.family());
  const int result = await(
      loop, [&](Operation& operation) { loop.connect(socket, address.get(), address.length, operation); },
      deadline_ms);
  if (result >= 0) return socket;
  ::close(socket);
  return result;
}

}  // namespace

Result<Stream> Stream::connect(Loop& loop, const Address& address, std::int64_t timeout_ms) {
  const std::int64_t deadline_ms = deadline_of(loop, timeout_ms);
  const auto found = resolve_off_thread(loop, address);
  if (!found) return std::unexpected(found.error());

  int last_error = ETIME;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const int socket = connect_one(loop, (*found)[i], share_of(loop, deadline_ms, found->size() - i));
    if (socket >= 0) return Stream(loop, socket, address.text());
    last_error = -socket;
  }
  return fail(Code::unavailable, "cannot connect to " + address.text() + ": " + describe(last_error));
}

Stream::Stream(Loop& loop, int socket, std::string peer)
    : loop_(&loop), socket_(socket), peer_(std::move(peer)) {
  int family = AF_UNSPEC;
  socklen_t length = sizeof family;
  if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0) prepare(socket, family);
}

Stream::Stream(Stream&& other) noexcept
    : loop_(other.loop_), socket_(std::exchange(other.socket_, -1)), peer_(std::move(other.peer_)) {
  if (other.reading_ || other.writing_) std::abort();  // its operations name the old object
}

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this == &other) return *this;
  close();
  if (other.reading_ || other.writing_) std::abort();
  loop_ = other.loop_;
  socket_ = std::exchange(other.socket_, -1);
  peer_ = std::move(other.peer_);
  return *this;
}

Stream::~Stream() { close(); }

void Stream::close() {
  if (reading_ || writing_) std::abort();  // the kernel may still write into the caller's memory
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

// Marks the one reader or writer; a second one is a mistake of the caller that would mix up the bytes.
class Stream::InUse {
 public:
  explicit InUse(bool& flag) : flag_(flag) {
    if (std::exchange(flag_, true)) std::abort();
  }
  ~InUse() { flag_ = false; }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  bool& flag_;
};

std::unexpected<Error> Stream::failed(int error) const {
  return fail(Code::unavailable, "the connection to " + peer_ + " failed: " + describe(error));
}

Result<std::size_t> Stream::read_some(ByteSpan into, std::int64_t timeout_ms) {
  const InUse reading(reading_);
  const int result = await(
      *loop_, [&](Operation& operation) { loop_->receive(socket_, into, operation); },
      deadline_of(*loop_, timeout_ms));
  if (result > 0) return static_cast<std::size_t>(result);
  if (result == 0) return fail(Code::unavailable, peer_ + " closed the connection");
  return failed(-result);
}

Status Stream::write_all(ByteView bytes, std::int64_t timeout_ms) {
  const InUse writing(writing_);
  const std::int64_t deadline_ms = deadline_of(*loop_, timeout_ms);
  while (!bytes.empty()) {
    const int result =
        await(*loop_, [&](Operation& operation) { loop_->send(socket_, bytes, operation); }, deadline_ms);
    if (result < 0) return failed(-result);
    bytes = bytes.subspan(static_cast<std::size_t>(result));
  }
  return {};
}

void Stream::shut_down() {
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

}  // namespace shearline::loop
