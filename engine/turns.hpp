// Which worker may still be looking at what the writer has replaced: epoch-based reclaim for one writer and a
// fixed set of readers. Used by the table; knows nothing of what is reclaimed.
//
// The writer takes something out of the readers' sight, stamps it with current(), later calls close() and may
// reuse whatever carries a stamp below oldest(). Why that is enough:
// - Every announcement is a read-modify-write of the worker's own word by the worker (enter, leave) and by
// the
//   writer (the look of oldest()). Such operations on one word stand in one order, and each sees the one
//   before it.
// - The worker's comes first: then the writer sees the turn, and waits for it.
// - The writer's comes first: then the worker's acquires all the writer did before, so its turn no longer
//   finds what was taken out, whatever epoch it announces.
// - A turn that announces an epoch above a stamp read that epoch after the thing was taken out, and cannot
//   find it either. A worker that left or entered anew released all its earlier reads to the writer.
// So no fence is needed, only acquire and release, which ThreadSanitizer understands.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace shearline::engine {

inline constexpr std::size_t workers_max = 64;

class Turns {
 public:
  explicit Turns(std::size_t workers) : workers_(workers) {
    if (workers > workers_max) throw std::invalid_argument("more workers than the table has room for");
  }

  // Worker. A new turn without leaving ends the one before.
  void enter(std::size_t worker) {
    assert(worker < workers_);
    const std::uint64_t epoch = epoch_.load(std::memory_order_acquire);
    in_turn_since_[worker].epoch.exchange(epoch, std::memory_order_acq_rel);
  }
  void leave(std::size_t worker) {
    assert(worker < workers_);
    in_turn_since_[worker].epoch.exchange(asleep, std::memory_order_acq_rel);
  }

  // Writer.
  std::uint64_t current() const { return epoch_.load(std::memory_order_relaxed); }
  void close() { epoch_.fetch_add(1, std::memory_order_release); }
  // The epoch of the oldest turn that is still open; current() if none is.
  std::uint64_t oldest() {
    std::uint64_t oldest = current();
    for (std::size_t worker = 0; worker < workers_; ++worker) {
      const std::uint64_t epoch = in_turn_since_[worker].epoch.fetch_add(0, std::memory_order_acq_rel);
      if (epoch != asleep && epoch < oldest) oldest = epoch;
    }
    return oldest;
  }

 private:
  static constexpr std::uint64_t asleep = 0;
  struct alignas(64) Announcement {  // a cache line each: workers do not disturb one another
    std::atomic<std::uint64_t> epoch{asleep};
  };

  std::size_t workers_;
  std::atomic<std::uint64_t> epoch_{1};
  std::array<Announcement, workers_max> in_turn_since_{};
};

}  // namespace shearline::engine
