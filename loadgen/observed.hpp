// What a load thread sees: totals that are merged at the end, and intervals that it hands over as the run goes on.
// Written by the thread's connections, read by the timeline (intervals) and the run (totals, after the thread).
#pragma once

#include "loadgen/histogram.hpp"
#include "loadgen/replies.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace shearline::loadgen {

// What happened in one stretch of the run. Latencies are per frame.
struct Interval {
  std::uint64_t number = 0;
  Histogram latency_ns;  // from when the frame should have gone out (closed loop: went out) to its answer
  Histogram service_ns;  // open loop only: from when it did go out
  std::uint64_t checks = 0;
  std::uint64_t frames = 0;
  std::uint64_t mismatches = 0;
  std::uint64_t errors = 0;

  void merge(const Interval& other) {
    latency_ns.merge(other.latency_ns);
    service_ns.merge(other.service_ns);
    checks += other.checks;
    frames += other.frames;
    mismatches += other.mismatches;
    errors += other.errors;
  }
};

// How well the generator kept to its own plan.
struct Punctuality {
  Histogram own_delay_ns;       // open loop: from when a frame was due until the generator turned to it
  std::uint64_t late = 0;       // frames with an own delay over late_ns
  std::uint64_t held_back = 0;  // frames that had to wait for the server to take them
  std::uint64_t held_ns_max = 0;
  std::uint64_t never_sent = 0;  // due, but the run ended before the server could take them
  double busy_share_max = 0;  // of a core, of the busiest thread: what it used or waited for, without idling

  static constexpr std::uint64_t late_ns = 1'000'000;

  void merge(const Punctuality& other) {
    own_delay_ns.merge(other.own_delay_ns);
    late += other.late;
    held_back += other.held_back;
    held_ns_max = std::max(held_ns_max, other.held_ns_max);
    never_sent += other.never_sent;
    busy_share_max = std::max(busy_share_max, other.busy_share_max);
  }
};

struct GarbageCounts {
  std::uint64_t pieces = 0;
  std::uint64_t refused = 0;   // answered with an error
  std::uint64_t closed = 0;    // closed by the server without a word
  std::uint64_t answered = 0;  // taken for a question
  std::uint64_t ignored = 0;   // no reaction within the sender's patience
};

struct SlowReaderCounts {
  std::uint64_t frames_asked = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t cut_off = 0;  // connections that the server closed
};

// A secret learnt while the run went on, checked together with the one it follows.
struct RotatedCounts {
  std::uint64_t learnt = 0;
  std::uint64_t checks = 0;
  std::uint64_t mismatches = 0;
  std::uint64_t not_yet_accepted = 0;  // told in time, and never accepted until the end
  std::array<std::uint64_t, 256> old_by_letter{};
  std::array<std::uint64_t, 256> new_by_letter{};
};

struct Observed {
  Tally tally;
  Punctuality punctuality;
  Histogram connect_ns;          // of connections made during the run, AUTH included
  Kinds losses;                  // connections that ended unasked, or were not made
  std::uint64_t unanswered = 0;  // frames asked on a connection that ended before the answer
  GarbageCounts garbage;
  SlowReaderCounts slow;
  RotatedCounts rotated;

  void merge(const Observed& other);
};

// Intervals on their way from one load thread to the timeline.
class Handover {
 public:
  void put(Interval interval) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(interval));
  }
  std::vector<Interval> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Interval> waiting_;
};

}  // namespace shearline::loadgen
