// The process `shearline-loadgen`: hands everything to loadgen/.
#include "loadgen/command.hpp"

int main(int argc, char** argv) { return shearline::loadgen::run_command(argc, argv); }
