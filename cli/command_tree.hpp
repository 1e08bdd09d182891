// How a subcommand is declared: shared by the files that build the tree of commands, with CLI11 kept out of
// everything else. Not for anyone but parser.cpp and command_tree_*.cpp.
#pragma once

#include "cli/commands.hpp"
#include "cli/parser.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace shearline::cli {

inline constexpr std::string_view example_title = "Example:";

// Adds a leaf: its options struct lives as long as the tree, its run function goes into the invocation.
template <class Options>
struct Leaf {
  CLI::App* app;
  std::shared_ptr<Options> options;
};
template <class Options, class Run>
Leaf<Options> add_leaf(CLI::App& parent, Invocation& invocation, const std::string& name,
                       const std::string& what, const std::string& example, Run run) {
  CLI::App* app = parent.add_subcommand(name, what);
  auto options = std::make_shared<Options>();
  app->footer(std::string(example_title) + "\n  " + example +
              "\n\nOptions of every command (--keys, --redis, --json and more): shearline --help");
  app->callback([&invocation, options, run] {
    invocation.run = [options, run](const Context& context) { return run(context, *options); };
  });
  return {app, std::move(options)};
}

// An id of a client, an admin or a group.
const CLI::Validator& id_validator();
const CLI::Validator& ulid_validator();

void add_reasons(CLI::App& app, Reasons& reasons);

void add_key_commands(CLI::App& app, Invocation& invocation);         // pepper, admin, group
void add_credential_commands(CLI::App& app, Invocation& invocation);  // credential, list
void add_rotation_commands(CLI::App& app, Invocation& invocation);    // rotate ... verify

}  // namespace shearline::cli
