#include "server/config.hpp"

#include "base/encoding.hpp"
#include "engine/lanes.hpp"
#include "io/keys/keyring.hpp"
#include "server/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace shearline::server {
namespace {

constexpr unsigned workers_max = 64;
constexpr std::int64_t lease_ttl_min_ms = 1000;
constexpr std::int64_t lease_ttl_max_ms = 60'000;

// Judges one setting after the other and collects what is wrong; a fault never hides the next one.
class Validator {
 public:
  Validator(const Settings& settings, LoadedConfig& loaded)
      : settings_(settings), loaded_(loaded), faults_(loaded.faults) {}

  ServerConfig config() {
    ServerConfig out;
    identity(out);
    listeners(out);
    state(out);
    keyring(out);
    rules(out);
    admins(out);
    gateways(out);
    logging(out);
    out.require_mlock = flag("require_mlock");
    out.allow_debugger = flag("allow_debugger");
    return out;
  }

 private:
  // ---- values ----

  std::string text(std::string_view name) const {
    const SettingText* given = settings_.find(name);
    if (given != nullptr) return given->values.empty() ? "" : given->values.back();
    return std::string(std::ranges::find(known_settings(), name, &SettingInfo::name)->fallback);
  }
  void fault(std::string_view name, const std::string& message) {
    loaded_.unread.emplace(name);
    faults_.push_back(loaded_.fault_of(name, message));
  }
  std::string required(std::string_view name) {
    std::string value = text(name);
    if (value.empty() && settings_.file_is_known) fault(name, "must be set");
    return value;
  }

  std::uint64_t number(std::string_view name, std::uint64_t least, std::uint64_t most) {
    const std::string value = text(name);
    std::uint64_t parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error == std::errc() && end == value.data() + value.size() && parsed >= least && parsed <= most)
      return parsed;
    fault(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                    ", not `" + value + "`");
    return least;
  }
  bool flag(std::string_view name) {
    const std::string value = text(name);
    if (value != "true" && value != "false") fault(name, "must be true or false, not `" + value + "`");
    return value == "true";
  }
  std::int64_t duration(std::string_view name, std::int64_t least_ms, std::int64_t most_ms) {
    const std::string value = text(name);
    const std::optional<std::int64_t> parsed = policy::parse_duration(value);
    if (parsed && *parsed >= least_ms && *parsed <= most_ms) return *parsed;
    fault(name, "must be a duration from " + policy::duration_text(least_ms) + " to " +
                    policy::duration_text(most_ms) + " such as 5s, not `" + value + "`");
    return least_ms;
  }

  // ---- groups of settings ----

  void identity(ServerConfig& out) {
    out.deployment = required("deployment");
    if (!out.deployment.empty() && !policy::is_id(out.deployment)) {
      fault("deployment", "must be 1 to 64 of [A-Za-z0-9._~-]");
    }
    out.node = text("node");
    if (out.node.empty()) {
      char host[256] = {};
      gethostname(host, sizeof host - 1);
      out.node = host;
    }
    if (!policy::is_id(out.node)) fault("node", "must be 1 to 64 of [A-Za-z0-9._~-], not `" + out.node + "`");
    out.data_folder = required("data");
    const unsigned cores = std::max(std::thread::hardware_concurrency(), 1U);
    out.workers = static_cast<unsigned>(number("workers", 0, workers_max));
    if (out.workers == 0) out.workers = std::min(cores, workers_max);
    backend(out);
  }

  void backend(ServerConfig& out) {
    using enum loop::Backend;
    const std::string value = text("backend");
    for (const loop::Backend known : {automatic, io_uring, epoll}) {
      if (value == loop::name_of(known)) out.backend = known;
    }
    if (value != loop::name_of(out.backend))
      fault("backend", "must be auto, io_uring or epoll, not `" + value + "`");
  }

  void beyond_loopback(std::string_view name, const loop::Address& address) {
    if (address.is_loopback() || text("insecure") == "true") return;
    fault(name,
          address.text() +
              " is beyond loopback and there is no TLS yet; use a loopback address or a Unix socket, or set "
              "insecure = true and know what you do");
  }

  void listeners(ServerConfig& out) {
    flag("insecure");
    const SettingText* given = settings_.find("listen.resp");
    const std::vector<std::string> values =
        given != nullptr ? given->values : std::vector{text("listen.resp")};
    if (values.empty()) fault("listen.resp", "name at least one address");
    for (const std::string& value : values) {
      const Result<loop::Address> address = loop::parse_address(value);
      if (!address) {
        fault("listen.resp", address.error().message);
        continue;
      }
      beyond_loopback("listen.resp", *address);
      if (std::ranges::find(out.resp_listeners, *address) != out.resp_listeners.end()) {
        fault("listen.resp", value + " stands there twice");
        continue;
      }
      out.resp_listeners.push_back(*address);
    }
    out.connections_max = static_cast<unsigned>(number("listen.connections_max", 1, 1'000'000));
    out.drain_ms = duration("listen.drain", 0, 10 * policy::minute_ms);
  }

