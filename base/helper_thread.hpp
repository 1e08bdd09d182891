// Threads for what would hold up the one that has the state: blocking calls, files, memory that the kernel has yet to
// find. Used by engine and io/loop; knows neither fibers nor loops.
#pragma once

#include <functional>
#include <thread>

namespace shearline {

// With every signal blocked: signals are for the threads that expect them, and a new thread inherits the mask
// of its maker. Throws std::system_error where the system grants no thread.
std::thread start_helper_thread(std::function<void()> body);

}  // namespace shearline
