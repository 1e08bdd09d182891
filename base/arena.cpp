#include "base/arena.hpp"

#include <sys/mman.h>

#include <cstring>
#include <map>
#include <mutex>
#include <new>

// g++ and clang say in different ways that AddressSanitizer is in the build.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHEARLINE_ARENA_IS_WATCHED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SHEARLINE_ARENA_IS_WATCHED
#endif
#if defined(SHEARLINE_ARENA_IS_WATCHED)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) static_cast<void>(0)
#define ASAN_UNPOISON_MEMORY_REGION(start, size) static_cast<void>(0)
#endif

namespace shearline {
namespace {

// First-fit over a map of free blocks. Secrets are few and short-lived, so clarity beats speed here; the
// verification path never allocates from the arena.
class Arena {
 public:
  Arena() {
    void* memory = mmap(nullptr, arena_bytes_max, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    start_ = static_cast<Byte*>(memory);
    locked_ = mlock(start_, arena_bytes_max) == 0;
    madvise(start_, arena_bytes_max, MADV_DONTDUMP);
    madvise(start_, arena_bytes_max, MADV_WIPEONFORK);
    free_.emplace(0, arena_bytes_max);
    ASAN_POISON_MEMORY_REGION(start_, arena_bytes_max);
  }

  // To AddressSanitizer the arena is one mapping; told what is in use, it sees a read beyond a secret's end.
  Byte* allocate(std::size_t requested) {
    const std::size_t size = rounded(requested);
    std::lock_guard guard(mutex_);
    for (auto block = free_.begin(); block != free_.end(); ++block) {
      if (block->second < size) continue;
      const std::size_t offset = block->first;
      const std::size_t rest = block->second - size;
      free_.erase(block);
      if (rest > 0) free_.emplace(offset + size, rest);
      used_ += size;
      ASAN_UNPOISON_MEMORY_REGION(start_ + offset, requested);
      return start_ + offset;
    }
    throw std::bad_alloc();
  }

  void release(Byte* block, std::size_t size) {
    wipe({block, size});
    size = rounded(size);
    std::lock_guard guard(mutex_);
    ASAN_POISON_MEMORY_REGION(block, size);
    used_ -= size;
    auto [here, inserted] = free_.emplace(static_cast<std::size_t>(block - start_), size);
    if (auto next = std::next(here); next != free_.end() && here->first + here->second == next->first) {
      here->second += next->second;
      free_.erase(next);
    }
    if (here != free_.begin()) {
      auto previous = std::prev(here);
      if (previous->first + previous->second == here->first) {
        previous->second += here->second;
        free_.erase(here);
      }
    }
  }

  ArenaState state() {
    std::lock_guard guard(mutex_);
    return {locked_, used_};
  }

 private:
  static std::size_t rounded(std::size_t size) { return (size + 31) / 32 * 32; }

  Byte* start_ = nullptr;
  bool locked_ = false;
  std::mutex mutex_;
  std::map<std::size_t, std::size_t> free_;  // offset -> length
  std::size_t used_ = 0;
};

// Never destroyed: secrets in static objects may outlive main, and the pages go with the process.
Arena& arena() {
  static Arena* instance = new Arena;
  return *instance;
}

}  // namespace

ArenaState arena_state() { return arena().state(); }

void wipe(ByteSpan bytes) {
  // Receive buffers of a whole turn come through here: OpenSSL's loop of eight bytes took four times as long.
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

namespace detail {
Byte* arena_allocate(std::size_t size) { return arena().allocate(size); }
void arena_release(Byte* block, std::size_t size) { arena().release(block, size); }
}  // namespace detail

}  // namespace shearline
