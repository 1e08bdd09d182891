// A whole RESP session over a small table, on a listener that is open and on one that wants AUTH: whatever arrives, its
// replies are the same however the stream is cut, a request that stays unfinished is ended with one error after the
// replies that were due, nobody has anything checked without the token, and nothing is left behind for the next
// connection. How it is cut: cuts.hpp.
#include "io/front/resp_session.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/io/front/fixture.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::front {
namespace {

using fuzz::expect;

constexpr std::string_view secret = "right-secret-0001";
constexpr std::string_view token = "gate-token-0001";
constexpr std::string_view timed_out =
    "-ERR Protocol error: the rest of a request did not arrive in time\r\n";

constexpr std::size_t timeouts = 8;

// What is asked of a listener with a small bound: beyond it INFO, the one reply that is much longer than its
// request, is refused. All others are at most this many times as long as what asked for them.
constexpr std::size_t unsent_bytes_small = 1024;
constexpr std::size_t info_bytes_max = 4096;
constexpr std::size_t reply_to_request_max = 16;

bool contains(ByteView stream, std::string_view text) {
  return !std::ranges::search(stream, as_bytes(text)).empty();
}

class World {
 public:
  World() {
    credentials_.put("acme", secret, "older-secret-0001", credentials_.clock.now_ms() + 5'000,
                     "coming-secret-001");
    credentials_.put("other", "other-secret-0001");
  }

  SessionRules open_listener() { return rules({}, 1 << 30); }
  SessionRules guarded_listener() { return rules(gateways_, 1 << 30); }
  SessionRules bounded_listener() { return rules({}, unsent_bytes_small); }

  // What a client hears that sends these pieces, each a turn of its own; `impatient`: and that is timed out after them.
  std::string heard(const SessionRules& rules, std::span<const ByteView> pieces, bool impatient = false) {
    wind_counters_back();
    Replies replies(buffers_);
    RespSession session(rules, replies, 7);
    std::string out;
    for (const ByteView piece : pieces) {
      if (session.finished()) break;
      Bytes received(piece.begin(), piece.end());
      session.receive(received, turn_);
      turn_.end();
      std::ranges::fill(received, Byte{'#'});
      if (replies.ready()) out += to_string(replies.take_finished());
    }
    if (impatient && session.inside_request()) {
      session.time_out(turn_);
      turn_.end();
      out += to_string(replies.take_finished());
      expect(session.finished() && out.ends_with(timed_out), "half a request is ended with an error");
      out.resize(out.size() - timed_out.size());
    }
    return without_batches(std::move(out));
  }

  std::uint64_t checks() const {
    return front_.counters(0).checks_total() - engine::outcome_count * counts_from;
  }

 private:
  // So many digits at least has every count of INFO, so that its length does not depend on them.
  static constexpr std::uint64_t counts_from = 1'000'000'000;

  SessionRules rules(std::span<const Gateway> gateways, std::size_t unsent_bytes_max) {
    return {.gateways = gateways,
            .engine_version = "1.2.3",
            .partitions = 2,
            .unsent_bytes_max = unsent_bytes_max,
            .front = front_,
            .view = credentials_.view,
            .clock = credentials_.clock,
            .counters = front_.counters(0)};
  }

  // INFO says the same to every connection that says the same.
  void wind_counters_back() {
    WorkerCounters& all = front_.counters(0);
    for (Counter& each : all.checks) each.add(counts_from - each.value());
    for (Counter* each :
         {&all.batches, &all.commands, &all.command_errors, &all.protocol_errors, &all.refused_logins})
      each->add(counts_from - each->value());
  }

  // What INFO says of checks depends on the cuts by right: they are counted when the turn's batch is run.
  static std::string without_batches(std::string heard) {
    for (const std::string_view name : {"shearline_batches:", "shearline_checks", ",checks="}) {
      for (auto at = heard.find(name); at != std::string::npos; at = heard.find(name, at + 1)) {
        for (auto i = at + name.size(); i < heard.size() && heard[i] != '\r' && heard[i] != ','; ++i) {
          if (heard[i] >= '0' && heard[i] <= '9') heard[i] = '#';
        }
      }
    }
    return heard;
  }

  testing::Credentials credentials_;
  const std::array<Gateway, 2> gateways_{
      {{"gate", testing::token_hash(token)}, {"default", testing::token_hash(token)}}};
  Front front_{1};
  // As in a worker: one for all connections, one after the other.
  BufferPool buffers_;
  Turn turn_{{}, credentials_.table, credentials_.view, credentials_.clock, front_.counters(0)};
};

void check_cuts(World& world, const SessionRules& rules, ByteView stream, fuzz::Cuts& cuts) {
  const std::string whole = world.heard(rules, {{stream}});
  // A reply may be much longer than its request (INFO), and costs more to form than the request to read.
  const std::size_t cost_bytes = stream.size() + 2 * whole.size();
  for (const std::size_t cut : cuts.in_two(cost_bytes)) {
    expect(world.heard(rules, {{stream.first(cut), stream.subspan(cut)}}) == whole,
           "the same replies in two pieces");
  }
  for (const std::size_t piece_bytes_max : {1, 64})
    expect(world.heard(rules, cuts.in_many(piece_bytes_max)) == whole, "the same replies in many pieces");
  for (const std::size_t cut : cuts.some(timeouts)) {
    expect(whole.starts_with(world.heard(rules, {{stream.first(cut)}}, true)),
           "what was due goes before a timeout");
  }
}

void check_login(World& world, ByteView stream) {
  world.heard(world.guarded_listener(), {{stream}});
  expect(world.checks() == 0 || contains(stream, token), "nothing is checked without the token");
}

void check_bounds(World& world, ByteView stream) {
  const std::size_t heard = world.heard(world.bounded_listener(), {{stream}}).size();
  expect(heard <= reply_to_request_max * stream.size() + unsent_bytes_small + info_bytes_max,
         "replies in proportion to their requests");
}

// A right secret is still answered as right.
void check_the_next_connection(World& world) {
  const std::string request = testing::request({"VERIFY", "acme", std::string(secret)});
  expect(world.heard(world.open_listener(), {{as_bytes(request)}}) == "+current\r\n",
         "the next connection is answered");
}

}  // namespace
}  // namespace shearline::front

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shearline;
  using namespace shearline::front;
  static World world;
  const ByteView stream(data, size);
  fuzz::Cuts cuts(stream);
  check_cuts(world, world.open_listener(), stream, cuts);
  check_cuts(world, world.guarded_listener(), stream, cuts);
  check_login(world, stream);
  check_bounds(world, stream);
  check_the_next_connection(world);
  return 0;
}
