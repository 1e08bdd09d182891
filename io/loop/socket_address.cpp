// See socket_address.hpp.
#include "io/loop/socket_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace shearline::loop {
namespace {

SocketAddress of_path(const std::string& path) {
  SocketAddress out;
  auto& address = reinterpret_cast<sockaddr_un&>(out.storage);
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return out;
}

struct FreeList {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

}  // namespace

bool is_numeric(const Address& address) {
  in6_addr ignored{};  // large enough for both families
  return address.is_unix() || inet_pton(AF_INET, address.host.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, address.host.c_str(), &ignored) == 1;
}

Result<std::vector<SocketAddress>> resolve(const Address& address) {
  if (address.is_unix()) return std::vector{of_path(address.unix_path)};

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (is_numeric(address) ? AI_NUMERICHOST : 0);
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const int error = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    const char* why = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
    return fail(Code::unavailable, "the host name in " + address.text() + " does not resolve: " + why);
  }
  const std::unique_ptr<addrinfo, FreeList> list(found);
  std::vector<SocketAddress> out;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    SocketAddress& one = out.emplace_back();
    std::memcpy(&one.storage, entry->ai_addr, entry->ai_addrlen);
    one.length = entry->ai_addrlen;
  }
  return out;
}

}  // namespace shearline::loop
