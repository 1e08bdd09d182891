#include "cli/main.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "cli/parser.hpp"

#include <sys/prctl.h>

#include <algorithm>
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
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto invocation = parse_arguments(arguments);
  if (!invocation) {
    // What is wrong may be anywhere in the line; that JSON is wanted is clear from the word alone.
    const Output output(std::find(arguments.begin(), arguments.end(), "--json") != arguments.end());
    const bool is_help = invocation.error().exit == Exit::ok;
    if (is_help) std::fputs(invocation.error().text.c_str(), stdout);
    return static_cast<int>(output.end(is_help ? Exit::ok : output.usage(invocation.error().text)));
  }
  const Output output(invocation->settings.json);
  SystemClock clock;
  SystemRandom random;
  try {
    return static_cast<int>(output.end(invocation->run({invocation->settings, output, clock, random})));
  } catch (const std::bad_alloc&) {
    return static_cast<int>(
        output.error({Code::internal_error, "out of memory, or of locked memory for secrets"}));
  }
}

}  // namespace shearline::cli
