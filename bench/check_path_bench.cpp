// Where the time of one check goes between the receive buffer and the reply, without sockets: the same frames through
// more and more of the path (copy, parse, gather, verify), on one thread. What one stage costs is the difference to
// the stage before it. Every run holds each verdict against what the secret deserved and prints a hash of all replies, so
// it cannot measure nothing. scripts/bench shows it as "path".
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"
#include "engine/batch.hpp"
#include "io/front/resp_session.hpp"
#include "io/front/turn.hpp"
#include "loadgen/population.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>
#include <vector>

namespace shearline::bench {
namespace {

using nlohmann::json;

constexpr std::size_t pairs_per_frame = 256;
constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::size_t buffers_per_turn = 4;
constexpr std::size_t wrong_one_in = 10;
constexpr std::uint64_t seed = 7;

struct Options {
  std::vector<std::size_t> credentials = {1'000};
  std::size_t checks = 400'000;
  std::size_t rounds = 7;
  bool as_json = false;
};

struct FixedClock final : Clock {
  TimeMs now_ms() override { return 1'800'000'000'000; }
};

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Frames of MVERIFY over random clients, cut into receive buffers as a socket would cut them.
struct Traffic {
  Bytes bytes;
  std::size_t pairs = 0;
  std::size_t right = 0;  // of the pairs

  Traffic(const loadgen::Population& population, std::size_t wanted) {
    SeededRandom random(seed + 1);
    while (pairs < wanted) {
      wire::write_array_header(bytes, 1 + 2 * pairs_per_frame);
      wire::write_bulk(bytes, "MVERIFY");
      for (std::size_t i = 0; i < pairs_per_frame; ++i, ++pairs) {
        auto credential = population.at(random.next_u64() % population.size());
        if (random.next_u64() % wrong_one_in == 0) {
          credential.secret[0] = credential.secret[0] == 'a' ? 'b' : 'a';
        } else {
          ++right;
        }
        wire::write_bulk(bytes, credential.client_id);
        wire::write_bulk(bytes, credential.secret);
      }
    }
  }
};

// Of one check, over all rounds.
struct Cost {
  double median_ns = 0;
  double lowest_ns = 0;
};

json to_json(const Cost& cost) { return {{"median_ns", cost.median_ns}, {"lowest_ns", cost.lowest_ns}}; }

// What a worker has for one connection, and all connections of it share.
struct Service {
  Service(engine::Table& table, const engine::View& view, Clock& clock)
      : turn({}, table, view, clock, front.counters(0)),
        rules{.gateways = {},
              .engine_version = "bench",
              .front = front,
              .view = view,
              .clock = clock,
              .counters = front.counters(0)} {}

  front::Front front{1};
  front::Turn turn;
  const front::SessionRules rules;
  front::BufferPool pool;
  front::Replies replies{pool};
  front::RespSession session{rules, replies, 1};
};

class Bench {
 public:
  Bench(const Options& options, std::size_t credentials)
      : rounds_(options.rounds),
        population_(loadgen::Population::generated(credentials, seed)),
        table_({.capacity_hint = credentials, .workers = 1}, pepper_, random_),
        traffic_(population_, options.checks) {
    for (std::size_t i = 0; i < credentials; ++i) {
      const auto credential = population_.at(i);
      const Digest digest = engine::digest_of(pepper_, credential.client_id, as_bytes(credential.secret));
      const engine::AcceptedVersion version{
          .role = engine::Outcome::current, .digest = &digest, .version_id = {}};
      table_.put({.client_id = credential.client_id, .revision = 1, .accepted = {&version, 1}});
    }
    view_.loaded = true;
    for (auto& heard : view_.heard_at_ms) heard = clock_.now_ms();
  }

  json run() {
    json out = {{"credentials", population_.size()}, {"checks", traffic_.pairs}};
    out["copy"] = to_json(copied());
    out["parse"] = to_json(parsed());
    out["all"] = to_json(verified());
    out["replies_sha256"] = replies_sha256();
    return out;
  }

 private:
  template <class Take>  // take(buffer, last_of_turn)
  void pass(Take take) {
    std::size_t buffer = 0;
    for (std::size_t at = 0; at < traffic_.bytes.size(); at += buffer_bytes) {
      const ByteView from =
          ByteView(traffic_.bytes).subspan(at, std::min(buffer_bytes, traffic_.bytes.size() - at));
      const ByteSpan to = ByteSpan(received_[buffer]).first(from.size());
      std::memcpy(to.data(), from.data(), from.size());
      buffer = (buffer + 1) % buffers_per_turn;
      take(ByteView(to), buffer == 0 || at + buffer_bytes >= traffic_.bytes.size());
    }
  }

