// The one locked arena (at most 1 MiB: mlock, DONTDUMP, WIPEONFORK) in which secrets, keys and plaintexts of
// envelopes live (design: security.md "Never"). Only base/secret.hpp allocates from it. Thread-safe.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>

namespace shearline {

inline constexpr std::size_t arena_bytes_max = 1 << 20;

struct ArenaState {
  bool locked = false;         // false: mlock was refused; the caller decides whether that is fatal
  std::size_t used_bytes = 0;  // 0 after every secret has been destroyed
};
ArenaState arena_state();

// Overwrites in a way the compiler may not remove.
void wipe(ByteSpan bytes);

namespace detail {
Byte* arena_allocate(std::size_t size);             // zeroed; throws std::bad_alloc when the arena is full
void arena_release(Byte* block, std::size_t size);  // wipes
}  // namespace detail

}  // namespace shearline
