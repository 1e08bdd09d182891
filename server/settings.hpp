// The settings as text with their origins: what the file, the environment and the flags said, before anybody judged it.
// Used by config.cpp only.
#pragma once

#include "server/config.hpp"

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::server {

struct SettingInfo {
  std::string_view name;  // "store.redis"; environment SHEARLINE_STORE_REDIS; flag --store.redis
  std::string_view fallback;
  std::string_view help;
  bool is_list = false;
};
std::span<const SettingInfo> known_settings();
std::string environment_name(std::string_view setting);

struct SettingText {
  std::vector<std::string> values;  // one, or several for lists
  std::string origin;
};

struct TableText {  // one [[admin]] or [[gateway]] of the file
  std::map<std::string, std::string, std::less<>> fields;
  std::string origin;
};

struct Settings {
  std::map<std::string, SettingText, std::less<>> values;
  std::vector<TableText> admins;
  std::vector<TableText> gateways;
  std::set<std::string, std::less<>> unread;  // given in a form that tells no value
  bool file_is_known = true;                  // false: it cannot be read, and what is not set may stand in it
  bool check_only = false;
  bool help = false;

  const SettingText* find(std::string_view name) const;
};

// Faults are appended; what could be read is read all the same, so that later faults are found too.
Settings read_settings(const Arguments& arguments, std::vector<Fault>& faults);

}  // namespace shearline::server
