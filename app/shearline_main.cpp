// The one program `shearline`: `shearline server` is the engine, everything else an admin's command line.
#include "cli/main.hpp"
#include "server/main.hpp"

#include <string_view>

// The engine sees its own arguments, with "server" in the place of the program's name.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "server") {
    return shearline::server::main_server(argc - 1, argv + 1);
  }
  return shearline::cli::main_cli(argc, argv);
}
