// Where the time of one check goes between the receive buffer and the reply, without sockets: the same frames through
// more and more of the path (copy, parse, gather, verify), on one thread. What one stage costs is the difference to
// the stage before it. Every run counts its verdicts, so it cannot measure nothing.
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/random.hpp"
#include "engine/batch.hpp"
#include "io/front/resp_session.hpp"
#include "io/front/turn.hpp"
#include "loadgen/population.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace shearline {
namespace {

constexpr std::size_t pairs_per_frame = 256;
constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::size_t buffers_per_turn = 4;
constexpr std::size_t wrong_one_in = 10;
constexpr int rounds = 7;
constexpr std::uint64_t seed = 7;

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

  Traffic(const loadgen::Population& population, std::size_t wanted) {
    SeededRandom random(seed + 1);
    while (pairs < wanted) {
      wire::write_array_header(bytes, 1 + 2 * pairs_per_frame);
      wire::write_bulk(bytes, "MVERIFY");
      for (std::size_t i = 0; i < pairs_per_frame; ++i, ++pairs) {
        auto credential = population.at(random.next_u64() % population.size());
        if (random.next_u64() % wrong_one_in == 0)
          credential.secret[0] = credential.secret[0] == 'a' ? 'b' : 'a';
        wire::write_bulk(bytes, credential.client_id);
        wire::write_bulk(bytes, credential.secret);
      }
    }
  }
};

class Bench {
 public:
  explicit Bench(std::size_t credentials)
      : population_(loadgen::Population::generated(credentials, seed)),
        table_({.capacity_hint = credentials, .workers = 1}, pepper_, random_),
        traffic_(population_, 400'000) {
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

  template <class Take>  // take(buffer, last_of_turn)
  double run(Take take) {
    std::array<double, rounds> ns{};
    for (double& each : ns) {
      const double begin = cpu_ns();
      std::size_t buffer = 0;
      for (std::size_t at = 0; at < traffic_.bytes.size(); at += buffer_bytes) {
        const ByteView from =
            ByteView(traffic_.bytes).subspan(at, std::min(buffer_bytes, traffic_.bytes.size() - at));
        const ByteSpan to = ByteSpan(received_[buffer]).first(from.size());
        std::memcpy(to.data(), from.data(), from.size());
        buffer = (buffer + 1) % buffers_per_turn;
        take(ByteView(to), buffer == 0 || at + buffer_bytes >= traffic_.bytes.size());
      }
      each = (cpu_ns() - begin) / static_cast<double>(traffic_.pairs);
    }
    std::ranges::sort(ns);
    return ns[rounds / 2];
  }

  void report() {
    const double copied = run([this](ByteView bytes, bool) { sink_ += bytes.back(); });
    wire::RespParser parser;
    std::size_t arguments = 0;
    const double parsed = run([&](ByteView bytes, bool) {
      parser.feed(bytes);
      for (auto event = parser.next(); event != wire::RespParser::Event::need_more; event = parser.next()) {
        arguments += event == wire::RespParser::Event::argument ? 1U : 0U;
      }
    });
    const double verified = run_session();
    std::printf(
        "%zu credentials, ns of CPU a check: copy %.1f, parse %.1f, all %.1f (arguments %zu, accepted %zu)\n",
        population_.size(), copied, parsed, verified, arguments, accepted_);
    if (accepted_ == 0 || arguments == 0) std::exit(1);
  }

 private:
  // The whole path but the socket: what a worker does with each receive buffer, and at the end of each turn.
  double run_session() {
    front::Front front(1);
    front::Turn turn({}, table_, view_, clock_, front.counters(0));
    const front::SessionRules rules{.gateways = {},
                                    .engine_version = "bench",
                                    .front = front,
                                    .view = view_,
                                    .clock = clock_,
                                    .counters = front.counters(0)};
    front::BufferPool pool;
    front::Replies replies(pool);
    front::RespSession session(rules, replies, 1);
    return run([&](ByteView bytes, bool last_of_turn) {
      session.receive(bytes, turn);
      if (!last_of_turn) return;
      turn.end();
      if (!replies.ready()) return;
      Bytes sent = replies.take_finished();
      accepted_ += static_cast<std::size_t>(std::ranges::count(sent, Byte{'c'}));
      pool.give(std::move(sent));
    });
  }

  FixedClock clock_;
  SeededRandom random_{seed};
  Key pepper_ = random_key(random_);
  loadgen::Population population_;
  engine::View view_;
  engine::Table table_;
  Traffic traffic_;
  std::array<std::array<Byte, buffer_bytes>, buffers_per_turn> received_{};
  std::size_t sink_ = 0;
  std::size_t accepted_ = 0;
};

}  // namespace
}  // namespace shearline

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) shearline::Bench(std::strtoul(argv[i], nullptr, 10)).report();
  if (argc == 1) shearline::Bench(1'000).report();
}
