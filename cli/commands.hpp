// Every subcommand of `shearline`: its options as a plain struct and the function that runs it. The parser
// fills the structs (parser.hpp); nothing here knows how options are spelled beyond what error messages name.
#pragma once

#include "cli/exit_codes.hpp"
#include "cli/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shearline::cli {

// ---- keys (keys_commands.cpp): offline ----

struct PepperInit {
  std::string keyring_file;
  std::string deployment;
  std::string kek;          // a source as the server's configuration names it; empty: a passphrase
  std::string public_file;  // empty: beside the keyring
};
Exit pepper_init(const Context& context, const PepperInit& options);

struct AdminInit {
  std::string admin_id;
  std::string person;
  std::string engine_file;
};
Exit admin_init(const Context& context, const AdminInit& options);
Exit admin_show(const Context& context);

// ---- people and groups (group_commands.cpp) ----

struct AdminEnroll {
  std::string admin_id;
  std::string public_file;
  std::vector<std::string> environments;
  std::vector<std::string> tenants;
  std::string expires_at;
  Reasons reasons;
};
Exit admin_enroll(const Context& context, const AdminEnroll& options);

struct GroupMembers {
  std::string group_id;
  std::vector<std::string> members;
  Reasons reasons;
};
Exit group_create(const Context& context, const GroupMembers& options);
Exit group_add(const Context& context, const GroupMembers& options);

// ---- credentials (credential_commands.cpp, import_command.cpp) ----

struct CredentialFacts {
  std::string kind = "oauth2_client_secret";
  std::string group;
  std::string credential_class;
  std::string api_key_prefix;
  std::string owner;
  std::string service;
  std::string environment;
  std::string tenant;
  std::string data_classification;
  std::string rotation_period;
  std::string expires_at;
  Reasons reasons;
};
// The facts as a command's params. invalid: a kind, duration or moment that is none.
Result<policy::Params> params_of(const CredentialFacts& facts, TimeMs now);

struct CredentialCreate {
  std::string client_id;
  CredentialFacts facts;
  bool follow = false;
  std::string follow_timeout;
};
Exit credential_create(const Context& context, const CredentialCreate& options);

struct CredentialImport {
  std::string file;  // "-": standard input
  CredentialFacts facts;
  bool insist = false;
};
Exit credential_import(const Context& context, const CredentialImport& options);

// ---- rotations (rotation_commands.cpp) ----

struct Rotate {
  std::string client_id;
  std::string clients_file;  // instead of the client: ids, one a line; "-": standard input. None is followed.
  std::string rotation_id;
  std::string grace;
  std::string not_before;
  bool emergency = false;
  bool supersede = false;
  bool follow = true;
  std::string follow_timeout;
  Reasons reasons;
};
Exit rotate(const Context& context, const Rotate& options);

struct OnRotation {
  std::string client_id;
  std::string rotation_id;
  Reasons reasons;
};
Exit promote(const Context& context, const OnRotation& options);
Exit cancel(const Context& context, const OnRotation& options);

struct Acknowledge {
  OnRotation on;
  std::string secret_file;  // "-": standard input
};
Exit acknowledge(const Context& context, const Acknowledge& options);

struct Revoke {
  std::string client_id;
  std::string version_id;
  Reasons reasons;
};
Exit revoke(const Context& context, const Revoke& options);

// ---- reading (read_commands.cpp) ----

struct StatusOf {
  std::string client_id;
  std::string rotation_id;
};
Exit status(const Context& context, const StatusOf& options);

struct HistoryOf {
  std::string client_id;
  std::string after;
  std::uint32_t limit = 100;
};
Exit history(const Context& context, const HistoryOf& options);

struct ListOf {
  std::string what = "credentials";
  std::string after;
  std::uint32_t limit = 100;
};
Exit list(const Context& context, const ListOf& options);

// ---- delivery (inbox.cpp) ----

struct InboxOptions {
  std::vector<std::string> groups;  // empty: all that have us as a member, as the engine lists them
  std::string out;                  // folder for secrets; empty: beside the keys
  std::string timeout;
  bool once = false;
  bool show = false;
  bool acknowledge = true;
};
Exit inbox(const Context& context, const InboxOptions& options);

// ---- the audit trail (audit_command.cpp): needs neither keys nor an engine ----

struct AuditOf {
  std::vector<std::string> files;
  bool quiet = false;  // only whether it holds
};
Exit audit(const Context& context, const AuditOf& options);

// ---- checking (verify_command.cpp): needs no keys ----

struct Verify {
  std::string client_id;  // empty: the secret is a whole API key
  std::string secret_file = "-";
  std::string server = "127.0.0.1:7411";
  std::string gateway;     // empty: the engine asks for none
  std::string token_file;  // the gateway's token
};
Exit verify(const Context& context, const Verify& options);

}  // namespace shearline::cli
