#include "engine/lanes.hpp"

#include "base/secret.hpp"
#include "engine/lanes_kernels.hpp"

#include <cstring>

namespace shearline::engine::lanes {
namespace {

constexpr ChainingValue initial_value = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

void store_be32(std::uint32_t value, Byte* out) {
  for (int i = 3; i >= 0; --i, value >>= 8) out[i] = static_cast<Byte>(value);
}

void store(const ChainingValue& state, Byte* out) {
  for (std::size_t i = 0; i < state.size(); ++i) store_be32(state[i], out + 4 * i);
}

// One HMAC after another on one stream. The two scratch blocks hold the ends of messages, so they are wiped
// when the last job is done.
class Stream {
 public:
  explicit Stream(detail::Compress compress) : compress_(compress) {
    outer_block_.fill(0);
    outer_block_[digest_bytes] = 0x80;
    store_be64((block_bytes + digest_bytes) * 8, outer_block_.data() + block_bytes - 8);
  }
  ~Stream() {
    wipe(tail_);
    wipe(outer_block_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void run(const Job& job) {
    ChainingValue state = *job.inner;
    const std::size_t whole_blocks = job.message.size() / block_bytes;
    if (whole_blocks > 0) compress_(state, job.message.data(), whole_blocks);
    compress_(state, tail_.data(), pad(job.message, whole_blocks * block_bytes));
    store(state, outer_block_.data());
    state = *job.outer;
    compress_(state, outer_block_.data(), 1);
    store(state, job.digest);
  }

 private:
  // What is left of the message and its padding (FIPS 180-4 section 5.1.1), the key's block counted in the
  // length. Returns how many blocks that makes.
  std::size_t pad(ByteView message, std::size_t done) {
    const std::size_t left = message.size() - done;
    const std::size_t blocks = left <= one_block_message_bytes_max ? 1 : 2;
    if (left > 0) std::memcpy(tail_.data(), message.data() + done, left);
    std::memset(tail_.data() + left, 0, blocks * block_bytes - left);
    tail_[left] = 0x80;
    store_be64((block_bytes + message.size()) * 8, tail_.data() + blocks * block_bytes - 8);
    return blocks;
  }

  detail::Compress compress_;
  std::array<Byte, 2 * block_bytes> tail_;
  std::array<Byte, block_bytes> outer_block_;
};

detail::Compress compress_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::sha_ni:
      return detail::compress_sha_ni;
    case Kernel::portable:
      break;
  }
  return detail::compress_portable;
}

}  // namespace

std::string_view name_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::sha_ni:
      return "sha_ni";
    case Kernel::portable:
      break;
  }
  return "portable";
}

std::span<const Kernel> kernels() {
  static constexpr std::array all = {Kernel::sha_ni, Kernel::portable};
  static const bool sha_ni = detail::has_sha_ni();
  return std::span(all).subspan(sha_ni ? 0 : 1);
}

void hmac(Kernel kernel, std::span<const Job> jobs) {
  Stream stream(compress_of(kernel));
  for (const Job& job : jobs) stream.run(job);
}

void hmac(std::span<const Job> jobs) { hmac(kernels().front(), jobs); }

ChainingValue after_block(Block block) {
  ChainingValue state = initial_value;
  compress_of(kernels().front())(state, block.data(), 1);
  return state;
}

}  // namespace shearline::engine::lanes
