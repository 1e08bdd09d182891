// A private Redis for one test: its own folder, its own Unix socket (or loopback port), ended by its pid.
#pragma once

#include "io/loop/stream.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace shearline::store {

class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> options = {}, bool cluster = false);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  void start();   // returns when it accepts connections
  void stop();    // as an operator would
  void kill();    // SIGKILL
  void freeze();  // SIGSTOP
  void thaw();    // SIGCONT
  // Of the data folder: back up while nobody writes (and with appendfsync always, or the last answers may not
  // be in the file yet), restore while the server is stopped.
  void back_up();
  void restore();

  const loop::Address& address() const { return address_; }
  const std::string& folder() const { return folder_; }

 private:
  void end(int signal);

  std::vector<std::string> options_;
  std::string folder_;
  loop::Address address_;
  pid_t pid_ = -1;
  int log_ = -1;
};

}  // namespace shearline::store