  template <class Take>
  Cost cost_of(Take take) {
    std::vector<double> ns;
    for (std::size_t i = 0; i < rounds_; ++i) {
      const double begin = cpu_ns();
      pass(take);
      ns.push_back((cpu_ns() - begin) / static_cast<double>(traffic_.pairs));
    }
    std::ranges::sort(ns);
    return {.median_ns = ns[ns.size() / 2], .lowest_ns = ns.front()};
  }

  Cost copied() {
    std::size_t sum = 0;
    const Cost cost = cost_of([&sum](ByteView bytes, bool) { sum += bytes.back(); });
    if (sum == 0) throw std::runtime_error("nothing was copied");
    return cost;
  }

  Cost parsed() {
    wire::RespParser parser;
    std::size_t arguments = 0;
    const Cost cost = cost_of([&](ByteView bytes, bool) {
      parser.feed(bytes);
      for (auto event = parser.next(); event != wire::RespParser::Event::need_more; event = parser.next()) {
        arguments += event == wire::RespParser::Event::argument ? 1U : 0U;
      }
    });
    const std::size_t frames = traffic_.pairs / pairs_per_frame;
    if (arguments != rounds_ * (frames + 2 * traffic_.pairs)) throw std::runtime_error("not all was parsed");
    return cost;
  }

  // The whole path but the socket: what a worker does with each receive buffer, and at the end of each turn.
  Cost verified() {
    Service service(table_, view_, clock_);
    std::size_t accepted = 0;
    const Cost cost = cost_of([&](ByteView bytes, bool last_of_turn) {
      serve(service, bytes, last_of_turn, [&accepted](ByteView sent) {
        accepted += static_cast<std::size_t>(std::ranges::count(sent, Byte{'c'}));
      });
    });
    if (accepted != rounds_ * traffic_.right) throw std::runtime_error("not every right secret was accepted");
    return cost;
  }

  std::string replies_sha256() {
    Service service(table_, view_, clock_);
    Bytes replies;
    pass([&](ByteView bytes, bool last_of_turn) {
      serve(service, bytes, last_of_turn,
            [&replies](ByteView sent) { replies.insert(replies.end(), sent.begin(), sent.end()); });
    });
    return hex(sha256(replies));
  }

  template <class Send>
  static void serve(Service& service, ByteView bytes, bool last_of_turn, Send send) {
    service.session.receive(bytes, service.turn);
    if (!last_of_turn) return;
    service.turn.end();
    if (!service.replies.ready()) return;
    Bytes sent = service.replies.take_finished();
    send(sent);
    service.pool.give(std::move(sent));
  }

  const std::size_t rounds_;
  FixedClock clock_;
  SeededRandom random_{seed};
  Key pepper_ = random_key(random_);
  loadgen::Population population_;
  engine::View view_;
  engine::Table table_;
  Traffic traffic_;
  std::array<std::array<Byte, buffer_bytes>, buffers_per_turn> received_{};
};

void print(const json& run) {
  std::printf(
      "%zu credentials, ns of CPU a check: copy %.1f, parse %.1f, all %.1f (lowest %.1f); replies %s\n",
      run["credentials"].get<std::size_t>(), run["copy"]["median_ns"].get<double>(),
      run["parse"]["median_ns"].get<double>(), run["all"]["median_ns"].get<double>(),
      run["all"]["lowest_ns"].get<double>(), run["replies_sha256"].get<std::string>().c_str());
}

int run(const Options& options) {
  json out;
  for (const std::size_t credentials : options.credentials) {
    out["runs"].push_back(Bench(options, credentials).run());
    if (!options.as_json) print(out["runs"].back());
  }
  if (options.as_json) std::printf("%s\n", out.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace shearline::bench

int main(int argc, char** argv) {
  shearline::bench::Options options;
  CLI::App app{"ns of CPU that a check takes from the receive buffer to the reply, without sockets"};
  app.add_option("credentials", options.credentials, "in the table, one run for each number")
      ->check(CLI::PositiveNumber);
  app.add_option("--checks", options.checks, "of each round")->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_flag("--json", options.as_json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  try {
    return shearline::bench::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "check_path_bench: %s\n", error.what());
    return 1;
  }
}
