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
// for whatever a stranger could have sent; the reason is in the message and tells a stranger nothing of who
// exists.
Result<Command> authenticate(std::string_view compact_jws, std::string_view deployment,
                             const FindAdmin& find_admin, TimeMs now);

struct Circumstances {
  std::size_t admins_active = 1;  // for bootstrap
  bool client_exists = false;     // import onto an existing client
};
// May this admin give this command on a credential with this metadata? policy_violation names what is
// missing: a second party, an identity-provider proof (prod), an environment or tenant.
Status permit(const Admin& admin, const Command& command, const Metadata* metadata, const Rules& rules,
              const Circumstances& circumstances, TimeMs now);

}  // namespace shearline::policy
