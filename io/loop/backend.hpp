// What both backends of Loop share: the clock they count timers in, how options are judged, and how a loop ends
// the process when it cannot go on. For uring.cpp, epoll.cpp and loop.cpp only.
#pragma once

#include "io/loop/loop.hpp"

#include <cstdint>
#include <string_view>

namespace shearline::loop {

std::int64_t monotonic_ns();

Status check(const LoopOptions& options);

// A mistake of the caller, or a kernel that refuses what it granted before: nothing sound can follow.
[[noreturn]] void give_up(std::string_view what, int error);

// Nanoseconds until the next timer, at most wait_ms; -1: until something happens.
std::int64_t wait_ns(std::int64_t wait_ms, const TimerQueue& timers);

}  // namespace shearline::loop
