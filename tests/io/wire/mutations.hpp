// What every decoder must survive: its input cut at every length and with every byte changed. Used by the
// tests of this room; under the sanitizers these loops are what finds an over-read.
#pragma once

#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace shearline::testing {

// Each prefix lives in memory of exactly its size, so that a read beyond it is seen.
inline void for_every_truncation(ByteView whole, const std::function<void(ByteView)>& check) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(::testing::Message() << "cut to " << size << " of " << whole.size() << " bytes");
    const Bytes cut = to_bytes(whole.first(size));
    check(cut);
  }
}

// Three kinds of damage for each byte: lowest bit, highest bit, all bits.
inline void for_every_changed_byte(ByteView whole, const std::function<void(ByteView)>& check) {
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const Byte bits : {Byte{0x01}, Byte{0x80}, Byte{0xff}}) {
      SCOPED_TRACE(::testing::Message() << "byte " << at << " xor " << int{bits});
      Bytes changed = to_bytes(whole);
      changed[at] = static_cast<Byte>(changed[at] ^ bits);
      check(changed);
    }
  }
}

}  // namespace shearline::testing
