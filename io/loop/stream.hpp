// A connected byte stream for fibers: TCP or Unix socket, every wait with a deadline. Owner: one fiber at a
// time reads, one at a time writes. Destroying it closes it; no operation of it may be in flight then
// (shut_down() first, from any fiber of the thread, makes the waiting ones return).
#pragma once

#include "base/error.hpp"
#include "io/loop/loop.hpp"

#include <string>
#include <variant>

namespace shearline::loop {

// "127.0.0.1:6379", "[::1]:6379", "localhost:6379", "unix:/run/x.sock"
struct Address {
  std::string host;  // empty for a Unix socket
  std::uint16_t port = 0;
  std::string unix_path;  // empty for TCP

  bool is_unix() const { return !unix_path.empty(); }
  bool is_loopback() const;  // a Unix socket, 127.0.0.0/8, ::1 or localhost
  std::string text() const;
  bool operator==(const Address&) const = default;
};
Result<Address> parse_address(std::string_view text);

class Stream {
 public:
  static Result<Stream> connect(Loop& loop, const Address& address, std::int64_t timeout_ms);
  Stream(Loop& loop, int socket) : loop_(&loop), socket_(socket) {}
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream();

  // Bytes read (at least 1); unavailable when the peer closed, the deadline passed or the socket failed.
  Result<std::size_t> read_some(ByteSpan into, std::int64_t timeout_ms);
  Status write_all(ByteView bytes, std::int64_t timeout_ms);
  void shut_down();

 private:
  Loop* loop_;
  int socket_ = -1;
};

// A bound, listening socket. No SO_REUSEPORT: a second engine on the same port must fail (runtime.md). A
// stale Unix socket file that nobody listens on is replaced; one somebody listens on is an error.
Result<int> listen_on(const Address& address, int backlog);

}  // namespace shearline::loop
