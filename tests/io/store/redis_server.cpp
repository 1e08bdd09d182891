#include "redis_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <stdexcept>

extern char** environ;

namespace shearline::store {
namespace {

namespace fs = std::filesystem;

std::string make_folder() {
  std::string name = (fs::temp_directory_path() / "shearline-redis-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

// A port that was free a moment ago.
std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(probe, reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(probe);
  return ntohs(address.sin_port);
}

void read_until(int pipe, std::string_view line) {
  std::string seen;
  std::array<char, 4096> chunk;
  while (seen.find(line) == std::string::npos) {
    const ssize_t count = ::read(pipe, chunk.data(), chunk.size());
    if (count <= 0) throw std::runtime_error("redis-server ended at once:\n" + seen);
    seen.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> options, bool cluster)
    : options_(std::move(options)), folder_(make_folder()) {
  fs::create_directory(folder_ + "/data");
  const auto add = [&](std::initializer_list<std::string> more) { options_.insert(options_.end(), more); };
  add({"--dir", folder_ + "/data", "--save", "", "--appendonly", "yes"});
  if (cluster) {
    address_.host = "127.0.0.1";
    address_.port = free_port();
    add({"--bind", "127.0.0.1", "--port", std::to_string(address_.port), "--cluster-enabled", "yes",
         "--cluster-port", std::to_string(free_port())});
  } else {
    address_.unix_path = folder_ + "/r.sock";
    add({"--port", "0", "--unixsocket", address_.unix_path});
  }
  start();
}

RedisServer::~RedisServer() {
  end(SIGKILL);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void RedisServer::start() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string name = "redis-server";
  std::vector<char*> arguments{name.data()};
  for (std::string& option : options_) arguments.push_back(option.data());
  arguments.push_back(nullptr);
  const int error = posix_spawnp(&pid_, "redis-server", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  log_ = ends[0];
  if (error != 0) throw std::runtime_error("redis-server is not installed");
  read_until(log_, "eady to accept connections");
}

void RedisServer::end(int signal) {
  if (pid_ < 0) return;
  ::kill(pid_, SIGCONT);
  ::kill(pid_, signal);
  ::waitpid(pid_, nullptr, 0);
  ::close(log_);
  pid_ = -1;
}

void RedisServer::stop() { end(SIGTERM); }
void RedisServer::kill() { end(SIGKILL); }
void RedisServer::freeze() { ::kill(pid_, SIGSTOP); }
void RedisServer::thaw() { ::kill(pid_, SIGCONT); }

void RedisServer::back_up() {
  fs::remove_all(folder_ + "/backup");
  fs::copy(folder_ + "/data", folder_ + "/backup", fs::copy_options::recursive);
}

void RedisServer::restore() {
  fs::remove_all(folder_ + "/data");
  fs::copy(folder_ + "/backup", folder_ + "/data", fs::copy_options::recursive);
}

}  // namespace shearline::store