  void state(ServerConfig& out) {
    const std::string kind = text("store.kind");
    if (kind != "redis" && kind != "memory")
      fault("store.kind", "must be redis or memory, not `" + kind + "`");
    out.store = kind == "memory" ? StoreKind::memory : StoreKind::redis;
    if (const Result<loop::Address> address = loop::parse_address(text("store.redis")); !address) {
      fault("store.redis", address.error().message);
    } else {
      if (out.store == StoreKind::redis) beyond_loopback("store.redis", *address);
      out.redis.address = *address;
    }
    out.redis.username = text("store.username");
    out.redis.password_file = text("store.password_file");
    if (!out.redis.username.empty() && out.redis.password_file.empty()) {
      fault("store.password_file", "must be set where store.username is");
    }
    if (!out.redis.password_file.empty()) readable("store.password_file", out.redis.password_file);
    out.redis.prefix = text("store.prefix");
    if (out.redis.prefix.find_first_of("{}") != std::string::npos) {
      fault("store.prefix", "must not hold { or }: they are Redis Cluster's hash tags");
    }
    out.redis.database = static_cast<int>(number("store.database", 0, 65'535));
    out.redis.timeout_ms = duration("store.timeout", 100, policy::minute_ms);
    out.lease_ttl_ms = duration("store.lease", lease_ttl_min_ms, lease_ttl_max_ms);
  }

  void readable(std::string_view name, const std::string& path) {
    if (::access(path.c_str(), R_OK) != 0) fault(name, "cannot read " + path);
  }

  void keyring(ServerConfig& out) {
    out.keyring_file = required("keyring.file");
    if (!out.keyring_file.empty()) {
      if (const Status good = keys::check_private(out.keyring_file); !good)
        fault("keyring.file", good.error().message);
    }
    out.kek = required("keyring.kek");
    if (!out.kek.empty()) {
      if (const Status good = keys::check_kek_source(out.kek); !good)
        fault("keyring.kek", good.error().message);
    }
  }

  void rules(ServerConfig& out) {
    const std::string path = text("rules");
    std::stringstream content;
    if (!path.empty()) {
      std::ifstream in(path, std::ios::binary);
      if (!in) {
        fault("rules", "cannot read " + path);
        return;
      }
      content << in.rdbuf();
    }
    std::expected<policy::Rules, std::vector<policy::RuleFault>> parsed =
        policy::parse_rules(content.str(), path);
    if (parsed) {
      out.rules = std::move(*parsed);
      return;
    }
    for (const policy::RuleFault& fault : parsed.error()) faults_.push_back({fault.where, fault.message});
  }

  void admins(ServerConfig& out) {
    if (settings_.admins.empty() && settings_.file_is_known) {
      faults_.push_back(
          {"setting [[admin]]",
           "the first admin must stand in the configuration; `shearline admin init` prints the lines"});
    }
    for (const TableText& given : settings_.admins) {
      if (std::optional<policy::Admin> admin = founding_admin(given)) {
        for (const policy::Admin& other : out.founding_admins) {
          if (other.admin_id == admin->admin_id)
            faults_.push_back({given.origin, "two admins have the id " + admin->admin_id});
          if (other.person == admin->person)
            faults_.push_back({given.origin, "two admins are the same person: " + admin->person});
        }
        out.founding_admins.push_back(std::move(*admin));
      }
    }
  }

  template <std::size_t N>
  bool key_field(const TableText& given, std::string_view name, std::array<Byte, N>& out) {
    const auto found = given.fields.find(name);
    const std::optional<Bytes> bytes =
        found == given.fields.end() ? std::nullopt : from_base64url(found->second);
    if (bytes && bytes->size() == N) {
      std::ranges::copy(*bytes, out.begin());
      return true;
    }
    faults_.push_back(
        {given.origin, "`" + std::string(name) + "` of an admin must be " + std::to_string(N) +
                           " bytes in base64url; take the lines `shearline admin init` prints"});
    return false;
  }

  static std::set<std::string> list_field(const TableText& given, std::string_view name) {
    std::set<std::string> out;
    const auto found = given.fields.find(name);
    if (found == given.fields.end()) return out;
    std::stringstream parts(found->second);
    for (std::string part; std::getline(parts, part, ',');) out.insert(part);
    return out;
  }

  std::optional<policy::Admin> founding_admin(const TableText& given) {
    policy::Admin admin;
    admin.founding = true;
    if (const auto id = given.fields.find("id"); id != given.fields.end()) admin.admin_id = id->second;
    if (const auto person = given.fields.find("person"); person != given.fields.end())
      admin.person = person->second;
    bool good = true;
    if (!policy::is_id(admin.admin_id)) {
      faults_.push_back({given.origin, "`id` of an admin must be 1 to 64 of [A-Za-z0-9._~-]"});
      good = false;
    }
    if (admin.person.empty()) {
      faults_.push_back({given.origin, "`person` of an admin must say who is behind the keys"});
      good = false;
    }
    good &= key_field(given, "signing_key", admin.signing_key);
    good &= key_field(given, "sealing_key", admin.sealing_key);
    good &= key_field(given, "sealing_key_proof", admin.sealing_key_proof);
    admin.environments = list_field(given, "environments");
    admin.tenants = list_field(given, "tenants");
    if (!good) return std::nullopt;
    if (!keys::sealing_key_proven(admin.signing_key, admin.admin_id, admin.sealing_key,
                                  admin.sealing_key_proof)) {
      faults_.push_back(
          {given.origin, "the sealing key of " + admin.admin_id +
                             " is not signed by its signing key for that id; take the lines as printed"});
      return std::nullopt;
    }
    return admin;
  }

  void gateways(ServerConfig& out) {
    for (const TableText& given : settings_.gateways) {
      front::Gateway gateway;
      if (const auto name = given.fields.find("name"); name != given.fields.end())
        gateway.name = name->second;
      if (!policy::is_id(gateway.name)) {
        faults_.push_back({given.origin, "`name` of a gateway must be 1 to 64 of [A-Za-z0-9._~-]"});
      }
      const auto token = given.fields.find("token_sha256");
      const std::optional<Bytes> hash = token == given.fields.end() ? std::nullopt : from_hex(token->second);
      if (hash && hash->size() == gateway.token_sha256.size()) {
        std::ranges::copy(*hash, gateway.token_sha256.begin());
      } else {
        faults_.push_back(
            {given.origin, "`token_sha256` of a gateway must be 64 hex digits: the SHA-256 of its token"});
      }
      for (const front::Gateway& other : out.gateways) {
        if (other.name == gateway.name)
          faults_.push_back({given.origin, "two gateways have the name " + gateway.name});
      }
      out.gateways.push_back(std::move(gateway));
    }
  }

  void logging(ServerConfig& out) {
    std::string value = text("log");
    if (value.ends_with(",json")) {
      out.log_format = log::Format::json;
      value.resize(value.size() - 5);
    }
    static constexpr std::array<std::string_view, 4> levels = {"debug", "info", "warning", "error"};
    const auto found = std::ranges::find(levels, value);
    if (found == levels.end()) {
      fault("log", "must be debug, info, warning or error, maybe with `,json` behind it");
      return;
    }
    out.log_level = static_cast<log::Level>(found - levels.begin());
  }

  const Settings& settings_;
  LoadedConfig& loaded_;
  std::vector<Fault>& faults_;
};

// A variable for tests and no setting; with a name that is none, the first hash would end the process.
void judge_kernel(const Arguments& arguments, std::vector<Fault>& faults) {
  const auto named = arguments.environment.find(engine::lanes::kernel_variable);
  if (named == arguments.environment.end() || named->second.empty()) return;
  const Result<engine::lanes::Kernel> kernel = engine::lanes::kernel_named(named->second);
  if (!kernel) faults.push_back({"environment " + named->first, kernel.error().message});
}

}  // namespace

Fault LoadedConfig::fault_of(std::string_view setting, const std::string& message) const {
  const auto origin = origins.find(setting);
  return {origin != origins.end() ? origin->second : "setting " + std::string(setting),
          "`" + std::string(setting) + "`: " + message};
}

LoadedConfig load_config(const Arguments& arguments) {
  LoadedConfig out;
  const Settings settings = read_settings(arguments, out.faults);
  out.check_only = settings.check_only;
  out.help = settings.help;
  if (out.help) return out;
  out.unread = settings.unread;
  for (const SettingInfo& setting : known_settings()) {
    const std::string name(setting.name);
    if (const SettingText* given = settings.find(name)) {
      out.origins[name] = given->origin;
    } else if (!settings.file_is_known) {
      out.unread.insert(name);  // it may stand in the file
    }
  }
  out.config = Validator(settings, out).config();
  judge_kernel(arguments, out.faults);
  return out;
}

std::string config_help() {
  std::string out =
      "shearline server: verifies credentials and carries out signed commands.\n\n"
      "usage: shearline server --config shearline.toml [--check] [--SETTING VALUE ...]\n\n"
      "  --check   judge the configuration, then what a start needs of this machine: that the keyring "
      "opens,\n"
      "            the data folder can be made, the addresses can be listened on. Changes nothing, says all\n"
      "            faults, and does not ask Redis\n\n"
      "Settings stand in the TOML file, in the environment, or in flags; flags win, then the "
      "environment.\n\n";
  for (const SettingInfo& setting : known_settings()) {
    const std::string name(setting.name);
    out +=
        "  --" + name + std::string(name.size() < 24 ? 24 - name.size() : 1, ' ') + std::string(setting.help);
    if (!setting.fallback.empty()) out += " [" + std::string(setting.fallback) + "]";
    out += "\n" + std::string(28, ' ') + environment_name(setting.name) + "\n";
  }
  out +=
      "\nThe first admin stands in the file as [[admin]] with the lines `shearline admin init` prints.\n"
      "Where the file has [[gateway]] with `name` and `token_sha256` (64 hex digits), every connection must "
      "AUTH.\n"
      "example: shearline server --config shearline.toml --workers 2 --log debug\n";
  return out;
}

}  // namespace shearline::server
