#include "loadgen/during.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>

namespace shearline::loadgen {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t wait_ms_max = 20;  // until a stop, or a child that ended silently, is noticed
constexpr std::int64_t deal_ms = 2;       // how often those that have taken all their clients are dealt more
constexpr std::size_t clients_per_deal = 8;  // few, so that the last ones are shared out as well
constexpr std::int64_t kill_after_ms = 2'000;
constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr std::size_t error_bytes_max = 160;

// The environment with CLIENT_ID and CLIENT_IDS in it.
std::vector<std::string> environment_with(const std::string& client_id) {
  std::vector<std::string> out;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    if (!variable.starts_with("CLIENT_ID=") && !variable.starts_with("CLIENT_IDS=")) out.emplace_back(*each);
  }
  out.push_back("CLIENT_ID=" + client_id);
  out.emplace_back("CLIENT_IDS=/dev/stdin");
  return out;
}

// $CLIENT_IDS, ${CLIENT_IDS}: a stream of clients; $CLIENT_ID: one for each start.
bool names_stream(const std::string& run) { return run.find("CLIENT_IDS") != std::string::npos; }
bool names_client(const std::string& run) {
  return !names_stream(run) && run.find("CLIENT_ID") != std::string::npos;
}

// Whether a reader has taken all that was written into its pipe.
bool is_drained(int pipe) {
  int waiting = 0;
  return ioctl(pipe, FIONREAD, &waiting) == 0 && waiting == 0;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& each : texts) out.push_back(each.data());
  out.push_back(nullptr);
  return out;
}

// In a process group of its own, so that all it starts can be ended with it. The pid, or a negative errno.
int spawn(const std::string& command, const std::string& client_id, int in, int out, int err) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  if (in >= 0) {
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  sigset_t unblocked;
  sigemptyset(&unblocked);
  posix_spawnattr_setsigmask(&attributes, &unblocked);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> words = {"sh", "-c", command};
  std::vector<std::string> environment = environment_with(client_id);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, "/bin/sh", &files, &attributes, pointers_to(words).data(),
                                pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return error == 0 ? pid : -error;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  return "status " + std::to_string(WEXITSTATUS(status));
}

std::string first_line_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

DuringRunner::DuringRunner(const DuringCommand& command, const Population& population,
                           RotatedSecrets& rotated)
    : command_(command), population_(population), rotated_(rotated) {
  counts_.run = command.run;
  thread_ = std::jthread([this] { work(); });
}

DuringRunner::~DuringRunner() { stop(); }

DuringCounts DuringRunner::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
  return counts_;
}

void DuringRunner::work() {
  // A child that ends before it has read its clients is no fault of ours.
  sigset_t pipes;
  sigemptyset(&pipes);
  sigaddset(&pipes, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipes, nullptr);
  auto next_start = Clock::now();
  bool may_start = true;
  while (!stopping_.load(std::memory_order_relaxed)) {
    while (may_start && children_.size() < command_.parallel && Clock::now() >= next_start) {
      may_start = start_child();
      next_start = std::max(next_start + std::chrono::milliseconds(command_.every_ms),
                            Clock::now() - std::chrono::seconds(1));
    }
    std::int64_t wait_ms = wait_ms_max;
    if (may_start && children_.size() < command_.parallel) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_start - Clock::now()).count();
      wait_ms = std::clamp<std::int64_t>(left, 0, wait_ms_max);
    }
    if (deal_clients()) wait_ms = std::min(wait_ms, deal_ms);
    read_output(wait_ms);
    reap(false);
  }
  end_children();
}

// False: there is nobody left to start it for, or it cannot be started.
bool DuringRunner::start_child() {
  const bool has_client = names_client(command_.run);
  const bool has_stream = names_stream(command_.run);
  if ((has_client || has_stream) && next_client_ == population_.size()) {
    counts_.ran_out_of_clients = true;
    return false;
  }
  const std::string client_id = has_client ? population_.at(next_client_).client_id : std::string();
  std::array<int, 2> in{-1, -1};
  std::array<int, 2> out{-1, -1};
  std::array<int, 2> err{-1, -1};
  int pid = -1;
  if ((has_stream && pipe2(in.data(), O_CLOEXEC) != 0) || pipe2(out.data(), O_CLOEXEC) != 0 ||
      pipe2(err.data(), O_CLOEXEC) != 0) {
    pid = -errno;
  } else {
    pid = spawn(command_.run, client_id, in[0], out[1], err[1]);
  }
  for (const int end : {in[0], out[1], err[1]}) {
    if (end >= 0) ::close(end);
  }
  ++counts_.started;
  if (pid < 0) {
    for (const int end : {in[1], out[0], err[0]}) {
      if (end >= 0) ::close(end);
    }
    ++counts_.failed;
    counts_.failures.count("cannot be started", std::strerror(-pid));
    return false;
  }
  for (const int end : {out[0], err[0]}) fcntl(end, F_SETFL, O_NONBLOCK);
  if (has_client) {
    ++next_client_;
    ++counts_.clients;
  }
  children_.push_back({pid, in[1], out[0], err[0], {}, {}});
  return true;
}

