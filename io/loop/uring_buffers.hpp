// The provided-buffer ring of one io_uring: the memory the kernel picks from when data arrives, and the
// bounded ingress queue of a worker. Used by uring.cpp alone; the pages stay out of core dumps, because
// secrets pass through them.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "io/loop/pages.hpp"

#include <liburing.h>

#include <cstddef>
#include <cstdint>

namespace shearline::loop {

class UringBuffers {
 public:
  static constexpr std::uint16_t group = 0;

  UringBuffers(io_uring& ring, unsigned count, unsigned bytes_each);
  ~UringBuffers();
  UringBuffers(const UringBuffers&) = delete;
  UringBuffers& operator=(const UringBuffers&) = delete;

  Status register_with_kernel();

  ByteSpan buffer(std::uint16_t id) { return {memory_.data() + std::size_t{id} * bytes_each_, bytes_each_}; }
  void taken() { --free_; }          // a completion that names a buffer was seen
  void give_back(std::uint16_t id);  // it can be filled again
  unsigned free() const { return free_; }
  unsigned count() const { return count_; }

 private:
  io_uring& ring_;
  unsigned count_;
  unsigned bytes_each_;
  unsigned free_ = 0;
  bool registered_ = false;
  Pages entries_;  // the ring of descriptors shared with the kernel
  Pages memory_;   // the buffers themselves
};

}  // namespace shearline::loop
