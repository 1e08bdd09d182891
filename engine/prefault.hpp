// Memory that the kernel finds before it is needed, on a thread of its own: the first touch of a huge page takes the
// kernel 0.1 ms, and 4 to 20 ms on a virtual machine whose host finds it only then (docs/adr/0018). Used by Region alone;
// knows nothing of what the memory is for.
#pragma once

#include "base/bytes.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>

namespace shearline::engine {

// Of whole pages: writes to each and leaves what stands there, also what others change in it atomically meanwhile. Not
// MADV_POPULATE_WRITE, which holds a lock of the whole address space while a page is found.
void fault_in(Byte* pages, std::size_t bytes);

// One piece of such work at a time. A wish: where there is no thread to be had nothing is done, and whoever comes to the
// memory first waits for the kernel. Owner and thread: whoever owns the memory; destroyed, it waits for what is under way.
class Prefault {
 public:
  Prefault() = default;
  ~Prefault() { wait(); }
  Prefault(const Prefault&) = delete;
  Prefault& operator=(const Prefault&) = delete;

  void begin(std::function<void()> work);  // after what was under way
  bool is_done() const { return done_.load(std::memory_order_acquire); }
  void wait();  // what the work wrote is there afterwards

 private:
  std::thread thread_;
  std::atomic<bool> done_{true};
};

}  // namespace shearline::engine
