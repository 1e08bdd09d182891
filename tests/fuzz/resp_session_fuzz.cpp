// A whole RESP session over a small table: whatever arrives, its replies are the same however the stream is cut in two,
// and nothing of it is left behind for the next connection.
#include "io/front/resp_session.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/io/front/fixture.hpp"

#include <string>

namespace shearline::front {
namespace {

constexpr std::string_view secret = "right-secret-0001";

struct World {
  World() {
    credentials.put("acme", secret, "older-secret-0001", credentials.clock.now_ms() + 5'000,
                    "coming-secret-001");
    credentials.put("other", "other-secret-0001");
  }

  std::string answers(ByteView stream, std::size_t cut) {
    Replies replies(buffers);
    RespSession session(rules, replies, 7);
    std::string sent;
    for (const ByteView piece : {stream.first(cut), stream.subspan(cut)}) {
      if (session.finished()) break;
      Bytes received(piece.begin(), piece.end());
      session.receive(received, turn);
      turn.end();
      std::ranges::fill(received, Byte{'#'});
      if (replies.ready()) sent += to_string(replies.take_finished());
    }
    return sent;
  }

  testing::Credentials credentials;
  Front front{1};
  SessionRules rules{.gateways = {},
                     .engine_version = "1.2.3",
                     .partitions = 2,
                     .front = front,
                     .view = credentials.view,
                     .clock = credentials.clock,
                     .counters = front.counters(0)};
  // As in a worker: one for all connections, one after the other.
  BufferPool buffers;
  Turn turn{{}, credentials.table, credentials.view, credentials.clock, front.counters(0)};
};

// INFO counts what it has served, which differs from one run to the next.
bool mentions_info(ByteView stream) {
  std::string text = to_string(stream);
  for (char& c : text) c = static_cast<char>(c | 0x20);
  return text.find("info") != std::string::npos;
}

}  // namespace
}  // namespace shearline::front

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shearline;
  static front::World world;
  const ByteView stream(data, size);
  const std::string whole = world.answers(stream, size);
  constexpr std::size_t cuts_max = 64;
  const std::size_t step = size / cuts_max + 1;
  for (std::size_t cut = 0; cut < size && !front::mentions_info(stream); cut += step) {
    fuzz::expect(world.answers(stream, cut) == whole, "the same replies in two pieces");
  }
  // Afterwards a right secret is still answered as right: nothing of the input is left behind.
  const std::string request =
      "*3\r\n$6\r\nVERIFY\r\n$4\r\nacme\r\n$17\r\n" + std::string(front::secret) + "\r\n";
  fuzz::expect(world.answers(as_bytes(request), request.size()) == "+current\r\n",
               "the next connection is answered");
  return 0;
}
