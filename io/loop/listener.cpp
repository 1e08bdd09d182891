// Binding and listening. No SO_REUSEPORT: a second engine on the same port must fail, and say so
// (runtime.md).
#include "io/loop/socket_address.hpp"
#include "io/loop/stream.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

namespace shearline::loop {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

std::unexpected<Error> cannot_listen(const Address& address, int error) {
  const std::string start = "cannot listen on " + address.text() + ": ";
  switch (error) {
    case EADDRINUSE:
      return fail(Code::conflict,
                  start +
                      "the port is in use by another program (another engine?); end that one or "
                      "choose another port");
    case EADDRNOTAVAIL:
      return fail(Code::invalid, start + "this machine has no such address");
    case EACCES:
      return fail(Code::unavailable,
                  start + (address.is_unix() ? "no permission to create the socket there"
                                             : "ports below 1024 need privileges; choose a "
                                               "higher one or grant CAP_NET_BIND_SERVICE"));
    case EBUSY:
      return fail(Code::conflict, start + "another program keeps its folder locked; choose another folder");
    case ENOENT:
      return fail(Code::invalid, start + "its folder does not exist");
    default:
      return fail(Code::unavailable, start + strerror(error));
  }
}

// Whether somebody accepts on the Unix socket. A full backlog (EAGAIN) is somebody too.
bool somebody_listens(const SocketAddress& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return true;  // unknown: then nothing may be removed
  return ::connect(probe.get(), address.get(), address.length) == 0 || errno != ECONNREFUSED;
}

struct stat what_stands_at(const std::string& path) {  // st_mode 0: nothing
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) found.st_mode = 0;
  return found;
}

// Says who is in the way at the path. A stale socket is nobody.
Status judge_path(const Address& address, const SocketAddress& resolved) {
  const struct stat found = what_stands_at(address.unix_path);
  if (found.st_mode == 0) return {};
  const std::string start = "cannot listen on " + address.text() + ": ";
  if (!S_ISSOCK(found.st_mode))
    return fail(Code::invalid, start + "a file that is not a socket stands there; it was not touched");
  if (somebody_listens(resolved))
    return fail(Code::conflict, start +
                                    "another program (another engine?) listens there; end that one or choose "
                                    "another path");
  return {};
}

// Makes room at the path, or says who is in the way.
Status clear_path(const Address& address, const SocketAddress& resolved) {
  if (Status nobody = judge_path(address, resolved); !nobody) return nobody;
  if (what_stands_at(address.unix_path).st_mode == 0) return {};
  if (unlink(address.unix_path.c_str()) != 0 && errno != ENOENT)
    return fail(Code::unavailable, "cannot listen on " + address.text() +
                                       ": the stale socket cannot be removed: " + strerror(errno));
  return {};
}

Result<int> bind_only(const Address& address, const SocketAddress& resolved) {
  Descriptor socket(::socket(resolved.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return cannot_listen(address, errno);
  const int on = 1;
  if (!address.is_unix()) setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // [::] means IPv6 only, so that every configured address stands for exactly itself.
  if (resolved.family() == AF_INET6) setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(socket.get(), resolved.get(), resolved.length) != 0) return cannot_listen(address, errno);
  return socket.release();
}

Result<int> bind_and_listen(const Address& address, const SocketAddress& resolved, int backlog) {
  const Result<int> bound = bind_only(address, resolved);
  if (!bound) return bound;
  Descriptor socket(*bound);
  if (listen(socket.get(), backlog) != 0) return cannot_listen(address, errno);
  return socket.release();
}

// Waits a moment for another start-up in the folder; a lock that somebody keeps for longer is not ours.
int lock_folder(int folder) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (flock(folder, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK && errno != EINTR) return errno;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return EBUSY;
}

std::filesystem::path folder_of(const Address& address) {
  return std::filesystem::absolute(address.unix_path).parent_path();
}

// Two engines starting at the same moment would both see the same stale socket, and the second would remove the
// first one's fresh one: the folder's lock lets one after the other.
Result<int> listen_on_path(const Address& address, const SocketAddress& resolved, int backlog) {
  const Descriptor lock(open(folder_of(address).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0) return cannot_listen(address, errno);
  if (const int error = lock_folder(lock.get()); error != 0) return cannot_listen(address, error);
  if (Status cleared = clear_path(address, resolved); !cleared) return std::unexpected(cleared.error());
  return bind_and_listen(address, resolved, backlog);
}

}  // namespace

Result<int> listen_on(const Address& address, int backlog) {
  const auto found = resolve(address);
  if (!found) return std::unexpected(found.error());
  if (address.is_unix()) return listen_on_path(address, found->front(), backlog);
  return bind_and_listen(address, found->front(), backlog);
}

Status may_listen_on(const Address& address) {
  const auto found = resolve(address);
  if (!found) return std::unexpected(found.error());
  if (address.is_unix()) {
    struct stat folder{};
    const std::filesystem::path path = folder_of(address);
    if (stat(path.c_str(), &folder) != 0) return cannot_listen(address, errno);
    if (!S_ISDIR(folder.st_mode)) return cannot_listen(address, ENOTDIR);
    if (access(path.c_str(), W_OK | X_OK) != 0) return cannot_listen(address, errno);
    return judge_path(address, found->front());
  }
  // Bound and not listening, nobody can reach it, and it keeps no engine that starts meanwhile from its port.
  const Result<int> bound = bind_only(address, found->front());
  if (!bound) return std::unexpected(bound.error());
  ::close(*bound);
  return {};
}

Result<Address> local_address(int socket) {
  SocketAddress bound;
  bound.length = sizeof bound.storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound.storage), &bound.length) != 0)
    return fail(Code::unavailable, std::string("the socket has no address: ") + strerror(errno));
  Address address;
  if (bound.family() == AF_UNIX) {
    address.unix_path = reinterpret_cast<const sockaddr_un&>(bound.storage).sun_path;
    return address;
  }
  char text[INET6_ADDRSTRLEN] = {};
  if (bound.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound.storage);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    address.port = ntohs(v4.sin_port);
  } else {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bound.storage);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    address.port = ntohs(v6.sin6_port);
  }
  address.host = text;
  return address;
}

}  // namespace shearline::loop
