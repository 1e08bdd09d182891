// The RESP codec by itself: what a request parses to however the stream is cut, every way framing can be
// broken, and what replies look like.
#include "io/wire/resp.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shearline::wire {
namespace {

using Event = RespParser::Event;

// What was seen, as text: "*2 VERIFY a" or a fault, so that expectations read like the protocol.
enum class Reading : std::uint8_t { by_argument, in_pairs };
std::string transcript(std::string_view stream, const std::vector<std::size_t>& cuts,
                       Reading reading = Reading::by_argument) {
  RespParser parser;
  std::string seen;
  std::size_t from = 0;
  const auto see_pairs = [&] {
    ByteView first;
    ByteView second;
    while (reading == Reading::in_pairs && parser.next_pair(first, second)) {
      seen += " " + to_string(first) + " " + to_string(second);
    }
  };
  const auto feed = [&](std::string_view piece) {
    // A copy of exactly this size, so that reading past the piece is caught by the sanitizer.
    const std::vector<Byte> exact(piece.begin(), piece.end());
    parser.feed(exact);
    for (see_pairs();; see_pairs()) {
      const Event event = parser.next();
      if (event == Event::need_more) break;
      if (!seen.empty()) seen += ' ';
      if (event == Event::array) seen += "*" + std::to_string(parser.array_items());
      if (event == Event::argument) seen += to_string(parser.argument());
      if (event == Event::oversized_argument) seen += "<too long>";
      if (event == Event::fault) {
        seen += "!" + std::string(parser.fault());
        return false;
      }
    }
    return true;
  };
  for (const std::size_t cut : cuts) {
    if (!feed(stream.substr(from, cut - from))) return seen;
    from = cut;
  }
  if (feed(stream.substr(from)) && parser.inside_request()) seen += " ...";
  return seen;
}

std::string transcript(std::string_view stream) { return transcript(stream, {}); }

std::string request(const std::vector<std::string>& arguments) {
  Bytes out;
  write_array_header(out, arguments.size());
  for (const auto& argument : arguments) write_bulk(out, argument);
  return to_string(out);
}

const std::string three_requests = request({"VERIFY", "acme-prod", "s3cret"}) + request({"PING"}) +
                                   request({"MVERIFY", "a", "", "b.eu", std::string(600, 'x')});
const std::string three_seen =
    "*3 VERIFY acme-prod s3cret *1 PING *5 MVERIFY a  b.eu " + std::string(600, 'x');

TEST(RespParser, YieldsEveryArgumentOfPipelinedRequests) {
  EXPECT_EQ(transcript(three_requests), three_seen);
}

TEST(RespParser, SeesTheSameWhereverTheStreamIsCutInTwo) {
  for (std::size_t cut = 0; cut <= three_requests.size(); ++cut) {
    ASSERT_EQ(transcript(three_requests, {cut}), three_seen) << "cut at " << cut;
  }
}

TEST(RespParser, SeesTheSameByteByByte) {
  std::vector<std::size_t> every_byte;
  for (std::size_t i = 1; i < three_requests.size(); ++i) every_byte.push_back(i);
  EXPECT_EQ(transcript(three_requests, every_byte), three_seen);
}

TEST(RespParser, YieldsAnArgumentBeforeTheRequestIsComplete) {
  EXPECT_EQ(transcript("*5\r\n$7\r\nMVERIFY\r\n$1\r\na\r\n$3\r\nse"), "*5 MVERIFY a ...");
}

// Ids and secrets mostly as long as those before them, and some not.
const std::string pairs = [] {
  std::vector<std::string> arguments{"MVERIFY"};
  for (const auto& [id, secret] : std::vector<std::pair<std::size_t, std::size_t>>{{26, 43},
                                                                                   {26, 43},
                                                                                   {26, 43},
                                                                                   {26, 44},
                                                                                   {9, 43},
                                                                                   {26, 43},
                                                                                   {10, 10},
                                                                                   {10, 10},
                                                                                   {64, 99},
                                                                                   {64, 100}}) {
    arguments.emplace_back(id, 'i');
    arguments.emplace_back(secret, 's');
  }
  return request(arguments) + request(arguments);
}();

TEST(RespParser, SeesPairsAsItSeesTheirArgumentsWhereverTheStreamIsCutInTwo) {
  const std::string seen = transcript(pairs);
  for (std::size_t cut = 0; cut <= pairs.size(); ++cut) {
    ASSERT_EQ(transcript(pairs, {cut}, Reading::in_pairs), seen) << "cut at " << cut;
  }
}

// What it remembers of a pair is how it was framed: after two pairs with other ids and secrets in the same buffer it is the
// same, byte by byte.
TEST(RespParser, KeepsNothingOfAnIdOrASecretOfAPair) {
  Bytes buffer;
  const auto parser_after = [&buffer](char id, char secret) {
    const std::string stream = request({"MVERIFY", std::string(26, id), std::string(43, secret)});
    buffer.assign(stream.begin(), stream.end());
    alignas(RespParser) std::array<Byte, sizeof(RespParser)> memory{};
    auto* const parser = std::construct_at(reinterpret_cast<RespParser*>(memory.data()));
    parser->feed(buffer);
    EXPECT_EQ(parser->next(), Event::array);
    EXPECT_EQ(parser->next(), Event::argument);
    ByteView first;
    ByteView second;
    EXPECT_TRUE(parser->next_pair(first, second));
    EXPECT_EQ(parser->next(), Event::need_more);
    const auto kept = memory;
    std::destroy_at(parser);
    return kept;
  };
  EXPECT_EQ(parser_after('i', 's'), parser_after('j', 't'));
}

// What looks like the pair before is not taken for one that is framed like it.
TEST(RespParser, SeesPairsAsItSeesTheirArgumentsWhicheverByteIsWrong) {
  for (std::size_t at = 0; at < pairs.size(); ++at) {
    for (const char wrong : std::string_view("019$*\r\n:x\0", 10)) {
      std::string stream = pairs;
      stream[at] = wrong;
      ASSERT_EQ(transcript(stream, {}, Reading::in_pairs), transcript(stream)) << at << " is " << int{wrong};
    }
  }
}

TEST(RespParser, ArgumentThatLiesWholeInTheBufferIsNotCopied) {
  const std::string stream = request({"PING"});
  RespParser parser;
  parser.feed(as_bytes(stream));
  EXPECT_EQ(parser.next(), Event::array);
  EXPECT_EQ(parser.next(), Event::argument);
  EXPECT_FALSE(parser.argument_is_transient());
  EXPECT_EQ(parser.argument().data(), as_bytes(stream).data() + stream.find("PING"));
}

TEST(RespParser, ArgumentThatArrivedInPiecesIsTransientAndThenWiped) {
  const std::string stream = request({"ECHO", "s3cret"});
  const std::size_t cut = stream.find("cret");
  RespParser parser;
  parser.feed(as_bytes(stream).first(cut));
  while (parser.next() != Event::need_more) {
  }
  parser.feed(as_bytes(stream).subspan(cut));
  ASSERT_EQ(parser.next(), Event::argument);
  ASSERT_TRUE(parser.argument_is_transient());
  const ByteView carried = parser.argument();
  EXPECT_EQ(as_text(carried), "s3cret");
  EXPECT_EQ(parser.next(), Event::need_more);
  EXPECT_EQ(as_text(carried), std::string_view("\0\0\0\0\0\0", 6));
}

TEST(RespParser, ArgumentOfTheLongestLengthIsYielded) {
  const std::string longest(resp_argument_bytes_max, 'k');
  const std::string stream = request({longest});
  for (std::size_t cut = 0; cut <= stream.size(); cut += 7)
    ASSERT_EQ(transcript(stream, {cut}), "*1 " + longest);
}

TEST(RespParser, LongerArgumentIsCountedPastAndItsNeighboursAreSound) {
  for (const std::size_t size : {resp_argument_bytes_max + 1, std::size_t{70'000}, resp_bulk_bytes_max}) {
    const std::string stream = request({"MVERIFY", "a", std::string(size, '*'), "b", "c"});
    EXPECT_EQ(transcript(stream), "*5 MVERIFY a <too long> b c");
    EXPECT_EQ(transcript(stream, {5, 40, 500, size}), "*5 MVERIFY a <too long> b c");
  }
}

TEST(RespParser, EmptyArrayIsNoRequest) {
  EXPECT_EQ(transcript("*0\r\n*0\r\n" + request({"PING"})), "*1 PING");
}

TEST(RespParser, LargestArrayBegins) { EXPECT_EQ(transcript("*65536\r\n"), "*65536 ..."); }

struct Broken {
  const char* name;
  std::string stream;
  std::string seen;
};

class RespParserRefuses : public testing::TestWithParam<Broken> {};

TEST_P(RespParserRefuses, WhereverTheStreamIsCut) {
  const Broken& broken = GetParam();
  for (std::size_t cut = 0; cut <= broken.stream.size(); ++cut)
    ASSERT_EQ(transcript(broken.stream, {cut}), broken.seen);
}

const std::string no_array = "!expected an array ('*'); inline commands and HTTP are not spoken here";

INSTANTIATE_TEST_SUITE_P(
    BrokenFraming, RespParserRefuses,
    testing::Values(
        Broken{"Inline", "PING\r\n", no_array}, Broken{"Http", "GET / HTTP/1.1\r\n\r\n", no_array},
        Broken{"TlsHello", "\x16\x03\x01", no_array}, Broken{"BulkAlone", "$4\r\nPING\r\n", no_array},
        Broken{"InlineAfterARequest", "*1\r\n$4\r\nPING\r\nPING\r\n", "*1 PING " + no_array},
        Broken{"NoCount", "*\r\n", "!invalid array length"},
        Broken{"NegativeCount", "*-1\r\n", "!invalid array length"},
        Broken{"PlusCount", "*+1\r\n", "!invalid array length"},
        Broken{"CountWithLetters", "*1x\r\n", "!invalid array length"},
        Broken{"CountWithLeadingZero", "*01\r\n", "!invalid array length"},
        Broken{"EndlessZeros", "*000000000000", "!invalid array length"},
        Broken{"ArrayTooLarge", "*65537\r\n", "!an array of more than 65536 items"},
        Broken{"CountThatWouldOverflow", "*99999999999999999999999\r\n",
               "!an array of more than 65536 items"},
        Broken{"CountWithoutLf", "*1\r$", "!expected CRLF after the array length"},
        Broken{"CountWithBareLf", "*1\n", "!invalid array length"},
        Broken{"Nested", "*1\r\n*1\r\n$4\r\nPING\r\n", "*1 !nested arrays are not accepted"},
        Broken{"NotABulk", "*1\r\n:1\r\n", "*1 !expected a bulk string ('$')"},
        Broken{"NullBulk", "*1\r\n$-1\r\n", "*1 !invalid bulk length"},
        Broken{"NoLength", "*1\r\n$\r\n", "*1 !invalid bulk length"},
        Broken{"LengthWithLeadingZero", "*1\r\n$04\r\nPING\r\n", "*1 !invalid bulk length"},
        Broken{"BulkTooLarge", "*1\r\n$1048577\r\n", "*1 !a bulk string of more than 1048576 bytes"},
        Broken{"LengthThatWouldOverflow", "*1\r\n$99999999999999999999\r\n",
               "*1 !a bulk string of more than 1048576 bytes"},
        Broken{"LengthWithoutLf", "*1\r\n$4\rPING\r\n", "*1 !expected CRLF"},
        Broken{"BodyLongerThanSaid", "*1\r\n$4\r\nPINGS\r\n", "*1 !expected CRLF"},
        Broken{"BodyShorterThanSaid", "*1\r\n$5\r\nPING\r\n*1\r\n", "*1 !expected CRLF"},
        Broken{"BodyWithoutLf", "*1\r\n$4\r\nPING\r\r", "*1 !expected CRLF after a bulk string"},
        Broken{"EmptyBodyWithoutCrlf", "*1\r\n$0\r\nxx", "*1 !expected CRLF"}),
    [](const auto& test) { return test.param.name; });

TEST(RespParser, FaultStays) {
  RespParser parser;
  parser.feed(as_bytes("GET"));
  EXPECT_EQ(parser.next(), Event::fault);
  EXPECT_EQ(parser.next(), Event::fault);
  parser.feed(as_bytes("*1\r\n"));
  EXPECT_EQ(parser.next(), Event::fault);
}

// Whatever the bytes and the cuts: cutting never changes what is seen, and nothing is read beyond the pieces.
TEST(RespParser, RandomStreamsAreSeenAlikeWhereverTheyAreCut) {
  SeededRandom random(20'260'131);
  constexpr std::string_view alphabet = "**$$0112345\r\r\n\n\r\n\r\nabc";
  std::size_t whole_requests = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string stream = round % 2 == 0 ? three_requests.substr(0, random.next_u64() % 60) : "*1\r\n$1\r\n";
    const std::size_t garbage = random.next_u64() % 24;
    for (std::size_t i = 0; i < garbage; ++i) stream += alphabet[random.next_u64() % alphabet.size()];
    std::vector<std::size_t> cuts;
    for (std::size_t at = random.next_u64() % 5; at < stream.size(); at += 1 + random.next_u64() % 9) {
      cuts.push_back(at);
    }
    const std::string whole = transcript(stream);
    ASSERT_EQ(transcript(stream, cuts), whole);
    whole_requests += whole.find('!') == std::string::npos ? 1 : 0;
  }
  EXPECT_GT(whole_requests, 100U);
}

std::string written(const std::function<void(Bytes&)>& writer) {
  Bytes out;
  writer(out);
  return to_string(out);
}

TEST(RespWriters, WriteEachTypeOfReply) {
  EXPECT_EQ(written([](Bytes& out) { write_simple(out, "current"); }), "+current\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_error(out, "ERR no"); }), "-ERR no\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_error(out, {"ERR no ", "", "good"}); }), "-ERR no good\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_integer(out, -42); }), ":-42\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_bulk(out, "cgr"); }), "$3\r\ncgr\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_bulk(out, ""); }), "$0\r\n\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_array_header(out, 0); }), "*0\r\n");
}

TEST(RespWriters, MapAndNullFollowTheVersion) {
  EXPECT_EQ(written([](Bytes& out) { write_map_header(out, 2, RespVersion::resp2); }), "*4\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_map_header(out, 2, RespVersion::resp3); }), "%2\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_null(out, RespVersion::resp2); }), "$-1\r\n");
  EXPECT_EQ(written([](Bytes& out) { write_null(out, RespVersion::resp3); }), "_\r\n");
}

}  // namespace
}  // namespace shearline::wire
