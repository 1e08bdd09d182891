#include "policy/authority.hpp"

#include "policy/jws.hpp"

#include <algorithm>
#include <cctype>

namespace shearline::policy {
namespace {

// One text for everything that somebody without an enrolled key can bring about: it must not tell an unknown
// admin from a revoked one, or either from a wrong signature.
std::unexpected<Error> not_an_admin() {
  return fail(Code::unauthorized, "the command is not signed with the key of an admin enrolled here");
}

// Verified against when there is no such admin, so that the time taken tells nothing either. A valid point
// (RFC 8032's base point); whether a signature fits it is never asked.
constexpr PublicKey nobody = [] {
  PublicKey key{};
  key.fill(0x66);
  key[0] = 0x58;
  return key;
}();

bool is_active(const Admin& admin, TimeMs now) { return !admin.revoked && now < admin.expires_at_ms; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}
// Rules must not be sidestepped by another spelling of the same thing.
std::string environment_of(std::string_view text) {
  std::string name = lower(text);
  return name == "production" ? "prod" : name;
}
bool is_prod_pii(const Metadata& metadata) {
  return environment_of(metadata.environment) == "prod" && lower(metadata.data_classification) == "pii";
}

Status violation(std::string message) { return fail(Code::policy_violation, std::move(message)); }
Status needs_second_party(std::string_view what) {
  return violation(std::string(what) +
                   " needs a second party (approve), and this engine does not take approvals yet");
}

Status permit_grants(const Admin& admin, const Metadata& metadata) {
  if (!admin.environments.empty() && !admin.environments.contains(metadata.environment)) {
    return violation("environment `" + metadata.environment + "` is not among those granted to " +
                     admin.admin_id);
  }
  if (!admin.tenants.empty() && !admin.tenants.contains(metadata.tenant)) {
    return violation("tenant `" + metadata.tenant + "` is not among those granted to " + admin.admin_id);
  }
  return {};
}

// Which commands are about a credential that is to be there already.
bool needs_a_stored_one(Verb verb) {
  switch (verb) {
    case Verb::status:
    case Verb::history:
    case Verb::rotate:
    case Verb::ack:
    case Verb::promote:
    case Verb::cancel:
    case Verb::revoke:
      return true;
    default:
      return false;
  }
}

// What an admin may not see is not there for them: one refusal for a credential outside the grants and for none at all.
// Only that an id is taken cannot be kept from whoever wants it for a new one.
Status permit_sight(const Admin& admin, const Command& command, const Metadata* stored) {
  if (!has_grants(admin)) return {};
  if (stored != nullptr && permit_grants(admin, *stored)) return {};
  if (needs_a_stored_one(command.verb)) {
    return violation("there is no credential " + command.credential +
                     " in the environments and tenants granted to " + admin.admin_id);
  }
  if (stored == nullptr) return {};
  return violation("the client id is taken, outside the environments and tenants granted to " +
                   admin.admin_id);
}

Status permit_proof(const Command& command, const Metadata& metadata, const Rules& rules) {
  const std::string environment = environment_of(metadata.environment);
  const bool required = std::ranges::any_of(rules.idp_proof_required_in, [&](const std::string& name) {
    return environment_of(name) == environment;
  });
  if (!required) return {};
  return violation(std::string(name_of(command.verb)) + " in environment `" + metadata.environment +
                   "` needs a proof of the identity provider (idp_proof), which this engine does not check "
                   "yet; see idp_proof_required_in in the rules");
}

// Nobody hands out more than they hold; an empty set means everything.
bool within(const std::set<std::string>& given, const std::set<std::string>& held) {
  return held.empty() || (!given.empty() && std::ranges::includes(held, given));
}
Status permit_enrolment(const Admin& admin, const Params& params) {
  if (!within(params.environments, admin.environments) || !within(params.tenants, admin.tenants)) {
    return violation("an admin cannot grant environments or tenants beyond their own");
  }
  if (params.expires_at_ms.value_or(time_never) > admin.expires_at_ms) {
    return violation("an admin cannot grant rights for longer than their own");
  }
  return {};
}

Status permit_alone(const Command& command, const Metadata* metadata, const Rules& rules,
                    const Circumstances& circumstances) {
  const bool bootstrapping = rules.bootstrap && circumstances.admins_known <= 1;
  switch (command.verb) {
    case Verb::admin_enroll:
      return bootstrapping ? Status{} : needs_second_party("enrolling an admin");
    case Verb::group_create:
      return bootstrapping ? Status{} : needs_second_party("making a group");
    case Verb::group_add:
      return bootstrapping ? Status{} : needs_second_party("adding members to a group");
    case Verb::rotate:
      if (metadata != nullptr && is_prod_pii(*metadata)) {
        return needs_second_party("rotating a prod credential with pii off schedule");
      }
      return {};
    default:
      return {};
  }
}

}  // namespace

Result<Command> authenticate_sender(std::string_view compact_jws, std::string_view deployment,
                                    const FindAdmin& find_admin, TimeMs now) {
  const Result<UnverifiedJws> jws = parse_jws(compact_jws, command_type);
  if (!jws) return std::unexpected(jws.error());
  const Admin* admin = find_admin(jws->kid);
  const bool signed_by_key = verify_jws(*jws, admin == nullptr ? nobody : admin->signing_key);
  if (admin == nullptr || !signed_by_key || !is_active(*admin, now)) return not_an_admin();

  Result<Command> command = decode_command(jws->claims_json);
  if (!command) return command;
  if (command->audience != audience_of(deployment)) {
    return fail(Code::unauthorized,
                "the command is for another deployment: `aud` must be " + audience_of(deployment));
  }
  command->kid = jws->kid;
  command->hash = sha256(as_bytes(compact_jws));
  return command;
}

Status check_freshness(const Command& command, TimeMs now) {
  if (command.expires_at_ms <= command.issued_at_ms) {
    return fail(Code::unauthorized, "`exp` must be after `iat`");
  }
  if (command.expires_at_ms - command.issued_at_ms > command_lifetime_max_ms) {
    return fail(Code::unauthorized, "`exp` must be at most 300 s after `iat`");
  }
  if (command.issued_at_ms > now + command_leeway_ms) {
    return fail(Code::unauthorized, "the command is from the future (`iat`); is the sender's clock right?");
  }
  if (now >= command.expires_at_ms + command_leeway_ms) {
    return fail(Code::unauthorized, "the command has expired (`exp`); sign a new one");
  }
  return {};
}

Result<Command> authenticate(std::string_view compact_jws, std::string_view deployment,
                             const FindAdmin& find_admin, TimeMs now) {
  Result<Command> command = authenticate_sender(compact_jws, deployment, find_admin, now);
  if (!command) return command;
  if (Status status = check_freshness(*command, now); !status) return std::unexpected(status.error());
  return command;
}

bool changes_state(Verb verb) { return verb != Verb::status && verb != Verb::list && verb != Verb::history; }

bool has_grants(const Admin& admin) { return !admin.environments.empty() || !admin.tenants.empty(); }

bool may_see(const Admin& admin, const Metadata& metadata) {
  return permit_grants(admin, metadata).has_value();
}

Status permit(const Admin& admin, const Command& command, const Metadata* metadata, const Rules& rules,
              const Circumstances& circumstances, TimeMs now) {
  if (!is_active(admin, now)) return not_an_admin();
  if (Status status = permit_sight(admin, command, metadata); !status) return status;
  const bool brings_metadata =
      command.verb == Verb::credential_create || command.verb == Verb::credential_import;
  for (const Metadata* judged : {metadata, brings_metadata ? &command.params.metadata : nullptr}) {
    if (judged == nullptr) continue;
    if (Status status = permit_grants(admin, *judged); !status) return status;
    if (!changes_state(command.verb)) continue;
    if (Status status = permit_proof(command, *judged, rules); !status) return status;
  }
  if (command.verb == Verb::admin_enroll) {
    if (Status status = permit_enrolment(admin, command.params); !status) return status;
  }
  if (command.verb == Verb::rotate && command.params.supersede &&
      !rules.supersede_admins.contains(admin.admin_id)) {
    return violation(
        "`supersede` ends a window early and needs its own permission: supersede_admins in the rules");
  }
  return permit_alone(command, metadata, rules, circumstances);
}

}  // namespace shearline::policy
