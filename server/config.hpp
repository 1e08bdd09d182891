// The server's configuration: TOML file, environment, flags, in that order of precedence from low to high. Every value is
// read as text with its origin, and one validator reports all faults at once (design: features T6, runtime.md "Small
// facts"). Knows nothing of what is built from it.
#pragma once

#include "base/log.hpp"
#include "io/front/client.hpp"
#include "io/loop/stream.hpp"
#include "io/store/redis_link.hpp"
#include "policy/model.hpp"
#include "policy/rules.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace shearline::server {

enum class StoreKind { redis, memory };

struct ServerConfig {
  std::string deployment;
  std::string node;         // default: the host's name
  std::string data_folder;  // 0700; audit file and what this node must remember
  unsigned workers = 1;     // default: one per core
  loop::Backend backend = loop::Backend::automatic;
  std::vector<loop::Address> resp_listeners;
  unsigned connections_max = 10'000;
  std::vector<front::Gateway> gateways;  // any: every connection must AUTH before it may check
  StoreKind store = StoreKind::redis;
  store::RedisOptions redis;
  std::string keyring_file;
  std::string kek;  // spec of io/keys/keyring.hpp
  policy::Rules rules;
  std::vector<policy::Admin> founding_admins;
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::text;
  bool require_mlock = false;
  bool allow_debugger = false;
  std::int64_t lease_ttl_ms = 5000;
  std::int64_t drain_ms = 5000;  // how long a stop waits for what is in flight
};

struct Fault {
  std::string origin;  // "shearline.toml:12", "environment SHEARLINE_WORKERS", "flag --workers"
  std::string message;
};

struct Arguments {
  std::vector<std::string> flags;                  // argv after `server`
  std::map<std::string, std::string> environment;  // those that begin with SHEARLINE_
};

struct LoadedConfig {
  ServerConfig config;        // with a fault in it: for --check only, and only what is_read()
  std::vector<Fault> faults;  // any: nothing may start with it
  bool check_only = false;    // --check
  bool help = false;          // --help: nothing else was looked at
  std::map<std::string, std::string, std::less<>> origins;  // of the settings that somebody made
  std::set<std::string, std::less<>> unread;                // settings that have a fault or are not known

  bool is_read(std::string_view setting) const { return !unread.contains(setting); }
  // What is wrong with what a setting names, in the words of the configuration's own faults.
  Fault fault_of(std::string_view setting, const std::string& message) const;
};
LoadedConfig load_config(const Arguments& arguments);

std::string config_help();  // every setting with its default, environment name and flag

}  // namespace shearline::server
