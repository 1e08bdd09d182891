// Times a revocation from outside (performance.md P6): follows the change stream of the client's partition in Redis, as
// any node does, and asks every worker about the client all the while. Told a client on stdin, it says "armed" on stdout
// when all workers accept the client's secret, and after the revocation one JSON object: how long after the change was
// seen in Redis each worker refused first. It revokes nothing itself: scripts/bench does, by the real command.
#include "base/bytes.hpp"
#include "bench/measuring.hpp"
#include "io/loop/stream.hpp"
#include "io/store/store.hpp"
#include "loadgen/population.hpp"

#include <CLI/CLI.hpp>
#include <hiredis/hiredis.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace shearline::bench {
namespace {

using nlohmann::json;

constexpr int patience_ms = 60'000;
constexpr auto question_pause = std::chrono::microseconds(50);  // so that the probe is not a load of its own

struct Options {
  std::string redis;
  std::string server;
  std::string prefix = "shearline:";
  std::size_t workers = 1;
  std::uint64_t seed = 0;
};

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

// A RESP connection whose answers are taken as they come; connected by hiredis, which speaks to both servers alike.
class Connection {
 public:
  explicit Connection(const std::string& address) : context_(connect(address)) {}

  int descriptor() const { return context_->fd; }

  void send(const std::vector<std::string>& words) {
    std::vector<const char*> texts;
    std::vector<std::size_t> lengths;
    for (const std::string& word : words) {
      texts.push_back(word.data());
      lengths.push_back(word.size());
    }
    redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), lengths.data());
    for (int done = 0; done == 0;) {
      if (redisBufferWrite(context_.get(), &done) != REDIS_OK) throw std::runtime_error(context_->errstr);
    }
  }

  // After the descriptor became readable; empty while the answer is not whole.
  Reply take() {
    if (redisBufferRead(context_.get()) != REDIS_OK) throw std::runtime_error(context_->errstr);
    void* raw = nullptr;
    if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) throw std::runtime_error(context_->errstr);
    return Reply(static_cast<redisReply*>(raw));
  }

  Reply ask(const std::vector<std::string>& words) {
    send(words);
    for (;;) {
      if (Reply reply = take()) return reply;
    }
  }

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  static std::unique_ptr<redisContext, Free> connect(const std::string& text) {
    const auto address = loop::parse_address(text);
    if (!address) throw std::runtime_error(address.error().message);
    std::unique_ptr<redisContext, Free> context(address->is_unix()
                                                    ? redisConnectUnix(address->unix_path.c_str())
                                                    : redisConnect(address->host.c_str(), address->port));
    if (context == nullptr || context->err != 0) throw std::runtime_error(text + ": cannot connect");
    return context;
  }

  std::unique_ptr<redisContext, Free> context_;
};

std::string text_of(const redisReply& reply) {
  return reply.str == nullptr ? std::string() : std::string(reply.str, reply.len);
}

// The connections of each worker, in INFO's words: "shearline_worker_0:connections=3,checks=...".
std::vector<long> connections_by_worker(Connection& connection, std::size_t workers) {
  const std::string info = text_of(*connection.ask({"INFO", "workers"}));
  std::vector<long> out;
  for (std::size_t i = 0; i < workers; ++i) {
    const std::string name = "shearline_worker_" + std::to_string(i) + ":connections=";
    const auto at = info.find(name);
    if (at == std::string::npos)
      throw std::runtime_error("the server has fewer workers than it was said to have");
    out.push_back(std::stol(info.substr(at + name.size())));
  }
  return out;
}

class Probe {
 public:
  explicit Probe(const Options& options) : options_(options), redis_(options.redis) {
    Connection observer(options.server);
    const auto before = connections_by_worker(observer, options.workers);
    for (std::size_t i = 0; i < options.workers; ++i) workers_.push_back(Worker{Connection(options.server)});
    for (Worker& worker : workers_) worker.connection.ask({"PING"});
    const auto after = connections_by_worker(observer, options.workers);
    for (std::size_t i = 0; i < options.workers; ++i) {
      if (after[i] != before[i] + 1)
        throw std::runtime_error(
            "the connections were not dealt one to each worker: somebody else connected");
    }
  }

  json run(std::size_t index) {
    const auto credential = loadgen::Population::generated(index + 1, options_.seed).at(index);
    const unsigned partition = store::partition_of(credential.client_id);
    const std::string stream = options_.prefix + store::partition_tag(partition) + ":changes";
    const store::RecordKey key{store::Kind::credential, credential.client_id};
    for (Worker& worker : workers_) {
      const std::string heard =
          text_of(*worker.connection.ask({"VERIFY", credential.client_id, credential.secret}));
      if (heard != "current")
        throw std::runtime_error(credential.client_id + " is " + heard + ", not current");
      worker.refused_at.reset();
      worker.questions = 0;
      worker.asked = false;
    }
    follow_from_end(stream);
    std::printf("armed\n");
    std::fflush(stdout);
    watch(credential, stream, key.field());
    json out = {{"client_id", credential.client_id}, {"refused_us", json::array()}};
    for (const Worker& worker : workers_) {
      out["refused_us"].push_back(
          std::chrono::duration<double, std::micro>(*worker.refused_at - *committed_at_).count());
      out["questions"].push_back(worker.questions);
    }
    return out;
  }

