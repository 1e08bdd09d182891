// What must hold at a boundary, checked in every build: whoever breaks it has a bug, and to go on would verify, store or
// free the wrong thing. For what others may get wrong (input, a store, a disk) there are errors (error.hpp).
#pragma once

namespace shearline {

// Says where and which condition, as it stands in the source and without any value, and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace shearline

// For cold paths, and for comparisons that cost nothing beside what they guard.
#define SHEARLINE_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::shearline::check_failed(#condition, __FILE__, __LINE__))
