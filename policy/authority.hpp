// Who may do what, now (design: model.md, security.md "Commands"): signature, freshness, audience, the
// admin's environments and tenants, two parties. Pure: the admins come in as a function, the time as a value.
#pragma once

#include "policy/command.hpp"
#include "policy/rules.hpp"

#include <functional>
#include <string_view>

namespace shearline::policy {

using FindAdmin = std::function<const Admin*(std::string_view admin_id)>;

// parse -> signature by the enrolled key of `kid` -> decode -> audience -> iat/exp against now. unauthorized
// for whatever a stranger could have signed; the reason is in the message and tells a stranger nothing of who
// exists. invalid: what is no JWS or no command at all.
Result<Command> authenticate(std::string_view compact_jws, std::string_view deployment,
                             const FindAdmin& find_admin, TimeMs now);

// The two halves of authenticate, for a caller that looks for an earlier answer between them: a repeated
// command gets its answer until exp + 10 min, also when it may no longer act.
Result<Command> authenticate_sender(std::string_view compact_jws, std::string_view deployment,
                                    const FindAdmin& find_admin, TimeMs now);
Status check_freshness(const Command& command, TimeMs now);

struct Circumstances {
  std::size_t admins_known = 1;  // active or not, for bootstrap
};
// May this admin give this command on a credential with this metadata (null: no stored credential)? Creation
// and import are judged by the metadata they bring as well. policy_violation names what is missing: a second
// party, an identity-provider proof (prod), an environment or tenant. Reads are judged as well: an admin with grants hears
// of what is outside them exactly what they hear of a credential that does not exist.
Status permit(const Admin& admin, const Command& command, const Metadata* metadata, const Rules& rules,
              const Circumstances& circumstances, TimeMs now);

// Whether an admin is bound to environments or tenants; who is not may act on all.
bool has_grants(const Admin& admin);
// Whether an admin may see a credential at all: for lists, which leave out what is outside the grants.
bool may_see(const Admin& admin, const Metadata& metadata);
bool changes_state(Verb verb);  // everything but status, list and history

}  // namespace shearline::policy
