#include "policy/rules.hpp"

#include "base/encoding.hpp"
#include "base/nearest.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace shearline::policy {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 7> top_names = {"bootstrap",
                                                       "denied_clients",
                                                       "supersede_admins",
                                                       "idp_proof_required_in",
                                                       "commands_per_minute_per_admin",
                                                       "rotation_period",
                                                       "class"};
constexpr std::array<std::string_view, 3> period_names = {"api_key", "service_key", "oauth2_client_secret"};
constexpr std::array<std::string_view, 9> class_names = {
    "grace",          "grace_max",         "minimum_interval", "ack_deadline", "quorum", "emergency_quorum",
    "accept_pending", "strict_when_stale", "retention"};

constexpr std::int64_t year_ms = 365 * day_ms;
constexpr std::int64_t commands_per_minute_max = 100'000;
constexpr std::size_t list_items_max = 10'000;

struct Unit {
  std::string_view suffix;
  std::int64_t ms;
};
constexpr std::array<Unit, 5> units = {
    {{"d", day_ms}, {"h", hour_ms}, {"m", minute_ms}, {"s", second_ms}, {"ms", 1}}};

class RulesReader {
 public:
  RulesReader(std::string_view origin, Rules& rules) : origin_(origin), rules_(rules) {}

  void read(const toml::table& root);
  std::vector<RuleFault> take_faults();

 private:
  struct Located {
    toml::source_index line;
    RuleFault fault;
  };
  void fault(const toml::node& node, std::string message);
  void only(const toml::table& table, Names known, const std::string& where);

  void duration(const toml::table& table, std::string_view name, std::int64_t least, std::int64_t most,
                std::int64_t& out);
  void boolean(const toml::table& table, std::string_view name, bool& out);
  void count(const toml::table& table, std::string_view name, std::int64_t most, std::uint32_t& out);
  template <class Set>
  void names(const toml::table& table, std::string_view name, bool ids, Set& out);
  const toml::table* section(const toml::table& table, std::string_view name);

  void read_class(const toml::table& table, ClassRules& rules);
  void read_classes(const toml::table& classes);

  std::string_view origin_;
  Rules& rules_;
  std::vector<Located> faults_;
};

void RulesReader::fault(const toml::node& node, std::string message) {
  const toml::source_index line = node.source().begin.line;
  faults_.push_back({line, {std::string(origin_) + ":" + std::to_string(line), std::move(message)}});
}

std::vector<RuleFault> RulesReader::take_faults() {
  std::ranges::stable_sort(faults_, {}, &Located::line);
  std::vector<RuleFault> out;
  out.reserve(faults_.size());
  for (Located& one : faults_) out.push_back(std::move(one.fault));
  return out;
}

void RulesReader::only(const toml::table& table, Names known, const std::string& where) {
  for (const auto& [key, value] : table) {
    const std::string_view name = key.str();
    if (std::ranges::find(known, name) != known.end()) continue;
    fault(value, "`" + std::string(name) + "` is not known in " + where + did_you_mean(name, known));
  }
}

void RulesReader::duration(const toml::table& table, std::string_view name, std::int64_t least,
                           std::int64_t most, std::int64_t& out) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return;
  const std::optional<std::string_view> text = node->value<std::string_view>();
  const std::optional<std::int64_t> ms = text ? parse_duration(*text) : std::nullopt;
  if (!ms)
    return fault(*node,
                 "`" + std::string(name) + R"(` must be a duration such as "7d", "24h", "30m" or "0")");
  if (*ms < least || *ms > most) {
    return fault(*node, "`" + std::string(name) + "` must be from " + duration_text(least) + " to " +
                            duration_text(most) + ", not " + duration_text(*ms));
  }
  out = *ms;
}

void RulesReader::boolean(const toml::table& table, std::string_view name, bool& out) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return;
  if (!node->is_boolean()) return fault(*node, "`" + std::string(name) + "` must be true or false");
  out = *node->value<bool>();
}

void RulesReader::count(const toml::table& table, std::string_view name, std::int64_t most,
                        std::uint32_t& out) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return;
  const auto* number = node->as_integer();
  if (number == nullptr || number->get() < 1 || number->get() > most) {
    return fault(*node,
                 "`" + std::string(name) + "` must be a whole number from 1 to " + std::to_string(most));
  }
  out = static_cast<std::uint32_t>(number->get());
}

template <class Set>
void RulesReader::names(const toml::table& table, std::string_view name, bool ids, Set& out) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr || list->size() > list_items_max) {
    return fault(*node, "`" + std::string(name) + "` must be a list of at most " +
                            std::to_string(list_items_max) + " names");
  }
  out.clear();
  for (const toml::node& item : *list) {
    const std::optional<std::string> text = item.value_exact<std::string>();
    if (!text || text->empty() || (ids && !is_id(*text))) {
      fault(item, "`" + std::string(name) + "` must hold names" +
                      (ids ? " of 1 to 64 of A-Z a-z 0-9 . _ ~ -" : " that are not empty"));
    } else {
      out.insert(*text);
    }
  }
}

const toml::table* RulesReader::section(const toml::table& table, std::string_view name) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) fault(*node, "`" + std::string(name) + "` must be a section");
  return node->as_table();
}

