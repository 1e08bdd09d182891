// What one worker counts: written by its own thread, read by anyone (INFO, metrics, tests). Relaxed, because
// a number that is a turn old is good enough; no line is shared between two workers.
#pragma once

#include "engine/verdict.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace shearline::front {

class Counter {
 public:
  void add(std::uint64_t amount) { value_.store(value() + amount, std::memory_order_relaxed); }  // owner only
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct alignas(64) WorkerCounters {
  std::array<Counter, engine::outcome_count> checks;  // by engine::Outcome
  Counter turns;  // of the worker's loop: none passes while nothing happens
  Counter batches;
  Counter commands;
  Counter command_errors;       // unknown, wrong arity, too many pairs
  Counter protocol_errors;      // broken framing, half a frame and silence: the connection was closed
  Counter slow_readers_closed;  // did not take their replies
  Counter refused_logins;       // wrong gateway or token
  Counter received_bytes;
  Counter sent_bytes;
  Counter connections_opened;
  Counter connections_closed;
  Counter connections_refused;  // over the limit; counted by the worker that accepts
  Counter accept_pauses;        // no descriptors left

  std::uint64_t connections() const {
    // In this order, so that a reader never sees more closed than opened.
    const std::uint64_t closed = connections_closed.value();
    return connections_opened.value() - closed;
  }
  std::uint64_t checks_total() const {
    std::uint64_t total = 0;
    for (const Counter& counter : checks) total += counter.value();
    return total;
  }
};

}  // namespace shearline::front
