#include "tests/mls/peer/node_peer.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace shearline::mls::testing {
namespace {

namespace fs = std::filesystem;

std::runtime_error failed(const char* what) {
  return std::runtime_error(std::string(what) + ": " +
                            std::error_code(errno, std::generic_category()).message());
}

bool is_installed(const char* node_path) {
  return node_path != nullptr && fs::exists(fs::path(node_path) / "ts-mls" / "package.json");
}

bool has_node() {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (access((fs::path(folder) / "node").c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<NodePeer> NodePeer::start(std::string& why) {
  if (!has_node()) {
    why = "no node on the PATH; scripts/install-packages installs it";
    return nullptr;
  }
  if (!is_installed(std::getenv("NODE_PATH"))) {
    why = "NODE_PATH names no folder with ts-mls; scripts/test installs it and names it";
    return nullptr;
  }
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw failed("socketpair");
  const pid_t pid = fork();
  if (pid < 0) throw failed("fork");
  if (pid == 0) {
    dup2(ends[1], STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    execlp("node", "node", SHEARLINE_PEER_PROGRAM, nullptr);
    _exit(127);
  }
  close(ends[1]);
  return std::unique_ptr<NodePeer>(new NodePeer(pid, ends[0]));
}

NodePeer::~NodePeer() {
  close(socket_);  // the end of its input, by which it ends
  waitpid(pid_, nullptr, 0);
}

nlohmann::json NodePeer::ask(const nlohmann::json& request) {
  const std::string line = request.dump() + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count = send(socket_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw failed("send to the peer");
    sent += static_cast<std::size_t>(count);
  }
  const nlohmann::json answer = nlohmann::json::parse(read_line());
  if (answer.contains("refused")) throw Refused(answer.at("refused").get<std::string>());
  return answer.at("done");
}

std::string NodePeer::read_line() {
  for (;;) {
    const std::size_t end = received_.find('\n');
    if (end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    std::array<char, 16384> piece;
    const ssize_t count = recv(socket_, piece.data(), piece.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw failed("receive from the peer");
    if (count == 0) throw std::runtime_error("the peer ended; what it said is above");
    received_.append(piece.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace shearline::mls::testing