void RulesReader::read_class(const toml::table& table, ClassRules& rules) {
  only(table, class_names, "a class");
  duration(table, "grace_max", 0, grace_max_ms, rules.grace_max_ms);
  duration(table, "grace", 0, grace_max_ms, rules.grace_ms);
  duration(table, "minimum_interval", 0, 30 * day_ms, rules.minimum_interval_ms);
  duration(table, "ack_deadline", minute_ms, 7 * day_ms, rules.ack_deadline_ms);
  duration(table, "retention", 0, 10 * year_ms, rules.retention_ms);
  count(table, "quorum", group_members_max, rules.quorum);
  count(table, "emergency_quorum", group_members_max, rules.emergency_quorum);
  // A pending secret that many people must first receive is not accepted early unless the class says so
  // itself; an inherited yes was said about another quorum.
  if (table.contains("quorum")) rules.accept_pending = rules.quorum <= 1;
  boolean(table, "accept_pending", rules.accept_pending);
  boolean(table, "strict_when_stale", rules.strict_when_stale);
  if (rules.grace_ms <= rules.grace_max_ms) return;
  if (const toml::node* grace = table.get("grace")) {
    fault(*grace, "`grace` is longer than `grace_max`, which is " + duration_text(rules.grace_max_ms));
  } else {
    rules.grace_ms = rules.grace_max_ms;  // only the limit was written: the default follows it
  }
}

void RulesReader::read_classes(const toml::table& classes) {
  if (const toml::table* base = section(classes, "default")) read_class(*base, rules_.classes["default"]);
  for (const auto& [key, node] : classes) {
    const std::string name(key.str());
    if (name == "default") continue;
    if (!is_id(name)) {
      fault(node, "a class name must be 1 to 64 of A-Z a-z 0-9 . _ ~ -");
    } else if (const toml::table* own = section(classes, name)) {
      ClassRules rules = rules_.classes["default"];
      read_class(*own, rules);
      rules_.classes[name] = rules;
    }
  }
}

void RulesReader::read(const toml::table& root) {
  only(root, top_names, "the rules");
  boolean(root, "bootstrap", rules_.bootstrap);
  names(root, "denied_clients", true, rules_.denied_clients);
  names(root, "supersede_admins", true, rules_.supersede_admins);
  names(root, "idp_proof_required_in", false, rules_.idp_proof_required_in);
  count(root, "commands_per_minute_per_admin", commands_per_minute_max, rules_.commands_per_minute_per_admin);
  if (const toml::table* periods = section(root, "rotation_period")) {
    only(*periods, period_names, "rotation_period");
    duration(*periods, "api_key", hour_ms, 10 * year_ms, rules_.rotation_period_api_key_ms);
    duration(*periods, "service_key", hour_ms, 10 * year_ms, rules_.rotation_period_service_key_ms);
    duration(*periods, "oauth2_client_secret", hour_ms, 10 * year_ms, rules_.rotation_period_oauth2_ms);
  }
  if (const toml::table* classes = section(root, "class")) read_classes(*classes);
}

}  // namespace

const ClassRules* Rules::find(std::string_view name) const {
  const auto found = classes.find(name);
  return found == classes.end() ? nullptr : &found->second;
}

ClassRules Rules::of_class(std::string_view name) const {
  if (const ClassRules* found = find(name)) return *found;
  ClassRules strictest = classes.begin()->second;
  for (const auto& [other_name, other] : classes) {
    strictest.grace_ms = std::min(strictest.grace_ms, other.grace_ms);
    strictest.grace_max_ms = std::min(strictest.grace_max_ms, other.grace_max_ms);
    strictest.minimum_interval_ms = std::max(strictest.minimum_interval_ms, other.minimum_interval_ms);
    strictest.ack_deadline_ms = std::min(strictest.ack_deadline_ms, other.ack_deadline_ms);
    strictest.quorum = std::max(strictest.quorum, other.quorum);
    strictest.emergency_quorum = std::max(strictest.emergency_quorum, other.emergency_quorum);
    strictest.accept_pending = strictest.accept_pending && other.accept_pending;
    strictest.strict_when_stale = strictest.strict_when_stale || other.strict_when_stale;
    strictest.retention_ms = std::max(strictest.retention_ms, other.retention_ms);
  }
  return strictest;
}

std::int64_t Rules::rotation_period_ms(CredentialKind kind) const {
  switch (kind) {
    case CredentialKind::api_key:
      return rotation_period_api_key_ms;
    case CredentialKind::service_key:
      return rotation_period_service_key_ms;
    case CredentialKind::oauth2_client_secret:
      break;
  }
  return rotation_period_oauth2_ms;
}

std::expected<Rules, std::vector<RuleFault>> parse_rules(std::string_view toml_text,
                                                         std::string_view origin) {
  Rules rules;
  rules.hash = hex(sha256(as_bytes(toml_text)));
  RulesReader reader(origin, rules);
  try {
    reader.read(toml::parse(toml_text, origin));
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        std::vector<RuleFault>{{std::string(origin) + ":" + std::to_string(error.source().begin.line),
                                "not TOML: " + std::string(error.description())}});
  }
  std::vector<RuleFault> faults = reader.take_faults();
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return rules;
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  std::int64_t number = 0;
  const auto [rest, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || number < 0) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  const auto unit = std::ranges::find(units, suffix, &Unit::suffix);
  if (unit == units.end() || number > INT64_MAX / unit->ms) return std::nullopt;
  return number * unit->ms;
}

std::string duration_text(std::int64_t ms) {
  if (ms == 0) return "0";
  const auto unit = std::ranges::find_if(units, [&](const Unit& one) { return ms % one.ms == 0; });
  return std::to_string(ms / unit->ms) + std::string(unit->suffix);
}

}  // namespace shearline::policy
