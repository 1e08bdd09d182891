// The running side of `shearline inbox`: which groups are ours, what their streams say next, and what is done
// with each entry. Judging entries is inbox_entry.hpp, showing and writing secrets delivery.hpp. One fiber,
// the main one.
#pragma once

#include "cli/commands.hpp"
#include "cli/delivery.hpp"
#include "cli/inbox_entry.hpp"
#include "cli/inbox_state.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace shearline::cli {

class Inbox {
 public:
  Inbox(Session& session, const InboxOptions& options, Delivery& delivery, std::string state_file,
        InboxState state);

  // Until the first secret (--once), the timeout, or for ever.
  Exit run(std::int64_t timeout_ms);

 private:
  Status look(std::int64_t wait_ms);
  Exit time_is_over() const;
  Status learn_groups();
  Status read_once(std::int64_t wait_ms);
  Status connect();
  std::vector<std::string> stream_keys(const std::vector<std::string>& groups) const;
  Result<std::vector<std::string>> readable_groups();
  Status rewind_behind(const std::string& group_id, const std::string& end);
  Status take(const StreamItem& item, const std::string& group_id);
  Status take_secret(const std::string& group_id, Entry& entry);
  Result<std::vector<std::string>> ask_for_groups();
  Result<policy::Answer> acknowledge(const wire::DeliveredSecret& delivered);
  std::string in_no_group() const;
  void tell_groups(const std::vector<std::string>& groups) const;
  void tell_unreadable(const std::string& group_id, const Error& why) const;
  void tell_notice(const std::string& group_id, const wire::Envelope& notice) const;
  void tell_refused(const std::string& group_id, const StreamItem& item, const Error& why) const;

  Session& session_;
  const InboxOptions& options_;
  const Output& output_;
  Delivery& delivery_;
  std::string state_file_;
  InboxState state_;
  std::vector<std::string> groups_;
  std::int64_t groups_learned_ms_ = -1;
  std::set<std::string> unreadable_;  // groups whose streams are of another type: each is told once
  std::unique_ptr<store::RedisLink> link_;
  std::size_t secrets_ = 0;
  Exit last_exit_ = Exit::ok;  // of the last secret
};

// Group ids in the answer to `list groups` that have this admin as a member.
std::vector<std::string> groups_with(std::string_view list_json, std::string_view admin_id);
// The last group id in it, if the engine says that there are more.
std::string groups_go_on_after(std::string_view list_json);

}  // namespace shearline::cli
