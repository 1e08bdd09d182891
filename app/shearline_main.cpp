// The one program `shearline`: `shearline server` is the engine, everything else an admin's command line.
#include "cli/main.hpp"
#include "server/main.hpp"

#include <fcntl.h>

#include <string_view>

namespace {

// Started with a standard descriptor closed, a process gives its number to the next file or socket it opens, and
// what it prints goes there: log lines into the audit trail, a shown secret to Redis. So all three are held; what
// was closed for input or output stays an error when it is used, and log lines go nowhere.
bool hold_standard_descriptors() {
  constexpr int way_round[] = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int descriptor = 0; descriptor < 3; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    if (::open("/dev/null", way_round[descriptor]) != descriptor) return false;
  }
  return true;
}

constexpr int status_no_descriptors = 71;  // EX_OSERR of sysexits.h

}  // namespace

// The engine sees its own arguments, with "server" in the place of the program's name.
int main(int argc, char** argv) {
  if (!hold_standard_descriptors()) return status_no_descriptors;
  if (argc > 1 && std::string_view(argv[1]) == "server") {
    return shearline::server::main_server(argc - 1, argv + 1);
  }
  return shearline::cli::main_cli(argc, argv);
}
