// A run over time: puts together what the threads hand over for the same interval, keeps a point of it for the plots,
// the totals, and the interval log. Used by the run on its own thread; memory does not grow with the load.
#pragma once

#include "loadgen/hdr_log.hpp"
#include "loadgen/observed.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace shearline::loadgen {

struct Point {
  double at_s = 0;  // where the interval begins
  double length_s = 0;
  std::uint64_t checks = 0;
  std::uint64_t frames = 0;
  std::uint64_t mismatches = 0;
  std::uint64_t errors = 0;
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t p999_ns = 0;
  std::uint64_t max_ns = 0;
};

class Timeline {
 public:
  Timeline(std::size_t threads, double interval_s, std::optional<HdrLog> log)
      : done_(threads, 0), interval_s_(interval_s), log_(std::move(log)) {}

  // Each thread's intervals come in the order of their numbers, without those in which nothing happened to it.
  void add(std::size_t thread, std::vector<Interval> intervals);
  // All threads have ended, at this time.
  Status finish(double end_s);

  const std::vector<Point>& points() const { return points_; }
  const Interval& total() const { return total_; }

 private:
  void close_until(std::uint64_t number);  // this one is still open
  void close(const Interval& interval, double length_s);

  std::vector<std::uint64_t> done_;  // per thread: the first number it may still hand over
  double interval_s_;
  std::optional<HdrLog> log_;
  std::map<std::uint64_t, Interval> open_;
  Interval total_;
  std::vector<Point> points_;
};

}  // namespace shearline::loadgen
