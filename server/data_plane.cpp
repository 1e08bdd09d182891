#include "server/data_plane.hpp"

#include "base/log.hpp"
#include "io/loop/stream.hpp"
#include "io/store/store.hpp"

#include <pthread.h>
#include <unistd.h>

namespace shearline::server {
namespace {

constexpr int listen_backlog = 4096;

}  // namespace

Listeners::~Listeners() {
  for (const int socket : sockets_) ::close(socket);
  for (const std::string& path : unix_paths_) ::unlink(path.c_str());
}

Status Listeners::bind(const std::vector<loop::Address>& addresses) {
  for (const loop::Address& address : addresses) {
    const Result<int> socket = loop::listen_on(address, listen_backlog);
    if (!socket) return std::unexpected(socket.error());
    sockets_.push_back(*socket);
    if (address.is_unix()) unix_paths_.push_back(address.unix_path);
  }
  return {};
}

DataPlane::DataPlane(const ServerConfig& config, const Listeners& listeners, engine::Table& table,
                     const engine::View& view, Clock& clock)
    : config_(config), front_(config.workers) {
  front::WorkerOptions options;
  options.backend = config.backend;
  options.connections_max = config.connections_max;
  options.drain_ms = config.drain_ms;
  options.engine_version = SHEARLINE_VERSION;
  options.gateways = config.gateways;
  options.partitions = store::credential_partitions;
  for (unsigned i = 0; i < config.workers; ++i) {
    options.listeners = i == 0 ? listeners.sockets() : std::vector<int>{};  // worker 0 accepts for all
    workers_.push_back(std::make_unique<front::Worker>(options, table, view, clock, front_, i));
  }
}

Status DataPlane::start() {
  for (const auto& worker : workers_) {
    threads_.emplace_back([&worker = *worker] {
      pthread_setname_np(pthread_self(), ("worker-" + std::to_string(worker.index())).c_str());
      if (Status ended = worker.run(); !ended) log::error("worker_ended", {{"why", ended.error().message}});
    });
  }
  for (const auto& worker : workers_) {
    if (Status running = worker->wait_until_running(); !running) return running;
  }
  for (const loop::Address& address : config_.resp_listeners) {
    log::info("listening", {{"protocol", "resp"}, {"address", address.text()}, {"workers", config_.workers}});
  }
  return {};
}

void DataPlane::stop() {
  front_.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace shearline::server