 private:
  struct Worker {
    Connection connection;
    std::optional<Time::time_point> refused_at = std::nullopt;
    Time::time_point asked_at = {};
    std::uint64_t questions = 0;
    bool asked = false;
  };

  void follow_from_end(const std::string& stream) {
    const Reply last = redis_.ask({"XREVRANGE", stream, "+", "-", "COUNT", "1"});
    if (last->type != REDIS_REPLY_ARRAY) throw std::runtime_error("no change stream: " + text_of(*last));
    last_id_ = last->elements == 0 ? "0-0" : text_of(*last->element[0]->element[0]);
    committed_at_.reset();
    listen(stream);
  }
  void listen(const std::string& stream) {
    redis_.send({"XREAD", "BLOCK", std::to_string(patience_ms), "STREAMS", stream, last_id_});
  }

  void watch(const loadgen::Credential& credential, const std::string& stream, const std::string& field) {
    const auto begin = Time::now();
    std::vector<pollfd> waited(1 + workers_.size());
    while (!is_over()) {
      if (us_since(begin) > patience_ms * 1000.0) throw std::runtime_error("no revocation came");
      for (Worker& worker : workers_) ask_again(worker, credential);
      waited[0] = {redis_.descriptor(), POLLIN, 0};
      for (std::size_t i = 0; i < workers_.size(); ++i) {
        waited[i + 1] = {workers_[i].connection.descriptor(), POLLIN, 0};
      }
      const timespec pause{0, std::chrono::nanoseconds(question_pause).count()};
      if (ppoll(waited.data(), waited.size(), &pause, nullptr) < 0 && errno != EINTR)
        throw std::runtime_error("ppoll failed");
      const auto heard_at = Time::now();
      if (waited[0].revents != 0) hear_redis(stream, field, heard_at);
      for (std::size_t i = 0; i < workers_.size(); ++i) {
        if (waited[i + 1].revents != 0) hear(workers_[i], heard_at);
      }
    }
  }
  bool is_over() const {
    for (const Worker& worker : workers_) {
      if (!worker.refused_at || worker.asked) return false;
    }
    return committed_at_.has_value();
  }

  static void ask_again(Worker& worker, const loadgen::Credential& credential) {
    const auto now = Time::now();
    if (worker.asked || worker.refused_at || now - worker.asked_at < question_pause) return;
    worker.connection.send({"VERIFY", credential.client_id, credential.secret});
    worker.asked = true;
    worker.asked_at = now;
    ++worker.questions;
  }

  static void hear(Worker& worker, Time::time_point heard_at) {
    const Reply reply = worker.connection.take();
    if (!reply) return;
    worker.asked = false;
    const std::string verdict = text_of(*reply);
    if (verdict == "rejected") {
      worker.refused_at = heard_at;
    } else if (verdict != "current") {
      throw std::runtime_error("a worker said " + verdict);
    }
  }

  void hear_redis(const std::string& stream, const std::string& field, Time::time_point heard_at) {
    const Reply reply = redis_.take();
    if (!reply) return;
    if (reply->type != REDIS_REPLY_ARRAY) throw std::runtime_error("Redis: " + text_of(*reply));
    const redisReply& entries = *reply->element[0]->element[1];
    for (std::size_t i = 0; i < entries.elements; ++i) {
      last_id_ = text_of(*entries.element[i]->element[0]);
      const redisReply& fields = *entries.element[i]->element[1];
      for (std::size_t f = 0; f + 1 < fields.elements; f += 2) {
        const bool is_it = text_of(*fields.element[f]) == "field" && text_of(*fields.element[f + 1]) == field;
        if (is_it && !committed_at_) committed_at_ = heard_at;
      }
    }
    if (!committed_at_) listen(stream);
  }

  const Options options_;
  Connection redis_;
  std::vector<Worker> workers_;
  std::string last_id_;
  std::optional<Time::time_point> committed_at_;
};

int run(const Options& options) {
  Probe probe(options);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%s\n", probe.run(std::stoul(line)).dump().c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace shearline::bench

int main(int argc, char** argv) {
  shearline::bench::Options options;
  CLI::App app{
      "How long after a revocation stands in Redis each worker refuses: indexes of clients on stdin"};
  app.add_option("--redis", options.redis, "HOST:PORT or unix:/path")->required();
  app.add_option("--server", options.server, "where the engine verifies")->required();
  app.add_option("--workers", options.workers, "of the engine")->check(CLI::Range(1, 64));
  app.add_option("--prefix", options.prefix, "of the keys in Redis");
  app.add_option("--seed", options.seed, "of the generated credentials");
  CLI11_PARSE(app, argc, argv);
  try {
    return shearline::bench::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "revoke_probe: %s\n", error.what());
    return 1;
  }
}
