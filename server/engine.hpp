// One engine, wired: table, workers, store and actors, built from a configuration in the order they need each other and
// stopped in reverse. Nothing here decides anything; main.cpp owns the only one, tests make several.
#pragma once

#include "base/error.hpp"
#include "io/keys/keyring.hpp"
#include "io/loop/loop.hpp"
#include "server/config.hpp"

#include <memory>

namespace shearline::server {

class Engine {
 public:
  // loop: the control thread's. Listening sockets are bound here, so that a port in use is an error before anything runs.
  static Result<std::unique_ptr<Engine>> make(const ServerConfig& config, const keys::Keyring& keyring,
                                              loop::Loop& loop);
  virtual ~Engine() = default;

  // Control thread, on a fiber of it. run() returns when stop was requested and everything has ended.
  virtual Status run() = 0;
  virtual void request_stop() = 0;  // any thread
};

}  // namespace shearline::server
