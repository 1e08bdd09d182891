#include "cli/main.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "cli/parser.hpp"

#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

namespace shearline::cli {
namespace {

// Secrets pass through this process: no core dump, no debugger of the same user (design: security.md
// "Never").
void close_the_process() {
  ::prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error value, not the end
}

}  // namespace

int main_cli(int argc, char** argv) {
  close_the_process();
  log::configure(log::Level::warning, log::Format::text);
  const auto invocation = parse_arguments(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  if (!invocation) {
    std::fputs(invocation.error().text.c_str(), invocation.error().exit == Exit::ok ? stdout : stderr);
    return static_cast<int>(invocation.error().exit);
  }
  const Output output(invocation->settings.json);
  SystemClock clock;
  SystemRandom random;
  try {
    return static_cast<int>(invocation->run({invocation->settings, output, clock, random}));
  } catch (const std::bad_alloc&) {
    return static_cast<int>(
        output.error({Code::internal_error, "out of memory, or of locked memory for secrets"}));
  }
}

}  // namespace shearline::cli
