// See uring_buffers.hpp. liburing 2.3 has no io_uring_setup_buf_ring, so the ring's memory is ours.
#include "io/loop/uring_buffers.hpp"

#include <cstring>
#include <string>

namespace shearline::loop {

UringBuffers::UringBuffers(io_uring& ring, unsigned count, unsigned bytes_each)
    : ring_(ring),
      count_(count),
      bytes_each_(bytes_each),
      entries_(count * sizeof(io_uring_buf)),
      memory_(std::size_t{count} * bytes_each) {}

UringBuffers::~UringBuffers() {
  if (registered_) io_uring_unregister_buf_ring(&ring_, group);
}

Status UringBuffers::register_with_kernel() {
  if (entries_.data() == nullptr || memory_.data() == nullptr)
    return fail(Code::unavailable, "no memory for " + std::to_string(count_) + " receive buffers of " +
                                       std::to_string(bytes_each_) + " bytes");
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries_.data());
  registration.ring_entries = count_;
  registration.bgid = group;
  const int result = io_uring_register_buf_ring(&ring_, &registration, 0);
  if (result < 0)
    return fail(Code::unavailable,
                std::string("the kernel refused the receive buffers: ") + strerror(-result));
  registered_ = true;
  for (unsigned id = 0; id < count_; ++id) give_back(static_cast<std::uint16_t>(id));
  return {};
}

void UringBuffers::give_back(std::uint16_t id) {
  auto* entries = reinterpret_cast<io_uring_buf_ring*>(entries_.data());
  const int mask = io_uring_buf_ring_mask(count_);
  io_uring_buf_ring_add(entries, buffer(id).data(), bytes_each_, id, mask, 0);
  io_uring_buf_ring_advance(entries, 1);
  ++free_;
}

}  // namespace shearline::loop
