#include "loadgen/timeline.hpp"

#include <algorithm>

namespace shearline::loadgen {

void Timeline::add(std::size_t thread, std::vector<Interval> intervals) {
  for (const Interval& each : intervals) {
    done_[thread] = each.number + 1;
    const auto place = open_.try_emplace(each.number).first;
    place->second.number = each.number;
    place->second.merge(each);
  }
  close_until(*std::ranges::min_element(done_));
}

void Timeline::close_until(std::uint64_t number) {
  while (!open_.empty() && open_.begin()->first < number) {
    close(open_.begin()->second, interval_s_);
    open_.erase(open_.begin());
  }
}

void Timeline::close(const Interval& interval, double length_s) {
  const Histogram& latency = interval.latency_ns;
  const double at_s = static_cast<double>(interval.number) * interval_s_;
  points_.push_back({at_s, length_s, interval.checks, interval.frames, interval.mismatches, interval.errors,
                     latency.percentile(50), latency.percentile(99), latency.percentile(99.9),
                     latency.maximum()});
  total_.merge(interval);
  if (!log_) return;
  if (latency.count() > 0) log_->add("", at_s, length_s, latency);
  if (interval.service_ns.count() > 0) log_->add("service", at_s, length_s, interval.service_ns);
}

Status Timeline::finish(double end_s) {
  while (!open_.empty()) {
    const Interval& interval = open_.begin()->second;
    const double begin_s = static_cast<double>(interval.number) * interval_s_;
    close(interval, std::clamp(end_s - begin_s, 0.0, interval_s_));
    open_.erase(open_.begin());
  }
  // Threads that waited for the others' ends have handed over intervals in which nothing could happen any more.
  while (!points_.empty() && points_.back().frames == 0 && points_.back().at_s >= end_s) points_.pop_back();
  if (!points_.empty()) {
    Point& last = points_.back();
    last.length_s = std::clamp(end_s - last.at_s, 0.0, last.length_s);
  }
  return log_ ? log_->close() : Status{};
}

}  // namespace shearline::loadgen
