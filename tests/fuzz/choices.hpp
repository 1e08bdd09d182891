// An input of a fuzzer read as decisions: which of so many, how many, which bytes. An input that is at its end decides
// for 0 and for nothing, so that every input is a whole one.
#pragma once

#include "base/bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace shearline::fuzz {

class Choices {
 public:
  explicit Choices(ByteView input) : rest_(input) {}

  bool more() const { return !rest_.empty(); }
  std::uint8_t octet() {
    if (rest_.empty()) return 0;
    const std::uint8_t out = rest_.front();
    rest_ = rest_.subspan(1);
    return out;
  }
  std::uint16_t number() {
    const std::uint8_t high = octet();
    return static_cast<std::uint16_t>(high << 8 | octet());
  }
  bool yes() { return (octet() & 1) != 0; }
  std::size_t below(std::size_t count) { return count == 0 ? 0 : octet() % count; }
  std::size_t position(std::size_t count) { return count == 0 ? 0 : number() % count; }
  ByteView rest() { return std::exchange(rest_, ByteView()); }
  // At most 255, as many as its first octet says.
  ByteView bytes() {
    const ByteView out = rest_.subspan(std::min<std::size_t>(1, rest_.size()));
    const std::size_t wanted = octet();
    const ByteView taken = out.first(std::min(wanted, out.size()));
    rest_ = out.subspan(taken.size());
    return taken;
  }

 private:
  ByteView rest_;
};

}  // namespace shearline::fuzz
