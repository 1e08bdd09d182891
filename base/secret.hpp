// Types for what must never be seen: wiped at destruction, moved but never copied by accident, compared only
// in constant time, and without any way to print, log, hash or stream them (design: security.md "Never").
// Whoever needs the bytes says reveal(), which is the word to search for in a review.
#pragma once

#include "base/arena.hpp"
#include "base/bytes.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace shearline {

// True when both have the same length and bytes; time depends on the lengths only.
bool equal_in_constant_time(ByteView a, ByteView b);

// A secret of a length known at construction, in the locked arena. Tag makes each use a type of its own.
template <class Tag>
class SecretBuffer {
 public:
  SecretBuffer() = default;
  static SecretBuffer of_size(std::size_t size) {
    SecretBuffer buffer;
    if (size > 0) buffer.data_ = detail::arena_allocate(size);
    buffer.size_ = buffer.capacity_ = size;
    return buffer;
  }
  static SecretBuffer copy_of(ByteView bytes) {
    SecretBuffer buffer = of_size(bytes.size());
    if (!bytes.empty()) std::memcpy(buffer.data_, bytes.data(), bytes.size());
    return buffer;
  }

  SecretBuffer(SecretBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  SecretBuffer& operator=(SecretBuffer&& other) noexcept {
    if (this != &other) {
      destroy();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;
  ~SecretBuffer() { destroy(); }

  bool operator==(const SecretBuffer&) const = delete;  // equal_in_constant_time(a.reveal(), b.reveal())

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  ByteView reveal() const { return {data_, size_}; }
  ByteSpan writable() { return {data_, size_}; }
  SecretBuffer clone() const { return copy_of(reveal()); }
  // Shortens to what was really written; never grows.
  void shrink(std::size_t size) {
    if (size < size_) {
      wipe({data_ + size, size_ - size});
      size_ = size;
    }
  }

 private:
  void destroy() {
    if (data_ != nullptr) detail::arena_release(data_, capacity_);
  }

  Byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

using Secret = SecretBuffer<struct SecretTag>;        // a credential's secret as the client presents it
using Key = SecretBuffer<struct KeyTag>;              // pepper, state key, private key, derived key
using Plaintext = SecretBuffer<struct PlaintextTag>;  // a decrypted envelope, a passphrase

// A keyed hash of fixed size, inline. Not a secret of the client, yet never printed.
template <std::size_t N, class Tag>
class SecretArray {
 public:
  SecretArray() = default;
  static SecretArray copy_of(std::span<const Byte, N> bytes) {
    SecretArray array;
    std::memcpy(array.bytes_.data(), bytes.data(), N);
    return array;
  }
  SecretArray(SecretArray&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  SecretArray& operator=(SecretArray&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  SecretArray(const SecretArray&) = delete;
  SecretArray& operator=(const SecretArray&) = delete;
  ~SecretArray() { wipe(bytes_); }

  bool operator==(const SecretArray&) const = delete;

  std::span<const Byte, N> reveal() const { return bytes_; }
  std::span<Byte, N> writable() { return bytes_; }
  SecretArray clone() const { return copy_of(bytes_); }

 private:
  std::array<Byte, N> bytes_{};
};

using Digest = SecretArray<32, struct DigestTag>;  // algorithm sl1 (design: security.md)
using AckTag = SecretArray<32, struct AckTagTag>;  // proof that a member decrypted

}  // namespace shearline
