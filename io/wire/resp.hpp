// RESP, the protocol of verification (design: protocols.md section 1): a request parser that yields each
// argument as soon as it has arrived, and the writers of replies. Used by io/front and, for its requests, by
// the load generator. Pure: knows no sockets and no commands.
#pragma once

#include "base/bytes.hpp"
#include "engine/api_key.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
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
  // The next two arguments of this request, if both lie whole in what was fed and are not too long. false: nothing
  // has changed, next() goes on byte by byte. For MVERIFY, whose arguments are nearly all of them such pairs.
  bool next_pair(ByteView& first, ByteView& second);

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

  static const Byte* read_whole_argument(const Byte* at, const Byte* end, ByteView& argument);
  static const Byte* read_argument_of_two_digits(const Byte* at, const Byte* end, ByteView& argument);
  const Byte* read_pair_like_the_last(ByteView& first, ByteView& second) const;
  void note_form(const Byte* begin, ByteView first, ByteView second);
  static bool is_crlf(const Byte* at) { return std::memcmp(at, "\r\n", 2) == 0; }
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
  // What stood round the arguments of the last pair, where both lengths had two digits.
  struct PairForm {
    std::uint64_t head = 0;     // $26 CRLF
    std::uint64_t between = 0;  // CRLF $43 CRLF
    std::size_t first_bytes = 0;
    std::size_t second_bytes = 0;
    std::size_t bytes = SIZE_MAX;  // of all of it; at first it is like no pair
  };
  PairForm form_;
  std::size_t carried_bytes_ = 0;
  std::array<Byte, resp_argument_bytes_max> carry_;
};

// Past the argument; nullptr: it is unfinished, too long or broken, and the careful path says which.
inline const Byte* RespParser::read_whole_argument(const Byte* at, const Byte* end, ByteView& argument) {
  constexpr std::ptrdiff_t header_bytes_max = 6;  // $640 CRLF
  static_assert(resp_argument_bytes_max < 1000);
  if (end - at < header_bytes_max || at[0] != '$') return nullptr;
  std::size_t length = at[1] - std::size_t{'0'};
  if (length > 9) return nullptr;
  const Byte* p = at + 2;
  for (int digits = 1; digits < 3 && *p != '\r'; ++digits, ++p) {
    const std::size_t digit = *p - std::size_t{'0'};
    if (digit > 9 || length == 0) return nullptr;
    length = length * 10 + digit;
  }
  const Byte* body = p + 2;
  if (length > resp_argument_bytes_max || end - body < static_cast<std::ptrdiff_t>(length + 2))
    return nullptr;
  if (!is_crlf(p) || !is_crlf(body + length)) return nullptr;
  argument = {body, length};
  return body + length + 2;
}

// The same, but nullptr also where the length has not two digits: nearly all have, and all that stands round the digits
// is one comparison.
inline const Byte* RespParser::read_argument_of_two_digits(const Byte* at, const Byte* end,
                                                           ByteView& argument) {
  constexpr std::ptrdiff_t around_bytes = 7;  // $10 CRLF CRLF
  if (end - at < around_bytes + 10) return nullptr;
  constexpr std::array<Byte, 8> around{'$', 0, 0, '\r', '\n', 0, 0, 0};
  constexpr std::array<Byte, 8> around_mask{0xff, 0, 0, 0xff, 0xff, 0, 0, 0};
  std::uint64_t head;
  std::memcpy(&head, at, sizeof head);
  if ((head & std::bit_cast<std::uint64_t>(around_mask)) != std::bit_cast<std::uint64_t>(around))
    return nullptr;
  const std::size_t tens = at[1] - std::size_t{'0'};
  const std::size_t ones = at[2] - std::size_t{'0'};
  const std::size_t length = tens * 10 + ones;
  if (tens - 1 > 8 || ones > 9 || end - at < static_cast<std::ptrdiff_t>(around_bytes + length))
    return nullptr;
  const Byte* body = at + 5;
  if (!is_crlf(body + length)) return nullptr;
  argument = {body, length};
  return body + length + 2;
}

namespace detail {

inline constexpr std::size_t head_bytes = 5;     // $26 CRLF
inline constexpr std::size_t between_bytes = 7;  // CRLF $43 CRLF
// The first bytes of the eight that are there, and zeros: what follows them may be of a secret and is not to be kept.
template <std::size_t bytes>
inline std::uint64_t load_first(const Byte* eight) {
  constexpr std::uint64_t kept = [] {
    std::array<Byte, 8> mask{};
    for (std::size_t i = 0; i < bytes; ++i) mask[i] = 0xff;
    return std::bit_cast<std::uint64_t>(mask);
  }();
  std::uint64_t word;
  std::memcpy(&word, eight, sizeof word);
  return word & kept;
}

}  // namespace detail

// Most client ids are as long as one another, and so are secrets: what stands round them is compared with what stood
// round the pair before, so that the next pair's place is known before this one's digits are read. nullptr: it differs, or
// is unfinished.
inline const Byte* RespParser::read_pair_like_the_last(ByteView& first, ByteView& second) const {
  using namespace detail;
  if (static_cast<std::size_t>(end_ - at_) < form_.bytes) return nullptr;
  const Byte* const between = at_ + head_bytes + form_.first_bytes;
  const Byte* const second_begin = between + between_bytes;
  const bool differs =
      load_first<head_bytes>(at_) != form_.head || load_first<between_bytes>(between) != form_.between;
  if (differs || !is_crlf(second_begin + form_.second_bytes)) return nullptr;
  first = {at_ + head_bytes, form_.first_bytes};
  second = {second_begin, form_.second_bytes};
  return at_ + form_.bytes;
}

inline void RespParser::note_form(const Byte* begin, ByteView first, ByteView second) {
  using namespace detail;
  const Byte* const between = first.data() + first.size();
  if (first.data() != begin + head_bytes || second.data() != between + between_bytes) return;
  form_ = {load_first<head_bytes>(begin), load_first<between_bytes>(between), first.size(), second.size(),
           head_bytes + first.size() + between_bytes + second.size() + 2};
}

inline bool RespParser::next_pair(ByteView& first, ByteView& second) {
  if (state_ != State::bulk_type || arguments_left_ < 2) return false;
  const Byte* at = read_pair_like_the_last(first, second);
  if (at == nullptr) [[unlikely]] {
    const Byte* between = read_argument_of_two_digits(at_, end_, first);
    if (between == nullptr) between = read_whole_argument(at_, end_, first);
    if (between == nullptr) return false;
    at = read_argument_of_two_digits(between, end_, second);
    if (at == nullptr) at = read_whole_argument(between, end_, second);
    if (at == nullptr) return false;
    note_form(at_, first, second);
  }
  at_ = at;
  arguments_left_ -= 2;
  if (arguments_left_ == 0) state_ = State::array_type;
  return true;
}

// What a connection speaks: RESP2 until HELLO 3.
enum class RespVersion : std::uint8_t { resp2 = 2, resp3 = 3 };

// Writers append. Text of simple strings and errors must not hold CR or LF.
void write_simple(Bytes& out, std::string_view text);
void write_error(Bytes& out, std::string_view text);  // "ERR what is wrong", without the leading '-'
void write_error(Bytes& out, std::initializer_list<std::string_view> parts);  // of one text
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
