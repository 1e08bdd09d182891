#include "tests/loadgen/fake_server.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>

namespace shearline::loadgen {
namespace {

std::optional<std::size_t> take_number(std::string_view& bytes) {
  const std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  std::size_t value = 0;
  std::from_chars(bytes.data() + 1, bytes.data() + end, value);
  bytes.remove_prefix(end + 2);
  return value;
}

// One whole array from the front of `bytes`, or nothing while it is not complete.
std::optional<FakeServer::Items> take_array(std::string_view& bytes) {
  std::string_view rest = bytes;
  const auto count = take_number(rest);
  if (!count) return std::nullopt;
  FakeServer::Items items(*count);
  for (std::string& item : items) {
    const auto length = take_number(rest);
    if (!length || rest.size() < *length + 2) return std::nullopt;
    item = rest.substr(0, *length);
    rest.remove_prefix(*length + 2);
  }
  bytes = rest;
  return items;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

FakeServer::FakeServer(Answer answer) : answer_(std::move(answer)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "loadgen-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = pattern;
  path_ = folder_ + "/s";
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0) {
    throw std::runtime_error("cannot listen on " + path_);
  }
  acceptor_ = std::jthread([this] { accept_all(); });
}

FakeServer::~FakeServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  connections_.clear();
  for (const int socket : sockets_) ::close(socket);
  ::close(listener_);
  std::filesystem::remove_all(folder_);
}

void FakeServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    connections_.emplace_back([this, socket] { serve(socket); });
  }
}

void FakeServer::serve(int socket) {
  std::string pending;
  std::array<char, 16 * 1024> buffer;
  while (true) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    pending.append(buffer.data(), static_cast<std::size_t>(got));
    std::string_view left = pending;
    std::string out;
    while (const auto items = take_array(left)) {
      const std::string answer = answer_(*items);
      if (answer.empty()) {
        send_all(socket, out);
        ::shutdown(socket, SHUT_RDWR);
        return;
      }
      out += answer;
    }
    if (!send_all(socket, out)) return;
    pending.erase(0, pending.size() - left.size());
  }
}

}  // namespace shearline::loadgen
