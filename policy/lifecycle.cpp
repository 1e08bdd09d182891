#include "policy/lifecycle.hpp"

#include "policy/change.hpp"

#include <algorithm>

namespace shearline::policy {
namespace {

constexpr std::size_t import_secret_bytes_min = 16;
constexpr std::size_t strong_secret_bytes_min = 22;  // about 128 bits in base64 or base62

Ulid rotation_id_of(const Command& command) { return Ulid::parse(command.rotation_id).value_or(command.jti); }
std::string in_quotes(std::string_view text) { return "`" + std::string(text) + "`"; }

Status check_metadata(const Metadata& metadata) {
  std::string missing;
  const auto need = [&](std::string_view name, const std::string& value) {
    if (value.empty()) missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  need("owner", metadata.owner);
  need("service", metadata.service);
  need("environment", metadata.environment);
  need("tenant", metadata.tenant);
  need("data_classification", metadata.data_classification);
  if (missing.empty()) return {};
  return fail(Code::invalid, "mandatory metadata is missing: " + missing);
}

Status check_not_denied(std::string_view client_id, const Rules& rules) {
  if (!rules.denied_clients.contains(client_id)) return {};
  return fail(Code::policy_violation,
              in_quotes(client_id) + " is on the deny list of the rules (denied_clients)");
}

Status check_quorum(std::uint32_t quorum, std::string_view group, const Context& context) {
  if (context.group_members == nullptr || quorum <= context.group_members->size()) return {};
  return fail(Code::policy_violation, "the quorum is " + std::to_string(quorum) + " but group " +
                                          in_quotes(group) + " has only " +
                                          std::to_string(context.group_members->size()) +
                                          " members; add members or lower the quorum");
}

// What creation and import have in common: a credential with everything but its first version.
Result<Credential> new_credential(std::string_view client_id, const Params& params, const Context& context) {
  if (!is_id(client_id)) return fail(Code::invalid, "a client id is 1 to 64 of A-Z a-z 0-9 . _ ~ -");
  if (Status status = check_not_denied(client_id, context.rules); !status)
    return std::unexpected(status.error());
  if (!params.kind) return fail(Code::invalid, "the credential's kind is missing");
  if (Status status = check_metadata(params.metadata); !status) return std::unexpected(status.error());
  if (params.group.empty())
    return fail(Code::invalid, "the group that receives the credential's secrets is missing");
  const std::string& name = params.credential_class.empty() ? "default" : params.credential_class;
  if (context.rules.find(name) == nullptr) {
    std::string known;
    for (const auto& [one, rules] : context.rules.classes) known += (known.empty() ? "" : ", ") + one;
    return fail(Code::invalid, "there is no class " + in_quotes(name) + " in the rules; there is: " + known);
  }
  if (params.expires_at_ms && *params.expires_at_ms <= context.now) {
    return fail(Code::invalid, "`expires_at` has passed already");
  }
  Credential credential;
  credential.client_id = client_id;
  credential.kind = *params.kind;
  credential.metadata = params.metadata;
  if (credential.metadata.rotation_period_ms == 0) {
    credential.metadata.rotation_period_ms = context.rules.rotation_period_ms(*params.kind);
  }
  credential.group = params.group;
  credential.credential_class = name;
  credential.api_key_prefix = params.api_key_prefix;
  credential.created_at_ms = context.now;
  credential.expires_at_ms = params.expires_at_ms.value_or(time_never);
  return credential;
}

// Mints the pending version and the rotation that brings it. The deadline runs from notify; until then the
// one written here lets verifiers end the version by themselves should this node never come back.
void prepare(Change& change, const Command& command, std::int64_t grace_ms, std::uint32_t quorum) {
  const Context& context = change.context();
  Rotation rotation;
  rotation.rotation_id = rotation_id_of(command);
  rotation.version_id = context.new_version_id;
  rotation.state = RotationState::prepared;
  rotation.creation = change.credential().status == CredentialStatus::fresh;
  rotation.emergency = command.params.emergency;
  rotation.supersede = command.params.supersede;
  rotation.requester = command.kid;
  rotation.reason = command.reason;
  rotation.justification = command.justification;
  rotation.ticket = command.ticket;
  rotation.correlation_id = command.correlation_id;
  rotation.grace_ms = grace_ms;
  rotation.quorum_required = quorum;
  rotation.requested_at_ms = context.now;
  rotation.not_before_ms = command.params.not_before_ms.value_or(0);
  rotation.deadline_ms = context.now + change.class_rules().ack_deadline_ms;

  Version version;
  version.version_id = rotation.version_id;
  version.mac_key_ref = context.mac_key_ref;
  version.created_at_ms = context.now;
  version.not_before_ms = rotation.not_before_ms;
  version.not_after_ms = rotation.deadline_ms;
  version.created_by = command.kid;
  version.reason = command.reason;
  change.open(std::move(rotation));
  change.add(std::move(version));
}

Status check_may_rotate(const Credential& credential, const Command& command, const Context& context) {
  if (credential.status >= CredentialStatus::suspended) {
    return fail(Code::policy_violation, in_quotes(credential.client_id) + " is " +
                                            std::string(name_of(credential.status)) + " and is not rotated");
  }
  if (Status status = check_not_denied(credential.client_id, context.rules); !status) return status;
  const Params& params = command.params;
  if (params.emergency && (params.not_before_ms || params.grace_ms.value_or(0) != 0)) {
    return fail(Code::invalid,
                "an emergency rotation takes effect at once and ends the old version at promotion: it takes "
                "neither not_before nor grace_ms");
  }
  if (params.not_before_ms && *params.not_before_ms > context.now + not_before_ahead_max_ms) {
    return fail(Code::policy_violation,
                "`not_before` is more than " + duration_text(not_before_ahead_max_ms) + " ahead");
  }
  if (params.not_before_ms && *params.not_before_ms >= credential.expires_at_ms) {
    return fail(Code::policy_violation, "`not_before` is not before the credential's hard end");
  }
  return {};
}

Status check_nothing_open(const Credential& credential) {
  if (!credential.rotation || !is_open(credential.rotation->state)) return {};
  return fail(Code::conflict, "rotation " + credential.rotation->rotation_id.text() + " is open (" +
                                  std::string(name_of(credential.rotation->state)) +
                                  "); cancel it or wait for it");
}

Status check_no_window(const Credential& credential, const Command& command) {
  if (command.params.supersede) return {};
  const auto in_grace = std::ranges::find(credential.versions, VersionState::grace, &Version::state);
  if (in_grace == credential.versions.end()) return {};
  return fail(Code::policy_violation, "version " + in_grace->version_id.text() + " is in grace until " +
                                          rfc3339(in_grace->not_after_ms) +
                                          "; `supersede` would end it at promotion");
}

// Between promoted rotations; bringing the first version is not a rotation.
Status check_interval(const Credential& credential, const ClassRules& rules, TimeMs now) {
  TimeMs newest = 0;
  std::size_t promoted = 0;
  for (const Version& version : credential.versions) {
    if (version.promoted_at_ms == 0) continue;
    ++promoted;
    newest = std::max(newest, version.promoted_at_ms);
  }
  if (promoted < 2 || now - newest >= rules.minimum_interval_ms) return {};
  return fail(Code::policy_violation, "the last rotation was promoted at " + rfc3339(newest) +
                                          "; the minimum interval of " +
                                          duration_text(rules.minimum_interval_ms) + " ends at " +
                                          rfc3339(newest + rules.minimum_interval_ms));
}

Result<std::int64_t> grace_of(const Command& command, const ClassRules& rules) {
  if (command.params.emergency) return 0;
  const std::int64_t grace_ms = command.params.grace_ms.value_or(rules.grace_ms);
  if (grace_ms < 0) return fail(Code::invalid, "`grace_ms` must not be negative");
  if (grace_ms > rules.grace_max_ms) {
    return fail(Code::policy_violation, "a grace of " + duration_text(grace_ms) +
                                            " is over this class's most, " +
                                            duration_text(rules.grace_max_ms));
  }
  return grace_ms;
}

bool knows_rotation(const Credential& credential, const Ulid& rotation_id) {
  if (credential.rotation && credential.rotation->rotation_id == rotation_id) return true;
  return std::ranges::find(credential.ended, rotation_id, &EndedRotation::rotation_id) !=
         credential.ended.end();
}

Status check_import(const ImportItem& item, const Imported& imported) {
  if (imported.has_own_key_form) {
    return fail(Code::invalid, "the secret has the form of a key of this engine; import what is inside it");
  }
  if (imported.secret_bytes < import_secret_bytes_min || imported.secret_bytes > secret_bytes_max) {
    return fail(Code::invalid, "an imported secret must be " + std::to_string(import_secret_bytes_min) +
                                   " to " + std::to_string(secret_bytes_max) + " bytes, this one is " +
                                   std::to_string(imported.secret_bytes));
  }
  if (imported.secret_bytes < strong_secret_bytes_min && !item.insist) {
    return fail(Code::policy_violation, "the secret is shorter than " +
                                            std::to_string(strong_secret_bytes_min) +
                                            " characters and may be guessed; rotate it, or `insist`");
  }
  return {};
}

bool brings_the_same(const Credential& existing, const Credential& brought, const Imported& imported,
                     const Context& context) {
  const auto version = std::ranges::find_if(existing.versions, [&](const Version& one) {
    return imported.known_as && one.version_id == *imported.known_as;
  });
  if (version == existing.versions.end()) return false;
  const ClassRules rules = context.rules.of_class(existing.credential_class);
  return is_accepting(existing, *version, rules, context.now) && existing.kind == brought.kind &&
         existing.metadata == brought.metadata && existing.group == brought.group &&
         existing.credential_class == brought.credential_class &&
         existing.api_key_prefix == brought.api_key_prefix && existing.expires_at_ms == brought.expires_at_ms;
}

// Whoever repeats an import that was interrupted hears what is in already; whoever would replace what is there hears what
// that takes.
std::unexpected<Error> import_onto(const Credential& existing, const Credential& brought,
                                   const Imported& imported, const Context& context) {
  if (brings_the_same(existing, brought, imported, context))
    return fail(Code::conflict, "the credential exists, as this item has it");
  return fail(
      Code::policy_violation,
      "the credential exists and differs from this item; import onto an existing client needs a second "
      "party (approve), and this engine does not take approvals yet");
}

}  // namespace

Result<Decision> create(const Command& command, const Context& context) {
  Result<Credential> credential = new_credential(command.credential, command.params, context);
  if (!credential) return std::unexpected(credential.error());
  const std::uint32_t quorum = context.rules.of_class(credential->credential_class).quorum;
  if (Status status = check_quorum(quorum, credential->group, context); !status) {
    return std::unexpected(status.error());
  }
  Change change(*credential, context, &command);
  change.created("credential.created",
                 {{"group", credential->group}, {"class", credential->credential_class}});
  prepare(change, command, 0, quorum);
  return change.finish(true);
}

Result<Decision> import(const Credential* existing, const Command& command, const ImportItem& item,
                        Imported imported, const Context& context) {
  Result<Credential> credential = new_credential(item.client_id, command.params, context);
  if (!credential) return std::unexpected(credential.error());
  if (Status status = check_import(item, imported); !status) return std::unexpected(status.error());
  if (existing != nullptr) return import_onto(*existing, *credential, imported, context);
  const std::uint32_t quorum = context.rules.of_class(credential->credential_class).quorum;
  if (Status status = check_quorum(quorum, credential->group, context); !status) {
    return std::unexpected(status.error());
  }
  credential->status = CredentialStatus::active;
  credential->last_rotated_ms = context.now;
  credential->secret_fingerprint = imported.fingerprint;
  credential->foreign_key_lookup = imported.foreign_key_lookup;

  Version version;
  version.version_id = context.new_version_id;
  version.mac_key_ref = context.mac_key_ref;
  version.digest = std::move(imported.digest);
  version.state = VersionState::current;
  version.created_at_ms = version.promoted_at_ms = context.now;
  version.created_by = command.kid;
  version.reason = command.reason;
  version.weak = imported.secret_bytes < strong_secret_bytes_min;

  Change change(*credential, context, &command);
  change.created("credential.imported",
                 {{"group", credential->group}, {"class", credential->credential_class}});
  Change::Details details;
  if (version.weak) details.emplace_back("weak", "true");
  change.add(std::move(version), std::move(details));
  return change.finish();
}

Result<Decision> rotate(const Credential& credential, const Command& command, const Context& context) {
  Change change(credential, context, &command);
  if (knows_rotation(credential, rotation_id_of(command))) return change.finish();
  end_what_is_over(change);
  const Credential& now_is = change.credential();
  const ClassRules rules = change.class_rules();
  const bool emergency = command.params.emergency;

  if (Status status = check_may_rotate(now_is, command, context); !status)
    return std::unexpected(status.error());
  if (!emergency) {
    for (const Status& status : {check_nothing_open(now_is), check_no_window(now_is, command),
                                 check_interval(now_is, rules, context.now)}) {
      if (!status) return std::unexpected(status.error());
    }
  }
  const Result<std::int64_t> grace_ms = grace_of(command, rules);
  if (!grace_ms) return std::unexpected(grace_ms.error());
  const std::uint32_t quorum = emergency ? rules.emergency_quorum : rules.quorum;
  if (Status status = check_quorum(quorum, now_is.group, context); !status)
    return std::unexpected(status.error());

  // An emergency goes ahead of an open rotation; a superseding one takes the place of a promoted rotation,
  // whose window goes on until the new version is promoted.
  if (Version* pending = change.pending()) change.to(*pending, VersionState::destroyed, context.now);
  if (now_is.rotation) change.end_rotation(RotationState::superseded, context.now);
  prepare(change, command, *grace_ms, quorum);
  return change.finish(true);
}

}  // namespace shearline::policy
