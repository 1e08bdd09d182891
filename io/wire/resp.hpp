// RESP, the protocol of verification (design: protocols.md section 1): a request parser that yields each
// argument as soon as it has arrived, and the writers of replies. Used by io/front and, for its requests, by
// the load generator. Pure: knows no sockets and no commands.
#pragma once

#include "base/bytes.hpp"
#include "engine/api_key.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shearline::wire {

inline constexpr std::size_t resp_array_items_max = 65'536;
inline constexpr std::size_t resp_bulk_bytes_max = 1 << 20;
// The longest argument that is yielded; longer ones are counted past and reported as too long. Nothing that
// means anything to us is longer, and it bounds what a connection can make us hold.
inline constexpr std::size_t resp_argument_bytes_max = 640;
static_assert(resp_argument_bytes_max >= engine::api_key_bytes_max);

// Incremental: works however the stream is cut, down to single bytes. After feed(), call next() until it
// says need_more. The only bytes it keeps are those of one unfinished argument; they are wiped once used.
//
// Owner: one connection (a test, a fuzzer). Any thread, one at a time.
class RespParser {
 public:
  enum class Event : std::uint8_t {
    need_more,           // all that was fed is used up
    array,               // a request begins: array_items() arguments follow, at least one
    argument,            // argument() is complete
    oversized_argument,  // complete, longer than resp_argument_bytes_max, and skipped
    fault,               // broken framing: fault() says what; nothing more can be parsed
  };

  RespParser() = default;
  ~RespParser();
  RespParser(const RespParser&) = delete;
  RespParser& operator=(const RespParser&) = delete;

  void feed(ByteView received);  // borrowed until need_more
  Event next();

  std::size_t array_items() const { return array_items_; }
  // In the bytes last fed, or, where the argument arrived in pieces, in the parser's own memory: then it is
  // gone at the following next().
  ByteView argument() const { return argument_; }
  bool argument_is_transient() const { return argument_is_carried_; }
  std::string_view fault() const { return fault_; }  // "expected CRLF"
  bool inside_request() const { return state_ != State::array_type; }

 private:
  enum class State : std::uint8_t {
    array_type,
    array_count,
    array_lf,
    bulk_type,
    bulk_length,
    bulk_lf,
    body,
    body_cr,
    body_lf,
    broken,
  };

  bool take_whole_argument();
  Event step();
  Event step_array_count(Byte byte);
  Event step_bulk_length(Byte byte);
  Event take_body();
  Event begin_array();
  Event end_argument(Event event);
  Event expect(Byte byte, Byte wanted, State then);
  Event fail_with(std::string_view why);
  void wipe_carry();

  const Byte* at_ = nullptr;
  const Byte* end_ = nullptr;
  ByteView argument_;
  std::string_view fault_;
  std::size_t array_items_ = 0;
  std::size_t arguments_left_ = 0;
  std::size_t number_ = 0;     // of the header being read, then the length of the argument being read
  std::size_t body_left_ = 0;  // bytes of the argument still to come
  std::uint8_t digits_ = 0;
  State state_ = State::array_type;
  bool argument_is_carried_ = false;
  std::size_t carried_bytes_ = 0;
  std::array<Byte, resp_argument_bytes_max> carry_;
};

// What a connection speaks: RESP2 until HELLO 3.
enum class RespVersion : std::uint8_t { resp2 = 2, resp3 = 3 };

// Writers append. Text of simple strings and errors must not hold CR or LF.
void write_simple(Bytes& out, std::string_view text);
void write_error(Bytes& out, std::string_view text);  // "ERR what is wrong", without the leading '-'
void write_integer(Bytes& out, std::int64_t value);
void write_bulk(Bytes& out, ByteView bytes);
void write_bulk(Bytes& out, std::string_view text);
void write_bulk_header(Bytes& out, std::size_t size);  // then `size` bytes and write_crlf
void write_crlf(Bytes& out);
void write_null(Bytes& out, RespVersion version);
void write_array_header(Bytes& out, std::size_t items);
// A map of RESP3; in RESP2 the array of its keys and values. Then keys and values alternate.
void write_map_header(Bytes& out, std::size_t entries, RespVersion version);

}  // namespace shearline::wire
