#include "engine/region.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace shearline::engine {
namespace {

constexpr std::size_t huge_page_bytes = 2 << 20;

// By a region that has twice as much. Found in 10 to 40 ms where a host has to find it too, in 1 ms elsewhere; the writer of
// ten million credentials needs 15 ms or more to fill it, and otherwise waits for the rest.
constexpr std::size_t prefaulted_ahead_bytes = 4 << 20;

std::size_t rounded_up(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

Region::Region(std::size_t bytes, std::size_t bytes_max) : bytes_max_(rounded_up(bytes_max, 4096)) {
  if (bytes_max_ == 0) return;
  const std::size_t alignment = bytes_max_ >= huge_page_bytes ? huge_page_bytes : 0;
  mapping_bytes_ = bytes_max_ + alignment;
  mapping_ = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<Byte*>(mapping_);
  if (alignment > 0) {
    const auto past = reinterpret_cast<std::uintptr_t>(data_) % alignment;
    if (past > 0) data_ += alignment - past;
    madvise(data_, bytes_max_, MADV_HUGEPAGE);  // a wish: kernels without huge pages say no
  }
  madvise(mapping_, mapping_bytes_, MADV_DONTDUMP);
  try {
    grow_to(bytes);
  } catch (...) {
    munmap(mapping_, mapping_bytes_);
    throw;
  }
}

Region::~Region() {
  prefault_.wait();
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
}

bool Region::make_usable(std::size_t from, std::size_t end) {
  return from >= end || mprotect(data_ + from, end - from, PROT_READ | PROT_WRITE) == 0;
}

void Region::grow_to(std::size_t bytes) {
  if (bytes <= bytes_) return;
  prefault_.wait();
  // Whole huge pages, or the kernel would make small ones at the seams.
  const std::size_t usable = std::min(rounded_up(bytes, huge_page_bytes), bytes_max_);
  if (bytes > usable || !make_usable(std::max(bytes_, prefaulted_end_), usable)) throw std::bad_alloc();
  bytes_ = std::max(usable, prefaulted_end_);
  if (bytes_ >= 2 * prefaulted_ahead_bytes) prefault_ahead();
}

// The other thread also makes it usable: asking the kernel for that here would wait until the other's page is found.
void Region::prefault_ahead() {
  const std::size_t end = std::min(bytes_ + prefaulted_ahead_bytes, bytes_max_);
  if (end == bytes_) return;
  prefault_.begin([this, end] {
    if (!make_usable(bytes_, end)) return;  // grow_to() will say so
    fault_in(data_ + bytes_, end - bytes_);
    prefaulted_end_ = end;
  });
}

void Region::prefault() {
  if (bytes_ <= huge_page_bytes) return;
  prefault_.begin([this] { fault_in(data_, bytes_); });
}

void Region::shrink_to(std::size_t bytes) {
  const std::size_t kept = rounded_up(bytes, 4096);
  if (kept >= bytes_) return;
  prefault_.wait();
  madvise(data_ + kept, std::max(bytes_, prefaulted_end_) - kept, MADV_DONTNEED);
  prefaulted_end_ = std::min(prefaulted_end_, kept);
  bytes_ = kept;
}

}  // namespace shearline::engine
