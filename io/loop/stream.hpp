// A connected byte stream for fibers: TCP or Unix socket, every wait with a deadline. Owner: one fiber at a
// time reads, one at a time writes. Destroying it closes it; no operation of it may be in flight then
// (shut_down() first, from any fiber of the thread, makes the waiting ones return).
#pragma once

#include "base/error.hpp"
#include "io/loop/loop.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace shearline::loop {

// "127.0.0.1:6379", "[::1]:6379", "localhost:6379", "unix:/run/x.sock". Port 0: when listening, any free one.
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
  // Timeouts: -1 is none. A host name is resolved on a helper thread under the resolver's own timeouts, then
  // each of its addresses is tried in turn.
  static Result<Stream> connect(Loop& loop, const Address& address, std::int64_t timeout_ms);
  // Takes over a connected socket (not O_NONBLOCK); `peer` is what errors call the other side.
  Stream(Loop& loop, int socket, std::string peer = "the peer");
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream();

  // Bytes read (at least 1) into a span that is not empty; unavailable when the peer closed, the deadline passed or the socket failed.
  Result<std::size_t> read_some(ByteSpan into, std::int64_t timeout_ms);
  // After an error some of the bytes may have been sent.
  Status write_all(ByteView bytes, std::int64_t timeout_ms);
  void shut_down();

 private:
  class InUse;
  void close();
  std::unexpected<Error> failed(int error) const;

  Loop* loop_;
  int socket_ = -1;
  std::string peer_;
  bool reading_ = false;
  bool writing_ = false;
};

// A bound, listening socket. No SO_REUSEPORT: a second engine on the same port must fail (runtime.md). A
// stale Unix socket file that nobody listens on is replaced; one somebody listens on is an error. For
// start-up: a host name is resolved on the spot. The caller closes it.
Result<int> listen_on(const Address& address, int backlog);
// Whether listen_on() would come to it now, with nothing left behind and nothing taken away, a stale socket file
// included. conflict: somebody listens there; any other error: nobody could.
Status may_listen_on(const Address& address);
Result<Address> local_address(int socket);  // with the port the kernel chose where 0 was asked for

}  // namespace shearline::loop
