// Times a revocation from outside (performance.md P6): asks every worker about the client all the while, and hears from
// Redis when the change was committed. Told a client on stdin, it says "armed" on stdout when all workers accept the
// client's secret, and after the revocation one JSON object: how long after the commit, and how long after a second
// follower of the change stream held the entry, each worker refused first. It revokes nothing itself: scripts/bench does,
// by the real command.
//
// The commit's moment is Redis's own, from MONITOR: microseconds of the machine's clock, taken as the committing script
// runs its XADD. The script has not ended then, so nobody can have seen the change: no delay is measured too short.
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
using WallClock = std::chrono::system_clock;  // Redis's and ours: the probe runs beside Redis
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

  // After the descriptor became readable.
  void receive() {
    if (redisBufferRead(context_.get()) != REDIS_OK) throw std::runtime_error(context_->errstr);
  }
  // Of what was received; empty while the next answer is not whole.
  Reply next() {
    void* raw = nullptr;
    if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) throw std::runtime_error(context_->errstr);
    return Reply(static_cast<redisReply*>(raw));
  }
  Reply take() {
    receive();
    return next();
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

struct Moment {
  Time::time_point steady = Time::now();
  WallClock::time_point wall = WallClock::now();
};

template <class Point>
double us_between(Point from, Point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

// When Redis ran the command of a line of MONITOR, if it is the wanted one:
// 1700000000.123456 [0 lua] "XADD" "shearline:{p03}:changes" ... "field" "credential:acme" ...
std::optional<WallClock::time_point> moment_of(const std::string& line, const std::string& stream,
                                               const std::string& field) {
  const bool is_it = line.find(" lua] \"XADD\" \"" + stream + "\" ") != std::string::npos &&
                     line.find("\"field\" \"" + field + "\"") != std::string::npos;
  if (!is_it) return std::nullopt;
  std::size_t point = 0;
  const auto seconds = std::stoll(line, &point);
  return WallClock::time_point(std::chrono::seconds(seconds) +
                               std::chrono::microseconds(std::stoll(line.substr(point + 1))));
}

class Probe {
 public:
  explicit Probe(const Options& options) : options_(options), redis_(options.redis), monitor_(options.redis) {
    monitor_.ask({"MONITOR"});
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
    json out = {{"client_id", credential.client_id}};
    for (const Worker& worker : workers_) {
      out["after_commit_us"].push_back(us_between(*committed_at_, worker.refused_at->wall));
      out["after_follower_us"].push_back(us_between(followed_at_->steady, worker.refused_at->steady));
      out["questions"].push_back(worker.questions);
    }
    return out;
  }

 private:
  struct Worker {
    Connection connection;
    std::optional<Moment> refused_at = std::nullopt;
    Time::time_point asked_at = {};
    std::uint64_t questions = 0;
    bool asked = false;
  };

  void follow_from_end(const std::string& stream) {
    const Reply last = redis_.ask({"XREVRANGE", stream, "+", "-", "COUNT", "1"});
    if (last->type != REDIS_REPLY_ARRAY) throw std::runtime_error("no change stream: " + text_of(*last));
    last_id_ = last->elements == 0 ? "0-0" : text_of(*last->element[0]->element[0]);
    committed_at_.reset();
    followed_at_.reset();
    listen(stream);
  }
  void listen(const std::string& stream) {
    redis_.send({"XREAD", "BLOCK", std::to_string(patience_ms), "STREAMS", stream, last_id_});
  }

  void watch(const loadgen::Credential& credential, const std::string& stream, const std::string& field) {
    const auto begin = Time::now();
    std::vector<pollfd> waited(2 + workers_.size());
    while (!is_over()) {
      if (us_since(begin) > patience_ms * 1000.0) throw std::runtime_error("no revocation came");
      for (Worker& worker : workers_) ask_again(worker, credential);
      waited[0] = {redis_.descriptor(), POLLIN, 0};
      waited[1] = {monitor_.descriptor(), POLLIN, 0};
      for (std::size_t i = 0; i < workers_.size(); ++i) {
        waited[i + 2] = {workers_[i].connection.descriptor(), POLLIN, 0};
      }
      const timespec pause{0, std::chrono::nanoseconds(question_pause).count()};
      if (ppoll(waited.data(), waited.size(), &pause, nullptr) < 0 && errno != EINTR)
        throw std::runtime_error("ppoll failed");
      const Moment heard_at;
      if (waited[0].revents != 0) hear_stream(stream, field, heard_at);
      if (waited[1].revents != 0) hear_monitor(stream, field);
      for (std::size_t i = 0; i < workers_.size(); ++i) {
        if (waited[i + 2].revents != 0) hear(workers_[i], heard_at);
      }
    }
  }
  bool is_over() const {
    for (const Worker& worker : workers_) {
      if (!worker.refused_at || worker.asked) return false;
    }
    return committed_at_ && followed_at_;
  }

  static void ask_again(Worker& worker, const loadgen::Credential& credential) {
    const auto now = Time::now();
    if (worker.asked || worker.refused_at || now - worker.asked_at < question_pause) return;
    worker.connection.send({"VERIFY", credential.client_id, credential.secret});
    worker.asked = true;
    worker.asked_at = now;
    ++worker.questions;
  }

  static void hear(Worker& worker, const Moment& heard_at) {
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

  void hear_stream(const std::string& stream, const std::string& field, const Moment& heard_at) {
    const Reply reply = redis_.take();
    if (!reply) return;
    if (reply->type != REDIS_REPLY_ARRAY) throw std::runtime_error("Redis: " + text_of(*reply));
    const redisReply& entries = *reply->element[0]->element[1];
    for (std::size_t i = 0; i < entries.elements; ++i) {
      last_id_ = text_of(*entries.element[i]->element[0]);
      const redisReply& fields = *entries.element[i]->element[1];
      for (std::size_t f = 0; f + 1 < fields.elements; f += 2) {
        const bool is_it = text_of(*fields.element[f]) == "field" && text_of(*fields.element[f + 1]) == field;
        if (is_it && !followed_at_) followed_at_ = heard_at;
      }
    }
    if (!followed_at_) listen(stream);
  }

  void hear_monitor(const std::string& stream, const std::string& field) {
    monitor_.receive();
    while (const Reply line = monitor_.next()) {
      if (!committed_at_) committed_at_ = moment_of(text_of(*line), stream, field);
    }
  }

  const Options options_;
  Connection redis_;
  Connection monitor_;
  std::vector<Worker> workers_;
  std::string last_id_;
  std::optional<WallClock::time_point> committed_at_;
  std::optional<Moment> followed_at_;
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
