// The admin's side of `shearline` as one function, for app/shearline_main.cpp and for tests.
#pragma once

namespace shearline::cli {

int main_cli(int argc, char** argv);

}  // namespace shearline::cli
