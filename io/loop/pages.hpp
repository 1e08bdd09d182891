// Memory in whole pages, kept out of core dumps because secrets pass through it. Used by the receive buffers of both
// backends.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>

namespace shearline::loop {

// Anonymous pages, zeroed, not dumped; unmapped at the end.
class Pages {
 public:
  Pages() = default;
  explicit Pages(std::size_t bytes);  // data() is null where the kernel refused
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();
  Byte* data() const { return data_; }

 private:
  Byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace shearline::loop
