// An Address as the kernel takes it. Used by stream.cpp (connecting) and listener.cpp (binding).
#pragma once

#include "base/error.hpp"
#include "io/loop/stream.hpp"

#include <sys/socket.h>

#include <vector>

namespace shearline::loop {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

bool is_numeric(const Address& address);  // needs no name service: a Unix socket or an IP address

// All addresses of the host, in the order to try them. Asks the name service unless is_numeric(), which may
// take seconds: then not on a loop's thread.
Result<std::vector<SocketAddress>> resolve(const Address& address);

}  // namespace shearline::loop
