// Who belongs to what: enrolling admins, founding groups, adding members (design: protocols.md section 3), as pure
// functions like lifecycle. Whether the admin may do it at all has been decided by authority.
#pragma once

#include "policy/command.hpp"
#include "policy/event.hpp"
#include "policy/model.hpp"

#include <string_view>
#include <vector>

namespace shearline::policy {

// Who decides, where and under which rules; goes into the event.
struct MembershipContext {
  TimeMs now = 0;
  std::string_view node;
  std::string_view policy_hash;
};

template <class T>
struct MembershipChange {
  T next;
  AuditEvent event;
};

// conflict: the group exists. invalid: no members, too many, a bad id.
// A member need not be enrolled yet: a group may be founded before its second admin exists, and whoever has no key yet
// simply receives nothing until they are enrolled.
Result<MembershipChange<Group>> create_group(const Group* existing, const Command& command,
                                             const MembershipContext& context);
// not_found: no such group. Members that are there already are no fault; nobody new is conflict.
Result<MembershipChange<Group>> add_members(const Group* existing, const Command& command,
                                            const MembershipContext& context);
// conflict: the id or the person is taken (`person_taken`). invalid: the sealing key is not proven by the signing key
// (`sealing_key_proven`, checked by the caller, who has the keys library), the signing key is all zero.
struct EnrollFacts {
  bool id_taken = false;
  bool person_taken = false;
  bool sealing_key_proven = false;
};
Result<MembershipChange<Admin>> enroll_admin(const EnrollFacts& facts, const Command& command,
                                             const MembershipContext& context);

}  // namespace shearline::policy
