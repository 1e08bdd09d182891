#include "engine/region.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace shearline::engine {
namespace {

constexpr std::size_t huge_page_bytes = 2 << 20;

}  // namespace

Region::Region(std::size_t bytes) : bytes_(bytes) {
  const std::size_t alignment = bytes >= huge_page_bytes ? huge_page_bytes : 0;
  mapping_bytes_ = bytes + alignment;
  mapping_ = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<Byte*>(mapping_);
  if (alignment > 0) {
    const auto past = reinterpret_cast<std::uintptr_t>(data_) % alignment;
    if (past > 0) data_ += alignment - past;
    madvise(data_, bytes_, MADV_HUGEPAGE);  // a wish: kernels without huge pages say no
  }
  madvise(mapping_, mapping_bytes_, MADV_DONTDUMP);
}

Region::~Region() { munmap(mapping_, mapping_bytes_); }

}  // namespace shearline::engine
