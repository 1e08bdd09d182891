#include "server/time_slice.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace shearline::server {
namespace {

// sched_setattr(2), first version. The C library of Debian 12 has neither the calls nor the type.
struct Attributes {
  std::uint32_t size = sizeof(Attributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;  // of ordinary threads: the slice
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(Attributes) == 48);

constexpr pid_t this_thread = 0;

bool read(Attributes& attributes) {
  return ::syscall(SYS_sched_getattr, this_thread, &attributes, sizeof attributes, 0U) == 0;
}

}  // namespace

bool ask_for_short_time_slices() {
  Attributes attributes;
  if (!read(attributes) || (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH))
    return false;
  // With what was read: the call sets everything at once, and niceness and policy stay the operator's.
  attributes.runtime_ns = static_cast<std::uint64_t>(short_time_slice.count());
  if (::syscall(SYS_sched_setattr, this_thread, &attributes, 0U) != 0) return false;
  Attributes granted;
  return read(granted) && granted.runtime_ns == attributes.runtime_ns;
}

}  // namespace shearline::server