// To each child that has taken all it was dealt; when every client has had its turn, they are told so by the end of
// their input. True: there is somebody to be dealt more.
bool DuringRunner::deal_clients() {
  bool is_waiting = false;
  for (Child& child : children_) {
    if (child.in < 0) continue;
    is_waiting = true;
    if (!is_drained(child.in)) continue;
    std::string ids;
    std::size_t dealt = 0;
    for (; dealt < clients_per_deal && next_client_ < population_.size(); ++dealt)
      ids += population_.at(next_client_++).client_id + "\n";
    // Far less than a pipe holds, and it was empty: written whole or, if the child is gone, not at all.
    const bool is_taken = dealt > 0 && ::write(child.in, ids.data(), ids.size()) > 0;
    if (is_taken) counts_.clients += dealt;
    if (!is_taken) ::close(std::exchange(child.in, -1));
  }
  return is_waiting;
}

void DuringRunner::read_output(std::int64_t wait_ms) {
  std::vector<pollfd> waiting;
  for (const Child& child : children_) {
    if (child.out >= 0) waiting.push_back({child.out, POLLIN, 0});
    if (child.err >= 0) waiting.push_back({child.err, POLLIN, 0});
  }
  ::poll(waiting.data(), waiting.size(), static_cast<int>(wait_ms));
  for (Child& child : children_) {
    read_lines(child);
    read_errors(child);
  }
}

void DuringRunner::read_lines(Child& child) {
  std::array<char, 16 * 1024> buffer;
  while (child.out >= 0) {
    const ssize_t got = ::read(child.out, buffer.data(), buffer.size());
    if (got < 0) return;
    if (got == 0) {
      ::close(std::exchange(child.out, -1));
      return;
    }
    for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(got))) {
      if (c != '\n') {
        if (child.out_line.size() < line_bytes_max) child.out_line += c;
        continue;
      }
      if (command_.learn) take_line(child.out_line);
      child.out_line.clear();
    }
  }
}

void DuringRunner::read_errors(Child& child) {
  std::array<char, 4 * 1024> buffer;
  while (child.err >= 0) {
    const ssize_t got = ::read(child.err, buffer.data(), buffer.size());
    if (got < 0) return;
    if (got == 0) {
      ::close(std::exchange(child.err, -1));
      return;
    }
    std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    while (text.ends_with('\n')) text.remove_suffix(1);
    const std::size_t line = text.rfind('\n');
    if (line != std::string_view::npos) text.remove_prefix(line + 1);
    if (!text.empty()) child.err_line = text.substr(0, error_bytes_max);
  }
}

void DuringRunner::take_line(const std::string& line) {
  const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) return;
  const auto text = [&object](const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  std::string secret = text("secret");
  if (secret.empty() && !text("secret_file").empty()) secret = first_line_of(text("secret_file"));
  rotated_.add(text("client_id"), secret);
}

void DuringRunner::reap(bool stopping) {
  for (auto child = children_.begin(); child != children_.end();) {
    int status = 0;
    if (waitpid(child->pid, &status, WNOHANG) != child->pid) {
      ++child;
      continue;
    }
    read_lines(*child);
    read_errors(*child);
    for (const int end : {child->in, child->out, child->err}) {
      if (end >= 0) ::close(end);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      ++counts_.succeeded;
    } else if (stopping) {
      ++counts_.ended_by_us;
    } else {
      ++counts_.failed;
      counts_.failures.count(how_it_ended(status), child->err_line);
    }
    child = children_.erase(child);
  }
}

void DuringRunner::end_children() {
  reap(false);
  for (const Child& child : children_) ::kill(-child.pid, SIGTERM);
  const auto patience = Clock::now() + std::chrono::milliseconds(kill_after_ms);
  bool killed = false;
  while (!children_.empty()) {
    read_output(wait_ms_max);
    reap(true);
    if (!killed && Clock::now() >= patience) {
      for (const Child& child : children_) ::kill(-child.pid, SIGKILL);
      killed = true;
    }
  }
}

}  // namespace shearline::loadgen
