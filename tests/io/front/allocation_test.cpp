// A program of its own, because it replaces operator new: a worker in steady state allocates nothing for a
// verification, from the socket to the verdict and back.
#include "tests/counted_new.hpp"
#include "tests/io/front/service.hpp"

namespace shearline::front {
namespace {

using shearline::testing::allocations;
using shearline::testing::allocations_are_counted;
using testing::Peer;
using testing::request;
using testing::right;

class Steady : public testing::Service {};
SHEARLINE_ON_EACH_BACKEND(Steady);

// What is asked once in a while may: HELLO, AUTH, INFO, and what else clients say of themselves.
TEST_P(Steady, NoVerificationAllocatesWhateverItsVerdict) {
  at_thread_start = [] { allocations_are_counted = true; };
  start();
  std::vector<std::string> bulk{"MVERIFY"};
  for (int i = 0; i < 256; ++i)
    bulk.insert(bulk.end(), {i % 3 == 0 ? "nobody" : "acme", i % 2 == 0 ? right : "wrong"});
  std::string requests = request(bulk) + request({"MVERIFYKEY", "sl_acme.x", "no key"}) + request({"PING"}) +
                         request({"ECHO", std::string(600, 'e')}) + request({"EXPLAIN", "acme", "wrong"}) +
                         request({"EXPLAIN", "acme", right}) + request({"VERIFYKEY", "sl_acme.x"}) +
                         request({"VERIFY", "", std::string(5'000, 'x')});
  // And refusals of requests.
  bulk.pop_back();
  requests += request(bulk) + request({"VERIFY", "acme"}) + request({"VERIFFY"}) + request({"\xff"}) +
              request({"ECHO", std::string(700, 'e')}) +
              request(std::vector<std::string>(1 + 4097, "MVERIFYKEY"));
  for (int i = 0; i < 200; ++i) requests += request({"VERIFY", "acme", i % 5 == 0 ? "wrong" : right});
  const std::string whole = requests;
  const std::string end = request({"ECHO", "the-end"});
  std::vector<Peer> peers;
  peers.reserve(4);
  for (int i = 0; i < 4; ++i) peers.emplace_back(port);
  const auto round = [&](std::size_t cut) {
    for (Peer& peer : peers) {
      ASSERT_TRUE(peer.send(std::string_view(whole).substr(0, cut)));
      ASSERT_TRUE(peer.send(std::string_view(whole).substr(cut)));
      ASSERT_TRUE(peer.send(end));
    }
    for (Peer& peer : peers) {
      std::string heard;
      while (!heard.ends_with("the-end\r\n")) {
        const std::string more = peer.read(1);
        ASSERT_FALSE(more.empty());
        heard += more;
      }
    }
  };
  // Buffers are made until there are as many, and as long ones, as ever are in use at once; how soon that is depends on
  // how much of what was sent a turn finds. What allocated for each request would never come to this end.
  constexpr std::size_t cuts = 30;
  constexpr std::size_t steady_rounds = 2 * cuts;
  constexpr std::size_t rounds_max = 100 * cuts;
  std::size_t without = 0;
  for (std::size_t i = 0; i < rounds_max && without < steady_rounds; ++i) {
    const std::size_t before = allocations;
    round(i % cuts * whole.size() / cuts);
    without = allocations == before ? without + 1 : 0;
  }
  EXPECT_GT(allocations, 0U) << "nothing is counted";
  EXPECT_EQ(without, steady_rounds);
}

}  // namespace
}  // namespace shearline::front
