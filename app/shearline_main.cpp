// The one program `shearline`: `shearline server` is the engine, everything else an admin's command line.
#include "cli/main.hpp"

#include <cstdio>
#include <string_view>

#if __has_include("server/main.hpp")
#include "server/main.hpp"
#define SHEARLINE_HAS_SERVER 1
#endif

namespace {

// The engine sees its own arguments, with "server" in the place of the program's name.
int run_server(int argc, char** argv) {
#ifdef SHEARLINE_HAS_SERVER
  return shearline::server::main_server(argc, argv);
#else
  static_cast<void>(argc);
  static_cast<void>(argv);
  std::fputs("shearline: this build has no engine\n", stderr);
  return 2;
#endif
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "server") return run_server(argc - 1, argv + 1);
  return shearline::cli::main_cli(argc, argv);
}
