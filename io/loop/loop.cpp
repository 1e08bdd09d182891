// See loop.hpp and backend.hpp: which backend a loop gets, and what both share.
#include "io/loop/loop.hpp"

#include "base/log.hpp"
#include "io/loop/backend.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace shearline::loop {

std::string_view name_of(Backend backend) {
  switch (backend) {
    case Backend::automatic:
      return "auto";
    case Backend::io_uring:
      return "io_uring";
    case Backend::epoll:
      return "epoll";
  }
  return "";
}

Result<std::unique_ptr<Loop>> make_loop(const LoopOptions& options) {
  switch (options.backend) {
    case Backend::io_uring:
      return make_uring_loop(options);
    case Backend::epoll:
      return make_epoll_loop(options);
    case Backend::automatic:
      break;
  }
  return uring_unavailable() ? make_epoll_loop(options) : make_uring_loop(options);
}

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Status check(const LoopOptions& options) {
  if (options.receive_buffers == 0) return {};
  if (std::has_single_bit(options.receive_buffers) && options.receive_buffers <= receive_buffers_max)
    return {};
  return fail(Code::invalid,
              "receive_buffers must be a power of two, at most " + std::to_string(receive_buffers_max));
}

void give_up(std::string_view what, int error) {
  log::error("loop_broken", {{"what", what}, {"error", strerror(error)}});
  std::abort();
}

std::int64_t wait_ns(std::int64_t wait_ms, const TimerQueue& timers) {
  constexpr std::int64_t longest_ms = INT64_MAX / 2'000'000;
  std::int64_t wait = wait_ms < 0 ? -1 : std::min(wait_ms, longest_ms) * 1'000'000;
  if (wait == 0) return 0;
  if (const auto deadline_ms = timers.next_deadline_ms(); deadline_ms && *deadline_ms < longest_ms) {
    const std::int64_t until = std::max<std::int64_t>(0, *deadline_ms * 1'000'000 - monotonic_ns());
    wait = wait < 0 ? until : std::min(wait, until);
  }
  return wait;
}

}  // namespace shearline::loop
