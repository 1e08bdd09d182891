#include "actors/directory.hpp"

#include <algorithm>

namespace shearline::actors {

Directory::Directory(std::vector<policy::Admin> founding) {
  for (policy::Admin& admin : founding) {
    admin.founding = true;
    std::string id = admin.admin_id;
    admins_.insert_or_assign(std::move(id), Entry<policy::Admin>{std::move(admin), 0});
  }
}

const policy::Admin* Directory::find_admin(std::string_view admin_id) const {
  const auto found = admins_.find(admin_id);
  return found == admins_.end() ? nullptr : &found->second.value;
}

const policy::Group* Directory::find_group(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second.value;
}

std::set<std::string> Directory::members_of(std::string_view group_id) const {
  const policy::Group* group = find_group(group_id);
  return group == nullptr ? std::set<std::string>{} : group->members;
}

std::set<std::string> Directory::active_members(std::string_view group_id, TimeMs now) const {
  std::set<std::string> members = members_of(group_id);
  std::erase_if(members, [&](const std::string& id) { return !is_active(id, now); });
  return members;
}

bool Directory::person_taken(std::string_view person) const {
  for (const auto& [id, entry] : admins_) {
    if (entry.value.person == person) return true;
  }
  return false;
}

bool Directory::is_active(std::string_view admin_id, TimeMs now) const {
  const policy::Admin* admin = find_admin(admin_id);
  return admin != nullptr && !admin->revoked && now < admin->expires_at_ms;
}

std::vector<std::string> Directory::group_ids() const {
  std::vector<std::string> ids;
  ids.reserve(groups_.size());
  for (const auto& [id, entry] : groups_) ids.push_back(id);
  return ids;
}

std::uint64_t Directory::admin_revision(std::string_view admin_id) const {
  const auto found = admins_.find(admin_id);
  return found == admins_.end() ? 0 : found->second.revision;
}

std::uint64_t Directory::group_revision(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? 0 : found->second.revision;
}

std::size_t Directory::records_known() const {
  const auto has_record = [](const auto& entry) { return entry.second.revision > 0; };
  return static_cast<std::size_t>(std::ranges::count_if(admins_, has_record) +
                                  std::ranges::count_if(groups_, has_record));
}

void Directory::put_admin(policy::Admin admin, std::uint64_t revision) {
  const auto found = admins_.find(admin.admin_id);
  if (found != admins_.end() && found->second.value.founding) return;
  std::string id = admin.admin_id;
  admins_.insert_or_assign(std::move(id), Entry<policy::Admin>{std::move(admin), revision});
}

void Directory::put_group(policy::Group group, std::uint64_t revision) {
  std::string id = group.group_id;
  groups_.insert_or_assign(std::move(id), Entry<policy::Group>{std::move(group), revision});
}

}  // namespace shearline::actors
