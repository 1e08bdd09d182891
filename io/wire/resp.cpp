#include "io/wire/resp.hpp"

#include "base/arena.hpp"

#include <algorithm>
#include <charconv>

namespace shearline::wire {
namespace {

constexpr Byte cr = '\r';
constexpr Byte lf = '\n';
// Digits that a sound header can have at most; more of them is an endless header, not a number.
constexpr std::size_t count_digits_max = 5;   // 65536
constexpr std::size_t length_digits_max = 7;  // 1048576

bool is_digit(Byte byte) { return byte >= '0' && byte <= '9'; }

void append_number(Bytes& out, std::int64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.insert(out.end(), digits.data(), end);
}

void append_header(Bytes& out, char type, std::int64_t value) {
  out.push_back(static_cast<Byte>(type));
  append_number(out, value);
  write_crlf(out);
}

}  // namespace

RespParser::~RespParser() { wipe_carry(); }

void RespParser::wipe_carry() {
  if (carried_bytes_ > 0) wipe(ByteSpan(carry_).first(carried_bytes_));
  carried_bytes_ = 0;
  argument_is_carried_ = false;
}

void RespParser::feed(ByteView received) {
  at_ = received.data();
  end_ = at_ + received.size();
}

RespParser::Event RespParser::next() {
  if (argument_is_carried_) wipe_carry();
  // Nearly every argument lies whole in the buffer: straight to its span, no state kept.
  if (state_ == State::bulk_type) {
    if (const Byte* past = read_whole_argument(at_, end_, argument_); past != nullptr) {
      at_ = past;
      return end_argument(Event::argument);
    }
  }
  Event event = Event::need_more;
  while (event == Event::need_more && (at_ != end_ || state_ == State::broken)) event = step();
  return event;
}

RespParser::Event RespParser::step() {
  switch (state_) {
    case State::array_type:
      if (*at_++ != '*') {
        return fail_with("expected an array ('*'); inline commands and HTTP are not spoken here");
      }
      state_ = State::array_count;
      number_ = digits_ = 0;
      return Event::need_more;
    case State::array_count:
      return step_array_count(*at_++);
    case State::array_lf:
      return *at_++ == lf ? begin_array() : fail_with("expected CRLF after the array length");
    case State::bulk_type: {
      const Byte type = *at_++;
      if (type == '*') return fail_with("nested arrays are not accepted");
      if (type != '$') return fail_with("expected a bulk string ('$')");
      state_ = State::bulk_length;
      number_ = digits_ = 0;
      return Event::need_more;
    }
    case State::bulk_length:
      return step_bulk_length(*at_++);
    case State::bulk_lf:
      body_left_ = number_;
      return expect(*at_++, lf, number_ == 0 ? State::body_cr : State::body);
    case State::body:
      return take_body();
    case State::body_cr:
      return expect(*at_++, cr, State::body_lf);
    case State::body_lf:
      if (*at_++ != lf) return fail_with("expected CRLF after a bulk string");
      if (number_ > resp_argument_bytes_max) return end_argument(Event::oversized_argument);
      argument_ = ByteView(carry_).first(number_);
      argument_is_carried_ = true;
      return end_argument(Event::argument);
    case State::broken:
      return Event::fault;
  }
  return Event::fault;
}

RespParser::Event RespParser::step_array_count(Byte byte) {
  if (byte == cr && digits_ > 0) {
    state_ = State::array_lf;
    return Event::need_more;
  }
  if (!is_digit(byte) || (digits_ == 1 && number_ == 0)) return fail_with("invalid array length");
  number_ = number_ * 10 + static_cast<std::size_t>(byte - '0');
  if (++digits_ > count_digits_max || number_ > resp_array_items_max) {
    return fail_with("an array of more than 65536 items");
  }
  return Event::need_more;
}

RespParser::Event RespParser::step_bulk_length(Byte byte) {
  if (byte == cr && digits_ > 0) {
    state_ = State::bulk_lf;
    return Event::need_more;
  }
  if (!is_digit(byte) || (digits_ == 1 && number_ == 0)) return fail_with("invalid bulk length");
  number_ = number_ * 10 + static_cast<std::size_t>(byte - '0');
  if (++digits_ > length_digits_max || number_ > resp_bulk_bytes_max) {
    return fail_with("a bulk string of more than 1048576 bytes");
  }
  return Event::need_more;
}

RespParser::Event RespParser::begin_array() {
  array_items_ = arguments_left_ = number_;
  if (number_ == 0) {  // as Redis does: an empty request is no request
    state_ = State::array_type;
    return Event::need_more;
  }
  state_ = State::bulk_type;
  return Event::array;
}

RespParser::Event RespParser::take_body() {
  const std::size_t taken = std::min(body_left_, static_cast<std::size_t>(end_ - at_));
  if (number_ <= resp_argument_bytes_max) {
    std::copy_n(at_, taken, carry_.data() + carried_bytes_);
    carried_bytes_ += taken;
  }
  at_ += taken;
  body_left_ -= taken;
  if (body_left_ == 0) state_ = State::body_cr;
  return Event::need_more;
}

RespParser::Event RespParser::end_argument(Event event) {
  state_ = --arguments_left_ == 0 ? State::array_type : State::bulk_type;
  return event;
}

RespParser::Event RespParser::expect(Byte byte, Byte wanted, State then) {
  if (byte != wanted) return fail_with("expected CRLF");
  state_ = then;
  return Event::need_more;
}

RespParser::Event RespParser::fail_with(std::string_view why) {
  state_ = State::broken;
  fault_ = why;
  wipe_carry();
  return Event::fault;
}

void write_crlf(Bytes& out) {
  out.push_back(cr);
  out.push_back(lf);
}

void write_simple(Bytes& out, std::string_view text) {
  out.push_back('+');
  append(out, as_bytes(text));
  write_crlf(out);
}

void write_error(Bytes& out, std::string_view text) { write_error(out, {text}); }

void write_error(Bytes& out, std::initializer_list<std::string_view> parts) {
  out.push_back('-');
  for (const std::string_view part : parts) append(out, as_bytes(part));
  write_crlf(out);
}

void write_integer(Bytes& out, std::int64_t value) { append_header(out, ':', value); }

void write_bulk(Bytes& out, ByteView bytes) {
  write_bulk_header(out, bytes.size());
  append(out, bytes);
  write_crlf(out);
}

void write_bulk(Bytes& out, std::string_view text) { write_bulk(out, as_bytes(text)); }

void write_bulk_header(Bytes& out, std::size_t size) {
  append_header(out, '$', static_cast<std::int64_t>(size));
}

void write_null(Bytes& out, RespVersion version) {
  append(out, as_bytes(version == RespVersion::resp3 ? "_\r\n" : "$-1\r\n"));
}

void write_array_header(Bytes& out, std::size_t items) {
  append_header(out, '*', static_cast<std::int64_t>(items));
}

void write_map_header(Bytes& out, std::size_t entries, RespVersion version) {
  const bool is_map = version == RespVersion::resp3;
  append_header(out, is_map ? '%' : '*', static_cast<std::int64_t>(is_map ? entries : entries * 2));
}

}  // namespace shearline::wire
