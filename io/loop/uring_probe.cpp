// Whether io_uring can be used here, asked before anything is built on it. Containers often forbid it; the
// answer says in one line what to permit.
#include "io/loop/loop.hpp"
#include "io/loop/uring_setup.hpp"

#include <liburing.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace shearline::loop {
namespace {

std::string explain_refusal(int error) {
  if (error == EPERM || error == EACCES) {
    int disabled = 0;
    std::ifstream("/proc/sys/kernel/io_uring_disabled") >> disabled;
    if (disabled == 2)
      return "io_uring is switched off on this machine: set the sysctl kernel.io_uring_disabled=0";
    if (disabled == 1)
      return "io_uring is reserved for a group on this machine: run as a member of the group named by the "
             "sysctl "
             "kernel.io_uring_group, or set kernel.io_uring_disabled=0";
    return "io_uring is forbidden here, probably by a container's seccomp profile: permit io_uring_setup, "
           "io_uring_enter and io_uring_register in it";
  }
  if (error == ENOSYS)
    return "this kernel has no io_uring, or a seccomp profile hides it: Linux 6.1 or newer is needed, with "
           "io_uring_setup, io_uring_enter and io_uring_register permitted";
  if (error == EINVAL) return "this kernel's io_uring is too old: Linux 6.1 or newer is needed";
  if (error == ENOMEM)
    return "io_uring got no memory: raise the locked-memory limit (ulimit -l, LimitMEMLOCK= in systemd)";
  if (error == EMFILE || error == ENFILE)
    return "io_uring got no file descriptor: raise the limit of open files (ulimit -n, LimitNOFILE= in "
           "systemd)";
  return std::string("io_uring cannot be used here: ") + strerror(error);
}

// A profile may permit one of the three calls and not another, so each is tried once.
int try_every_call() {
  io_uring ring{};
  io_uring_params params = ring_params(4);
  if (const int result = io_uring_queue_init_params(4, &ring, &params); result < 0) return -result;
  order_ring_memory();

  int result = io_uring_register_ring_fd(&ring);
  if (result >= 0 || result == -EMFILE) {
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    do result = io_uring_submit_and_wait(&ring, 1);
    while (result == -EINTR);
  }
  order_ring_memory();
  io_uring_queue_exit(&ring);
  return result < 0 ? -result : 0;
}

}  // namespace

std::optional<std::string> probe_uring() {
  const int error = try_every_call();
  if (error == 0) return std::nullopt;
  return explain_refusal(error);
}

std::optional<std::string> uring_unavailable() {
  static const std::optional<std::string> why = probe_uring();
  return why;
}

}  // namespace shearline::loop
