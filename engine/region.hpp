// Big zeroed memory from the kernel for the table: never in a core dump (design: security.md "Never"), on
// huge pages where the kernel has them, because a check of one credential in millions is two address
// translations that miss. Addresses are reserved at once, so that what has grown never moves; memory is
// asked for as it is needed.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>

namespace shearline::engine {

class Region {
 public:
  // Reserves addresses for `bytes_max` and makes the first `bytes` usable; throws std::bad_alloc.
  Region(std::size_t bytes, std::size_t bytes_max);
  explicit Region(std::size_t bytes) : Region(bytes, bytes) {}
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // At least `bytes` become usable, zeroed, in the same place; throws std::bad_alloc.
  void grow_to(std::size_t bytes);
  // All but the first `bytes` go back to the system, and are zeros from then on.
  void shrink_to(std::size_t bytes);

  Byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }  // usable

 private:
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  Byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t bytes_max_;
};

}  // namespace shearline::engine
