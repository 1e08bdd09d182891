// Big zeroed memory from the kernel for the table: never in a core dump (design: security.md "Never"), on
// huge pages where the kernel has them, because a check of one credential in millions is two address
// translations that miss. Touched pages only cost memory.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>

namespace shearline::engine {

class Region {
 public:
  explicit Region(std::size_t bytes);  // throws std::bad_alloc
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  Byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  Byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace shearline::engine
