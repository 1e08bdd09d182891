#include "server/settings.hpp"

#include "base/nearest.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace shearline::server {
namespace {

constexpr std::array<SettingInfo, 24> settings{{
    {"config", "", "the TOML file", false},
    {"deployment", "", "name of the deployment; commands are addressed to it", false},
    {"node", "", "this node's id; default: the host's name", false},
    {"data", "", "folder of this node alone, made with mode 0700: audit file, what it must remember", false},
    {"workers", "0", "verification threads; 0: one per core", false},
    {"backend", "auto", "io_uring, epoll, or auto: io_uring where it is permitted, else epoll", false},
    {"listen.resp", "127.0.0.1:7411", "addresses for verification over RESP: host:port or unix:/path", true},
    {"listen.connections_max", "10000", "connections over all workers", false},
    {"listen.drain", "5s", "how long a stop waits for what is in flight", false},
    {"insecure", "false", "allow listeners and a Redis beyond loopback without TLS", false},
    {"store.kind", "redis", "redis, or memory, which forgets everything at the end", false},
    {"store.redis", "127.0.0.1:6379", "address of Redis: host:port or unix:/path", false},
    {"store.username", "", "Redis user", false},
    {"store.password_file", "", "file with the Redis password", false},
    {"store.prefix", "shearline:", "what every key in Redis begins with", false},
    {"store.database", "0", "number of the Redis database", false},
    {"store.timeout", "2s", "how long one request to Redis may take", false},
    {"store.lease", "5s", "how long the control lease lasts without being renewed", false},
    {"keyring.file", "", "made by `shearline pepper init`", false},
    {"keyring.kek", "",
     "what unlocks it: passphrase-file:PATH, passphrase-env:NAME, key-file:PATH, key-env:NAME or "
     "systemd:NAME",
     false},
    {"rules", "", "TOML file with the rules; default: the built-in ones", false},
    {"log", "info", "debug, info, warning or error; with `,json` behind it as JSON lines", false},
    {"require_mlock", "false", "refuse to start when memory for secrets cannot be locked", false},
    {"allow_debugger", "false", "keep the process dumpable", false},
}};

constexpr std::array<std::string_view, 2> gateway_fields = {"name", "token_sha256"};
constexpr std::array<std::string_view, 7> admin_fields = {
    "id", "person", "signing_key", "sealing_key", "sealing_key_proof", "environments", "tenants"};

const SettingInfo* info_of(std::string_view name) {
  const auto found = std::ranges::find(settings, name, &SettingInfo::name);
  return found == settings.end() ? nullptr : &*found;
}

std::vector<std::string_view> setting_names() {
  std::vector<std::string_view> names;
  names.reserve(settings.size());
  for (const SettingInfo& setting : settings) names.push_back(setting.name);
  return names;
}

std::string unknown(std::string_view what, std::string_view name) {
  return "unknown " + std::string(what) + " `" + std::string(name) + "`" +
         did_you_mean(name, setting_names());
}

std::vector<std::string> split(std::string_view text, const SettingInfo& setting) {
  if (!setting.is_list) return {std::string(text)};
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return parts;
}

bool is_scalar(const toml::node& node) { return node.is_string() || node.is_integer() || node.is_boolean(); }

std::string scalar_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  return node.value_or(false) ? "true" : "false";
}

class FileReader {
 public:
  FileReader(std::string path, Settings& into, std::vector<Fault>& faults)
      : path_(std::move(path)), into_(into), faults_(faults) {}

  // Whether its settings are known; if not, one fault says why.
  bool read() {
    std::ifstream in(path_, std::ios::binary);
    std::stringstream text;
    if (!in || !(text << in.rdbuf())) {
      faults_.push_back({path_, "the file cannot be read, or is empty"});
      return false;
    }
    try {
      walk(toml::parse(text.str()), "");
      return true;
    } catch (const toml::parse_error& error) {
      faults_.push_back({at(error.source().begin.line), std::string(error.description())});
      return false;
    }
  }

 private:
  std::string at(std::uint32_t line) const { return path_ + ":" + std::to_string(line); }

