// The part of the command line that deals with rotations, delivery and checking.
#include "cli/command_tree.hpp"

namespace shearline::cli {
namespace {

void add_client(CLI::App& app, std::string& client_id) {
  app.add_option("client", client_id, "Client id")->required()->check(id_validator());
}

void add_rotate(CLI::App& app, Invocation& invocation) {
  auto leaf = add_leaf<Rotate>(app, invocation, "rotate",
                               "Start a rotation and follow it until the new secret is promoted",
                               "shearline rotate acme-staging --grace 24h --reason \"quarterly\"", rotate);
  Rotate& options = *leaf.options;
  CLI::Option* client = leaf.app->add_option("client", options.client_id, "Client id")->check(id_validator());
  CLI::Option* clients =
      leaf.app
          ->add_option("--clients", options.clients_file,
                       "File with client ids, one a line, - for standard input, in place of one client; none "
                       "is followed")
          ->type_name("FILE")
          ->excludes(client);
  leaf.app->callback([&invocation, chosen = leaf.options] {
    if (chosen->client_id.empty() && chosen->clients_file.empty()) throw CLI::RequiredError("client");
    invocation.run = [chosen](const Context& context) { return rotate(context, *chosen); };
  });
  leaf.app->add_option("--grace", options.grace, "How long the old secret goes on working [by class]")
      ->type_name("DURATION");
  leaf.app->add_option("--not-before", options.not_before,
                       "Not promoted before: +30m or 2026-01-31T12:00:00Z");
  leaf.app
      ->add_option("--rotation", options.rotation_id,
                   "Id of the rotation [a new one]; the same again changes nothing")
      ->check(ulid_validator())
      ->excludes(clients);
  leaf.app->add_flag("--emergency", options.emergency, "At once and without grace; ends an open rotation");
  leaf.app->add_flag("--supersede", options.supersede, "Even while the version before is in grace");
  leaf.app->add_flag_callback(
      "--no-follow", [&options] { options.follow = false; }, "End as soon as the engine has taken it");
  leaf.app->add_option("--timeout", options.follow_timeout, "Follow at most so long")->type_name("DURATION");
  add_reasons(*leaf.app, options.reasons);
}

void add_on_rotation(CLI::App& app, OnRotation& options) {
  add_client(app, options.client_id);
  app.add_option("--rotation", options.rotation_id, "Id of the rotation")
      ->required()
      ->check(ulid_validator());
  add_reasons(app, options.reasons);
}

void add_steps(CLI::App& app, Invocation& invocation) {
  auto promotion = add_leaf<OnRotation>(
      app, invocation, "promote", "Promote a rotation whose acknowledgements are complete",
      "shearline promote acme-staging --rotation 01JZ0000000000000000000000", promote);
  add_on_rotation(*promotion.app, *promotion.options);
  auto cancellation = add_leaf<OnRotation>(
      app, invocation, "cancel", "End an open rotation; the current secret stays",
      "shearline cancel acme-staging --rotation 01JZ0000000000000000000000 --reason \"wrong client\"",
      cancel);
  add_on_rotation(*cancellation.app, *cancellation.options);
  auto ack = add_leaf<Acknowledge>(
      app, invocation, "ack", "Acknowledge a secret that was received without acknowledging (inbox --no-ack)",
      "shearline ack acme-staging --rotation 01JZ0000000000000000000000 --secret-file acme.secret",
      acknowledge);
  add_on_rotation(*ack.app, ack.options->on);
  ack.app->add_option("--secret-file", ack.options->secret_file, "File with the secret, - for standard input")
      ->required()
      ->type_name("FILE");
  auto revocation = add_leaf<Revoke>(
      app, invocation, "revoke", "Stop accepting a credential, or one version of it, now and everywhere",
      "shearline revoke acme-staging --reason \"found in a public repository\"", revoke);
  add_client(*revocation.app, revocation.options->client_id);
  revocation.app->add_option("--version", revocation.options->version_id, "Only this version [all]")
      ->check(ulid_validator());
  add_reasons(*revocation.app, revocation.options->reasons);
}

void add_reading(CLI::App& app, Invocation& invocation) {
  auto state = add_leaf<StatusOf>(app, invocation, "status", "Show a credential and its rotation",
                                  "shearline status acme-staging --json", status);
  add_client(*state.app, state.options->client_id);
  state.app->add_option("--rotation", state.options->rotation_id, "This rotation [the open one]")
      ->check(ulid_validator());
  auto past = add_leaf<HistoryOf>(
      app, invocation, "history",
      "Show what happened to a credential, as far as the trail of the answering node tells it; it "
      "says whether that is all",
      "shearline history acme-staging --limit 20", history);
  add_client(*past.app, past.options->client_id);
  past.app->add_option("--after", past.options->after, "Continue after this entry")->check(id_validator());
  past.app->add_option("--limit", past.options->limit, "At most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void add_audit(CLI::App& app, Invocation& invocation) {
  auto leaf = add_leaf<AuditOf>(
      app, invocation, "audit",
      "Check audit files and show their events, each once: give the files of all nodes for the whole trail; "
      "needs no admin keys",
      "shearline audit node-1/audit.jsonl node-2/audit.jsonl --json", audit);
  leaf.app->add_option("files", leaf.options->files, "audit.jsonl of the nodes' data folders")
      ->required()
      ->type_name("FILE");
  leaf.app->add_flag("--quiet", leaf.options->quiet, "Only say whether the chains hold");
}

void add_inbox(CLI::App& app, Invocation& invocation) {
  auto leaf =
      add_leaf<InboxOptions>(app, invocation, "inbox",
                             "Receive secrets: check, decrypt, write to a file with mode 0600, acknowledge",
                             "shearline inbox --once --out ~/secrets --timeout 10m", inbox);
  InboxOptions& options = *leaf.options;
  leaf.app->add_option("--group", options.groups, "Follow this group [all that you are in]")
      ->check(id_validator())
      ->allow_extra_args(false);
  leaf.app->add_option("--out", options.out, "Folder for the files [inbox/ beside your keys]")
      ->type_name("DIR");
  leaf.app->add_flag("--show", options.show, "Print secrets to standard output instead of writing files");
  leaf.app->add_flag("--once", options.once, "End after the first secret");
  leaf.app->add_flag_callback("--no-ack", [&options] { options.acknowledge = false; }, "Do not acknowledge");
  leaf.app->add_option("--timeout", options.timeout, "Wait at most so long")->type_name("DURATION");
}

void add_verify(CLI::App& app, Invocation& invocation) {
  auto leaf =
      add_leaf<Verify>(app, invocation, "verify",
                       "Ask the engine whether it accepts a secret, as a gateway would; needs no admin keys",
                       "shearline verify acme-staging --secret-file acme.secret", verify);
  leaf.app
      ->add_option("client", leaf.options->client_id, "Client id; left out: the secret is a whole API key")
      ->check(id_validator());
  leaf.app
      ->add_option("--secret-file", leaf.options->secret_file, "File with the secret, - for standard input")
      ->capture_default_str()
      ->type_name("FILE");
  leaf.app->add_option("--server", leaf.options->server, "Where the engine checks")
      ->envname("SHEARLINE_SERVER")
      ->capture_default_str()
      ->type_name("ADDRESS");
  auto* const gateway = leaf.app
                            ->add_option("--gateway", leaf.options->gateway,
                                         "Log in as this gateway, where the engine asks for it")
                            ->check(id_validator());
  auto* const token =
      leaf.app->add_option("--token-file", leaf.options->token_file, "File with the gateway's token")
          ->type_name("FILE");
  gateway->needs(token);
  token->needs(gateway);
}

}  // namespace

void add_rotation_commands(CLI::App& app, Invocation& invocation) {
  add_rotate(app, invocation);
  add_steps(app, invocation);
  add_inbox(app, invocation);
  add_reading(app, invocation);
  add_audit(app, invocation);
  add_verify(app, invocation);
}

}  // namespace shearline::cli
