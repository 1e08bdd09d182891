// Who the admins are and which groups there are: the founding admins of the configuration and what the `{sys}` partition
// says, as the replica last heard it. Control thread only; the replica writes (and admin, what it has just stored), admin,
// rotation and distribution read.
#pragma once

#include "policy/model.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::actors {

class Directory {
 public:
  // A founding admin of the configuration wins over a record with the same id.
  explicit Directory(std::vector<policy::Admin> founding);

  const policy::Admin* find_admin(std::string_view admin_id) const;  // null: nobody; revoked ones are found
  const policy::Group* find_group(std::string_view group_id) const;
  std::set<std::string> members_of(std::string_view group_id) const;  // active or not
  std::set<std::string> active_members(std::string_view group_id, TimeMs now) const;
  bool person_taken(std::string_view person) const;
  std::size_t admins_known() const {
    return admins_.size();
  }  // whatever became of them: bootstrap never comes back
  std::vector<std::string> group_ids() const;
  bool is_active(std::string_view admin_id, TimeMs now) const;

  std::uint64_t admin_revision(std::string_view admin_id) const;  // 0: no record in the store
  std::uint64_t group_revision(std::string_view group_id) const;
  std::size_t records_known() const;  // admins and groups that have a record in the store
  void put_admin(policy::Admin admin, std::uint64_t revision);
  void put_group(policy::Group group, std::uint64_t revision);

  template <class Each>
  void for_each_admin(Each each) const {
    for (const auto& [id, entry] : admins_) each(entry.value);
  }
  template <class Each>
  void for_each_group(Each each) const {
    for (const auto& [id, entry] : groups_) each(entry.value);
  }

 private:
  template <class T>
  struct Entry {
    T value;
    std::uint64_t revision = 0;
  };
  std::map<std::string, Entry<policy::Admin>, std::less<>> admins_;
  std::map<std::string, Entry<policy::Group>, std::less<>> groups_;
};

}  // namespace shearline::actors
