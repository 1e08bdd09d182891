// The entry of `shearline server`, called by app/.
#pragma once

namespace shearline::server {

// argv[0] is the word `server`. Status: 0 stopped in good order, 78 a configuration or a system that must be changed
// first (faults on stderr), 1 anything else that kept it from running.
int main_server(int argc, char** argv);

}  // namespace shearline::server
