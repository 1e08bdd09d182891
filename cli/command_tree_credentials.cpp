// The part of the command line that deals with credentials and lists.
#include "cli/command_tree.hpp"

namespace shearline::cli {
namespace {

void add_facts(CLI::App& app, CredentialFacts& facts) {
  app.add_option("--kind", facts.kind, "oauth2_client_secret, api_key or service_key")
      ->check(CLI::IsMember({"oauth2_client_secret", "api_key", "service_key"}))
      ->capture_default_str();
  app.add_option("--group", facts.group, "Group that receives its secrets")
      ->required()
      ->check(id_validator());
  app.add_option("--class", facts.credential_class, "Class of rules [default]")->check(id_validator());
  app.add_option("--owner", facts.owner, "Who answers for it");
  app.add_option("--service", facts.service, "Service it belongs to");
  app.add_option("--environment", facts.environment, "Environment, for example staging");
  app.add_option("--tenant", facts.tenant, "Tenant");
  app.add_option("--classification", facts.data_classification,
                 "Class of data it opens, for example internal");
  app.add_option("--rotation-period", facts.rotation_period, "How often it is to be rotated [by kind]")
      ->type_name("DURATION");
  app.add_option("--api-key-prefix", facts.api_key_prefix, "Hand its secrets out as keys with this prefix");
  app.add_option("--expires-at", facts.expires_at, "Its hard end: +90d or 2026-01-31T12:00:00Z");
  add_reasons(app, facts.reasons);
}

void add_create(CLI::App& credential, Invocation& invocation) {
  auto create = add_leaf<CredentialCreate>(credential, invocation, "create",
                                           "Make a credential; its first secret goes to the group's inbox",
                                           "shearline credential create acme-staging --group payments "
                                           "--owner acme --service billing --environment staging "
                                           "--tenant acme --classification internal",
                                           credential_create);
  create.app->add_option("client", create.options->client_id, "Client id")->required()->check(id_validator());
  add_facts(*create.app, create.options->facts);
  create.app->add_flag("--follow", create.options->follow, "Stay until the first secret is promoted");
  create.app->add_option("--timeout", create.options->follow_timeout, "Follow at most so long")
      ->type_name("DURATION");
}

void add_import(CLI::App& credential, Invocation& invocation) {
  auto import = add_leaf<CredentialImport>(
      credential, invocation, "import",
      "Bring in existing secrets: a file of lines {\"client_id\":\"...\",\"secret\":\"...\"}",
      "shearline credential import legacy.jsonl --group payments --owner acme --service billing "
      "--environment staging "
      "--tenant acme --classification internal",
      credential_import);
  import.app->add_option("file", import.options->file, "The file, - for standard input")->required();
  add_facts(*import.app, import.options->facts);
  import.app->add_flag("--insist", import.options->insist,
                       "Take secrets of fewer than 22 characters, and flag them");
}

void add_paging(CLI::App& app, ListOf& options) {
  app.add_option("--after", options.after, "Continue after this id")->check(id_validator());
  app.add_option("--limit", options.limit, "At most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

}  // namespace

void add_credential_commands(CLI::App& app, Invocation& invocation) {
  CLI::App* credential = app.add_subcommand("credential", "Credentials")->require_subcommand(1);
  add_create(*credential, invocation);
  add_import(*credential, invocation);
  auto show = add_leaf<StatusOf>(*credential, invocation, "show",
                                 "Show a credential and its versions, never a secret",
                                 "shearline credential show acme-staging", status);
  show.app->add_option("client", show.options->client_id, "Client id")->required()->check(id_validator());
  auto credentials = add_leaf<ListOf>(*credential, invocation, "list", "List credentials",
                                      "shearline credential list --limit 50", list);
  add_paging(*credentials.app, *credentials.options);

  auto all = add_leaf<ListOf>(app, invocation, "list", "List credentials, groups or admins",
                              "shearline list admins", list);
  all.app->add_option("what", all.options->what, "credentials, groups or admins")
      ->check(CLI::IsMember({"credentials", "groups", "admins"}))
      ->capture_default_str();
  add_paging(*all.app, *all.options);
}

}  // namespace shearline::cli
