// The command line of `shearline`: which words and options there are, with a help text and an example for
// each. Turns them into one function to run; runs nothing itself.
#pragma once

#include "cli/exit_codes.hpp"
#include "cli/session.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::cli {

struct Invocation {
  Settings settings;
  std::function<Exit(const Context&)> run;
};

struct ParseFailure {
  Exit exit = Exit::usage;  // ok: help was asked for
  std::string text;         // the help, or one line that says what is wrong
};

// arguments without the program's name.
std::expected<Invocation, ParseFailure> parse_arguments(const std::vector<std::string>& arguments);

// Every leaf command with its help text and its example, for the tests that hold them to what they say.
struct CommandHelp {
  std::string path;  // "credential create"
  std::string help;
  std::string example;  // the command line
};
std::vector<CommandHelp> all_help();

}  // namespace shearline::cli
