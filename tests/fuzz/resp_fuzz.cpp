// The RESP request parser: whatever arrives, it sees the same requests however the stream is cut, in two at every
// byte and byte by byte, and it yields nothing that was not sent.
#include "io/wire/resp.hpp"
#include "tests/fuzz/expect.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace shearline::wire {
namespace {

using fuzz::expect;

// Longer streams are cut at fewer places: cutting is quadratic.
constexpr std::size_t cut_everywhere_bytes_max = 256;
constexpr std::size_t cuts_of_long_streams = 32;

void see(RespParser& parser, ByteView piece, std::string& seen) {
  const Bytes exact(piece.begin(), piece.end());
  parser.feed(exact);
  for (auto event = parser.next(); event != RespParser::Event::need_more; event = parser.next()) {
    switch (event) {
      case RespParser::Event::array:
        expect(parser.array_items() >= 1 && parser.array_items() <= resp_array_items_max,
               "array size in its bounds");
        seen += "*" + std::to_string(parser.array_items());
        break;
      case RespParser::Event::argument:
        expect(parser.argument().size() <= resp_argument_bytes_max, "argument size in its bounds");
        seen += "$" + to_string(parser.argument());
        break;
      case RespParser::Event::oversized_argument:
        seen += "#";
        break;
      default:
        seen += "!" + std::string(parser.fault());
        expect(parser.next() == RespParser::Event::fault, "a fault stays");
        return;
    }
  }
}

std::string seen_in_two(ByteView stream, std::size_t cut) {
  RespParser parser;
  std::string seen;
  see(parser, stream.first(cut), seen);
  if (seen.find('!') == std::string::npos || parser.fault().empty()) see(parser, stream.subspan(cut), seen);
  return seen;
}

std::string seen_byte_by_byte(ByteView stream) {
  RespParser parser;
  std::string seen;
  for (std::size_t at = 0; at < stream.size() && parser.fault().empty(); ++at)
    see(parser, stream.subspan(at, 1), seen);
  return seen;
}

// As MVERIFY is read: pairs in one step wherever they lie whole in what was fed.
std::string seen_in_pairs(ByteView stream, std::size_t cut) {
  RespParser parser;
  std::string seen;
  for (const ByteView piece : {stream.first(cut), stream.subspan(cut)}) {
    const Bytes exact(piece.begin(), piece.end());
    parser.feed(exact);
    for (;;) {
      ByteView first;
      ByteView second;
      while (parser.next_pair(first, second)) seen += "$" + to_string(first) + "$" + to_string(second);
      const auto event = parser.next();
      if (event == RespParser::Event::need_more) break;
      if (event == RespParser::Event::array) seen += "*" + std::to_string(parser.array_items());
      if (event == RespParser::Event::argument) seen += "$" + to_string(parser.argument());
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
  const std::string whole = wire::seen_in_two(stream, size);
  fuzz::expect(wire::seen_byte_by_byte(stream) == whole, "the same byte by byte");
  const std::size_t step = size <= wire::cut_everywhere_bytes_max ? 1 : size / wire::cuts_of_long_streams;
  for (std::size_t cut = 0; cut <= size; cut += step) {
    fuzz::expect(wire::seen_in_two(stream, cut) == whole, "the same in two pieces");
    fuzz::expect(wire::seen_in_pairs(stream, cut) == whole, "the same in pairs");
  }
  return 0;
}
