// The verification side of one engine: its listening sockets and one thread per worker. Used by engine.cpp only.
#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/table.hpp"
#include "io/front/front.hpp"
#include "io/front/worker.hpp"
#include "server/config.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace shearline::server {

// Listening sockets, closed with it; the name of a Unix socket goes as well.
class Listeners {
 public:
  Listeners() = default;
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;
  ~Listeners();

  Status bind(const std::vector<loop::Address>& addresses);  // a port in use is an error that names it
  const std::vector<int>& sockets() const { return sockets_; }

 private:
  std::vector<int> sockets_;
  std::vector<std::string> unix_paths_;
};

// Owner: the engine. start() and stop() on its thread; stop() waits for what is in flight, at most the drain time.
class DataPlane {
 public:
  DataPlane(const ServerConfig& config, const Listeners& listeners, engine::Table& table,
            const engine::View& view, Clock& clock);
  ~DataPlane() { stop(); }
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  Status start();
  void say_why_not_ready(std::string why) { front_.say_why_not_ready(std::move(why)); }
  void stop();

 private:
  const ServerConfig& config_;
  front::Front front_;
  std::vector<std::unique_ptr<front::Worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace shearline::server
