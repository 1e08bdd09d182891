// The answers of one connection, in order, until they are sent: written by Turn, taken by Connection. An
// answer may be begun in one turn and finished in a later one (MVERIFY); what is unfinished stays here.
#pragma once

#include "base/bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace shearline::front {

// Reply buffers between two uses, so that an idle connection holds none and a busy one allocates none.
// Owner: one worker, its thread only.
class BufferPool {
 public:
  Bytes take() {
    if (free_.empty()) return {};
    Bytes buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void give(Bytes buffer) {
    if (buffer.capacity() == 0 || buffer.capacity() > bytes_kept_max || free_.size() == buffers_kept_max)
      return;
    buffer.clear();
    free_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t bytes_kept_max = 64 * 1024;
  static constexpr std::size_t buffers_kept_max = 256;
  std::vector<Bytes> free_;
};

// Owner: one connection, on its worker's thread. The pool outlives it.
class Replies {
 public:
  explicit Replies(BufferPool& pool) : pool_(pool) {}

  Bytes& out() {
    if (bytes_.capacity() == 0) bytes_ = pool_.take();
    return bytes_;
  }
  void finish() { finished_ = bytes_.size(); }
  // Takes back the answer that was begun and not finished.
  void abandon() { bytes_.resize(finished_); }

  bool ready() const { return finished_ > 0; }
  std::size_t unsent() const { return bytes_.size() + promised_; }
  // Answers that this turn has formed but not yet written here count as unsent.
  void promise(std::size_t bytes) { promised_ += bytes; }
  void fulfil() { promised_ = 0; }

  // All finished answers; the unfinished one stays.
  Bytes take_finished() {
    Bytes rest;
    if (finished_ < bytes_.size()) {
      rest = pool_.take();
      rest.assign(bytes_.begin() + static_cast<std::ptrdiff_t>(finished_), bytes_.end());
      bytes_.resize(finished_);
    }
    finished_ = 0;
    return std::exchange(bytes_, std::move(rest));
  }

 private:
  BufferPool& pool_;
  Bytes bytes_;
  std::size_t finished_ = 0;
  std::size_t promised_ = 0;
};

}  // namespace shearline::front
