// What is said where io_uring is forbidden, with a real seccomp filter in a child process.
#include "loop_fixture.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstddef>

namespace shearline::loop::test {
namespace {

void forbid(unsigned call, unsigned error) {
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = std::size(rules), .filter = rules};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

// What probe_uring() says in a process where `call` fails with `error`.
std::string said_where(unsigned call, unsigned error) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    forbid(call, error);
    const std::string said = probe_uring().value_or("nothing");
    const bool written = write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    _exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said(1024, '\0');
  const ssize_t length = read(ends[0], said.data(), said.size());
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(0, length)));
  ::close(ends[0]);
  waitpid(child, nullptr, 0);
  return said;
}

TEST(UringProbe, FindsNothingWrongWhereRingsWork) { EXPECT_EQ(probe_uring(), std::nullopt); }

TEST(UringProbe, NamesTheCallsToPermitWhereAnyOfThemIsForbidden) {
  for (const unsigned call : {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register}) {
    const std::string said = said_where(call, EPERM);
    EXPECT_NE(said.find("io_uring_setup, io_uring_enter and io_uring_register"), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos);
  }
}

TEST(UringProbe, NamesTheKernelWhereTheCallsAreMissing) {
  EXPECT_NE(said_where(SYS_io_uring_setup, ENOSYS).find("Linux 6.1"), std::string::npos);
  EXPECT_NE(said_where(SYS_io_uring_setup, EINVAL).find("too old"), std::string::npos);
}

TEST(UringProbe, NamesTheLimitThatIsTooLow) {
  EXPECT_NE(said_where(SYS_io_uring_setup, ENOMEM).find("LimitMEMLOCK"), std::string::npos);
  EXPECT_NE(said_where(SYS_io_uring_setup, EMFILE).find("LimitNOFILE"), std::string::npos);
}

}  // namespace
}  // namespace shearline::loop::test