  void walk(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string name = prefix + std::string(key.str());
      const std::string origin = at(node.source().begin.line);
      if (name == "admin" && node.is_array_of_tables()) {
        read_tables("an admin", *node.as_array(), admin_fields, into_.admins);
      } else if (name == "gateway" && node.is_array_of_tables()) {
        read_tables("a gateway", *node.as_array(), gateway_fields, into_.gateways);
      } else if (node.is_table()) {
        walk(*node.as_table(), name + ".");
      } else if (const SettingInfo* setting = info_of(name); setting == nullptr || name == "config") {
        faults_.push_back({origin, unknown("setting", name)});
      } else if (const toml::array* list = node.as_array()) {
        read_list(*list, *setting, origin);
      } else if (is_scalar(node)) {
        into_.values[name] = {{scalar_text(node)}, origin};
      } else {
        into_.unread.insert(name);
        faults_.push_back({origin, "`" + name + "` must be text, a whole number, true or false"});
      }
    }
  }

  void read_list(const toml::array& list, const SettingInfo& setting, const std::string& origin) {
    SettingText text{{}, origin};
    for (const toml::node& item : list) {
      if (!setting.is_list || !item.is_string()) {
        into_.unread.emplace(setting.name);
        faults_.push_back(
            {origin, "`" + std::string(setting.name) + "` " +
                         (setting.is_list ? "must be a list of texts" : "takes one value, not a list")});
        return;
      }
      text.values.push_back(scalar_text(item));
    }
    into_.values[std::string(setting.name)] = std::move(text);
  }

  void read_tables(const std::string& what, const toml::array& tables,
                   std::span<const std::string_view> known, std::vector<TableText>& out) {
    for (const toml::node& node : tables) {
      TableText table{{}, at(node.source().begin.line)};
      for (const auto& [key, value] : *node.as_table()) {
        const std::string origin = at(value.source().begin.line);
        const std::string name(key.str());
        if (std::ranges::find(known, name) == known.end()) {
          faults_.push_back({origin, "unknown field `" + name + "` of " + what + did_you_mean(name, known)});
        } else if (is_scalar(value)) {
          table.fields[name] = scalar_text(value);
        } else if (const toml::array* list = value.as_array()) {
          std::string joined;
          for (const toml::node& item : *list) joined += (joined.empty() ? "" : ",") + scalar_text(item);
          table.fields[name] = joined;
        } else {
          faults_.push_back({origin, "`" + name + "` must be text"});
        }
      }
      out.push_back(std::move(table));
    }
  }

  std::string path_;
  Settings& into_;
  std::vector<Fault>& faults_;
};

void read_environment(const Arguments& arguments, Settings& into, std::vector<Fault>& faults) {
  std::map<std::string, const SettingInfo*> by_name;
  for (const SettingInfo& setting : settings) by_name[environment_name(setting.name)] = &setting;
  std::vector<std::string_view> names;
  const std::size_t prefix = std::string_view("SHEARLINE_").size();
  names.reserve(by_name.size());
  for (const auto& [name, setting] : by_name) names.push_back(std::string_view(name).substr(prefix));
  for (const auto& [name, value] : arguments.environment) {
    if (const auto found = by_name.find(name); found != by_name.end()) {
      into.values[std::string(found->second->name)] = {split(value, *found->second), "environment " + name};
      continue;
    }
    // A variable may belong to the admin's side or to something else; only what looks like a slip of ours is a fault.
    const std::string_view near = nearest_name(std::string_view(name).substr(prefix), names);
    if (!near.empty()) {
      faults.push_back(
          {"environment " + name, "unknown variable, did you mean SHEARLINE_" + std::string(near) + "?"});
    }
  }
}

// --name value or --name=value; --check, --help and settings that are true or false may stand alone.
Settings read_flags(const std::vector<std::string>& flags, std::vector<Fault>& faults) {
  Settings out;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    const std::string& flag = flags[i];
    if (!flag.starts_with("--")) {
      faults.push_back({"flag " + flag, "not a flag; flags begin with --"});
      continue;
    }
    const std::size_t equals = flag.find('=');
    std::string name = flag.substr(2, equals == std::string::npos ? equals : equals - 2);
    if (name == "check" || name == "help") {
      (name == "check" ? out.check_only : out.help) = true;
      continue;
    }
    std::ranges::replace(name, '-', '_');
    const bool has_next = i + 1 < flags.size() && !flags[i + 1].starts_with("--");
    const SettingInfo* setting = info_of(name);
    if (setting == nullptr) {
      faults.push_back({"flag --" + name, unknown("flag", name)});
      if (equals == std::string::npos && has_next) ++i;
      continue;
    }
    std::string value = "true";
    if (equals != std::string::npos) {
      value = flag.substr(equals + 1);
    } else if (setting->fallback != "false") {
      if (!has_next) {
        out.unread.insert(name);
        faults.push_back({"flag --" + name, "needs a value"});
        continue;
      }
      value = flags[++i];
    }
    SettingText& text = out.values[std::string(setting->name)];
    text.origin = "flag --" + name;
    if (!setting->is_list) text.values.clear();
    for (std::string& part : split(value, *setting)) text.values.push_back(std::move(part));
  }
  return out;
}

}  // namespace

std::span<const SettingInfo> known_settings() { return settings; }

std::string environment_name(std::string_view setting) {
  std::string name = "SHEARLINE_";
  for (const char c : setting) {
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

const SettingText* Settings::find(std::string_view name) const {
  const auto found = values.find(name);
  return found == values.end() ? nullptr : &found->second;
}

Settings read_settings(const Arguments& arguments, std::vector<Fault>& faults) {
  const Settings flags = read_flags(arguments.flags, faults);
  Settings out;
  out.check_only = flags.check_only;
  out.help = flags.help;
  std::string file;
  if (const auto named = arguments.environment.find("SHEARLINE_CONFIG");
      named != arguments.environment.end()) {
    file = named->second;
  }
  if (const SettingText* named = flags.find("config"); named != nullptr) file = named->values.back();
  if (!file.empty()) out.file_is_known = FileReader(file, out, faults).read();
  read_environment(arguments, out, faults);
  for (const auto& [name, text] : flags.values) out.values[name] = text;
  out.unread.insert(flags.unread.begin(), flags.unread.end());
  return out;
}

}  // namespace shearline::server
