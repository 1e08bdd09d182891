// The RESP request parser: whatever arrives, it sees the same requests however the stream is cut (cuts.hpp: in two at
// every byte of all but long ones, byte by byte, in pieces of any sizes), and it yields nothing that was not sent.
#include "io/wire/resp.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/expect.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace shearline::wire {
namespace {

using fuzz::expect;

void see(RespParser& parser, ByteView piece, std::string& seen) {
  const Bytes exact(piece.begin(), piece.end());
  parser.feed(exact);
  for (auto event = parser.next(); event != RespParser::Event::need_more; event = parser.next()) {
    switch (event) {
      case RespParser::Event::array:
        expect(parser.array_items() >= 1 && parser.array_items() <= resp_array_items_max,
               "array size in its bounds");
        (seen += "*") += std::to_string(parser.array_items());
        break;
      case RespParser::Event::argument:
        expect(parser.argument().size() <= resp_argument_bytes_max, "argument size in its bounds");
        (seen += "$") += as_text(parser.argument());
        break;
      case RespParser::Event::oversized_argument:
        seen += "#";
        break;
      default:
        (seen += "!") += parser.fault();
        expect(parser.next() == RespParser::Event::fault, "a fault stays");
        return;
    }
  }
}

std::string seen_in(std::span<const ByteView> pieces) {
  RespParser parser;
  std::string seen;
  for (const ByteView piece : pieces) {
    if (parser.fault().empty()) see(parser, piece, seen);
  }
  return seen;
}

// As MVERIFY is read: pairs in one step wherever they lie whole in what was fed.
std::string seen_in_pairs(std::span<const ByteView> pieces) {
  RespParser parser;
  std::string seen;
  for (const ByteView piece : pieces) {
    const Bytes exact(piece.begin(), piece.end());
    parser.feed(exact);
    for (;;) {
      ByteView first;
      ByteView second;
      while (parser.next_pair(first, second)) (((seen += "$") += as_text(first)) += "$") += as_text(second);
      const auto event = parser.next();
      if (event == RespParser::Event::need_more) break;
      if (event == RespParser::Event::array) (seen += "*") += std::to_string(parser.array_items());
      if (event == RespParser::Event::argument) (seen += "$") += as_text(parser.argument());
      if (event == RespParser::Event::oversized_argument) seen += "#";
      if (event == RespParser::Event::fault) return seen + "!" + std::string(parser.fault());
    }
  }
  return seen;
}

}  // namespace
}  // namespace shearline::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shearline;
  const ByteView stream(data, size);
  const std::string whole = wire::seen_in({{stream}});
  fuzz::Cuts cuts(stream);
  fuzz::expect(wire::seen_in(cuts.in_many(1)) == whole, "the same byte by byte");
  const std::vector<ByteView> pieces = cuts.in_many(wire::resp_argument_bytes_max);
  fuzz::expect(wire::seen_in(pieces) == whole, "the same in many pieces");
  fuzz::expect(wire::seen_in_pairs(pieces) == whole, "the same in many pieces, in pairs");
  for (const std::size_t cut : cuts.in_two(2 * size)) {
    const std::array<ByteView, 2> halves{stream.first(cut), stream.subspan(cut)};
    fuzz::expect(wire::seen_in(halves) == whole, "the same in two pieces");
    fuzz::expect(wire::seen_in_pairs(halves) == whole, "the same in two pieces, in pairs");
  }
  return 0;
}
