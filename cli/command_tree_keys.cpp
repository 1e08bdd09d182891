// The part of the command line that deals with keys, people and groups.
#include "cli/command_tree.hpp"

namespace shearline::cli {
namespace {

void add_pepper(CLI::App& app, Invocation& invocation) {
  CLI::App* pepper = app.add_subcommand("pepper", "The deployment's keyring")->require_subcommand(1);
  auto init = add_leaf<PepperInit>(
      *pepper, invocation, "init",
      "Make a new keyring: pepper, state key and the engine's identity, wrapped by a key of yours",
      "shearline pepper init /etc/shearline/keyring.json --deployment prod-eu", pepper_init);
  init.app->add_option("file", init.options->keyring_file, "Where to write it; must not exist")->required();
  init.app
      ->add_option("--deployment", init.options->deployment,
                   "Name of the deployment; commands are bound to it")
      ->required()
      ->check(id_validator());
  init.app
      ->add_option("--kek", init.options->kek,
                   "What wraps it: passphrase-file:PATH, passphrase-env:NAME, key-file:PATH, key-env:NAME or "
                   "systemd:NAME; without it a passphrase is asked for")
      ->type_name("SOURCE");
  init.app
      ->add_option("--public", init.options->public_file, "Where the public half goes [beside it, .public]")
      ->type_name("FILE");
}

void add_admin(CLI::App& app, Invocation& invocation) {
  CLI::App* admin = app.add_subcommand("admin", "Admins and their keys")->require_subcommand(1);
  auto init = add_leaf<AdminInit>(
      *admin, invocation, "init",
      "Make your keys, pin the engine, and print the block for the server's configuration",
      "shearline admin init alice --person alice@example.com --engine /etc/shearline/keyring.public",
      admin_init);
  init.app->add_option("id", init.options->admin_id, "Your admin id")->required()->check(id_validator());
  init.app->add_option("--person", init.options->person, "Who you are at your identity provider (sub)")
      ->required();
  init.app
      ->add_option("--engine", init.options->engine_file, "The engine's public identity, from pepper init")
      ->required()
      ->type_name("FILE");

  struct Nothing {};
  add_leaf<Nothing>(*admin, invocation, "show", "Print the public half of your keys again",
                    "shearline admin show",
                    [](const Context& context, const Nothing&) { return admin_show(context); });

  auto enroll = add_leaf<AdminEnroll>(
      *admin, invocation, "enroll", "Enroll another admin from the public file of their admin init",
      "shearline admin enroll bob bob.public --environment staging --reason \"joins the team\"",
      admin_enroll);
  enroll.app->add_option("id", enroll.options->admin_id, "Their admin id")->required()->check(id_validator());
  enroll.app->add_option("file", enroll.options->public_file, "Their public file")->required();
  enroll.app
      ->add_option("--environment", enroll.options->environments, "Environment granted; none given: all")
      ->allow_extra_args(false);
  enroll.app->add_option("--tenant", enroll.options->tenants, "Tenant granted; none given: all")
      ->allow_extra_args(false);
  enroll.app->add_option("--expires-at", enroll.options->expires_at,
                         "When it ends: +8h or 2026-01-31T12:00:00Z");
  add_reasons(*enroll.app, enroll.options->reasons);
}

void add_members(const Leaf<GroupMembers>& leaf) {
  leaf.app->add_option("group", leaf.options->group_id, "Group id")->required()->check(id_validator());
  leaf.app->add_option("members", leaf.options->members, "Admin ids")->required()->check(id_validator());
  add_reasons(*leaf.app, leaf.options->reasons);
}

void add_group(CLI::App& app, Invocation& invocation) {
  CLI::App* group =
      app.add_subcommand("group", "Groups of admins who receive secrets")->require_subcommand(1);
  add_members(add_leaf<GroupMembers>(*group, invocation, "create", "Make a group with its members",
                                     "shearline group create payments alice bob --reason \"new service\"",
                                     group_create));
  add_members(add_leaf<GroupMembers>(*group, invocation, "add", "Add members to a group",
                                     "shearline group add payments carol --ticket OPS-17", group_add));
  auto all = add_leaf<ListOf>(*group, invocation, "list", "List the groups and their members",
                              "shearline group list --json", list);
  all.options->what = "groups";
  all.app->add_option("--after", all.options->after, "Continue after this id")->check(id_validator());
  all.app->add_option("--limit", all.options->limit, "At most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

}  // namespace

void add_key_commands(CLI::App& app, Invocation& invocation) {
  add_pepper(app, invocation);
  add_admin(app, invocation);
  add_group(app, invocation);
}

}  // namespace shearline::cli
