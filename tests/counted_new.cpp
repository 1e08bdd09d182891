#include "tests/counted_new.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace shearline::testing {

thread_local bool allocations_are_counted = false;
std::atomic<std::size_t> allocations = 0;

}  // namespace shearline::testing

namespace {

void* counted(void* memory) {
  using namespace shearline::testing;
  if (allocations_are_counted) allocations.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void* plain(std::size_t bytes) { return counted(std::malloc(bytes)); }

void* aligned(std::size_t bytes, std::align_val_t alignment) {
  void* memory = nullptr;
  // It takes no alignment below that of a pointer.
  const std::size_t taken = std::max(static_cast<std::size_t>(alignment), sizeof(void*));
  return counted(posix_memalign(&memory, taken, bytes) == 0 ? memory : nullptr);
}

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Each form by itself, for what the library makes of one form from another a sanitizer makes otherwise.
// Not inlined: g++ would take the pair of new and free for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return or_throw(plain(bytes)); }
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return or_throw(plain(bytes)); }
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return plain(bytes);
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return plain(bytes);
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return or_throw(aligned(bytes, alignment));
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return or_throw(aligned(bytes, alignment));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment,
                                     const std::nothrow_t&) noexcept {
  return aligned(bytes, alignment);
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, std::align_val_t alignment,
                                       const std::nothrow_t&) noexcept {
  return aligned(bytes, alignment);
}

// NOLINTBEGIN(clang-analyzer-cplusplus.NewDelete): it takes these for a deletion after another.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(memory);
}
// NOLINTEND(clang-analyzer-cplusplus.NewDelete)
