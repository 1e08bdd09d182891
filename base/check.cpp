#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace shearline {

// Straight to stderr: the log may be what is broken, and it allocates.
void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "shearline: a check failed, this is a bug: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace shearline
