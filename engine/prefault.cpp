#include "engine/prefault.hpp"

#include "base/helper_thread.hpp"

#include <cstdint>
#include <system_error>
#include <utility>

namespace shearline::engine {

void fault_in(Byte* pages, std::size_t bytes) {
  constexpr std::size_t page_bytes = 4096;
  for (std::size_t at = 0; at < bytes; at += page_bytes) {
    std::atomic_ref(*reinterpret_cast<std::uint64_t*>(pages + at)).fetch_or(0, std::memory_order_relaxed);
  }
}

void Prefault::begin(std::function<void()> work) {
  wait();
  done_.store(false, std::memory_order_relaxed);
  try {
    thread_ = start_helper_thread([this, its_work = std::move(work)] {
      its_work();
      done_.store(true, std::memory_order_release);
    });
  } catch (const std::system_error&) {
    done_.store(true, std::memory_order_relaxed);
  }
}

void Prefault::wait() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace shearline::engine
