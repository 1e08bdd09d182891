// Commands that only read: status, list, history (design: protocols.md section 3). Used by the admin actor; what they
// answer is nothing confidential, for all admins can read all answers.
#pragma once

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/known_state.hpp"
#include "policy/command.hpp"

#include <string>

namespace shearline::actors {

inline constexpr std::uint32_t list_page_max = 500;
inline constexpr std::size_t answer_bytes_max =
    32 * 1024;  // of a page, so that the signed answer stays under 64 KiB

struct QueryAnswer {
  std::string rotation_json;
  std::string result_json;
};
// status: the credential as it is in the store now. history: the newest audit events about it in the trail of this node,
// and whether that trail has all that were ever written. list: one page of credentials, groups or admins in the order of
// their ids, after `params.after`. Of credentials an admin hears only as far as their grants go.
Result<QueryAnswer> answer_query(ActorContext& context, const Directory& directory, const KnownState& known,
                                 const policy::Command& command);

}  // namespace shearline::actors
