// How long the kernel lets the engine's threads run at a stretch where others want the same core. Used by main.cpp before
// any thread is made; knows nothing of what the threads do.
#pragma once

#include <chrono>

namespace shearline::server {

// The shortest that Linux grants an ordinary thread.
inline constexpr std::chrono::nanoseconds short_time_slice = std::chrono::microseconds(100);

// Asks for short slices for the calling thread and all that it makes from now on. Its share of the core stays what it was, in
// smaller portions, and whoever asks for small portions is served sooner after waking (docs/adr/0015). Needs no right.
// False: the kernel has none to give (before Linux 6.12 it takes no notice of the wish), does not permit it, or the thread is
// not scheduled as ordinary threads are, which is then left as the operator wanted it.
bool ask_for_short_time_slices();

}  // namespace shearline::server
