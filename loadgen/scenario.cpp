#include "loadgen/scenario.hpp"

#include "base/nearest.hpp"
#include "loadgen/text.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace shearline::loadgen {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 16> top_names = {
    "about",       "duration",      "count",    "rate",         "arrivals",
    "threads",     "connections",   "pipeline", "on_loss",      "frames_per_connection",
    "wrong_share", "unknown_share", "frames",   "slow_readers", "garbage",
    "during"};
constexpr std::array<std::string_view, 3> frame_names = {"command", "batch", "share"};
constexpr std::array<std::string_view, 2> slow_reader_names = {"connections", "bytes_per_s"};
constexpr std::array<std::string_view, 1> garbage_names = {"connections"};
constexpr std::array<std::string_view, 4> during_names = {"run", "every", "parallel", "learn"};
constexpr std::size_t frame_kinds_max = 16;
constexpr std::size_t during_max = 16;
constexpr double bytes_per_s_max = 1e9;

class ScenarioReader {
 public:
  ScenarioReader(std::string_view origin, Scenario& scenario) : origin_(origin), scenario_(scenario) {}

  void read(const toml::table& root);
  Faults take_faults();

 private:
  struct Located {
    toml::source_index line;
    std::string message;
  };
  void fault(const toml::node& node, std::string message) {
    faults_.push_back({node.source().begin.line, std::move(message)});
  }
  void only(const toml::table& table, Names known, std::string_view where);
  void whole(const toml::table& table, std::string_view name, std::uint64_t least, std::uint64_t most,
             std::uint64_t& out);
  void number(const toml::table& table, std::string_view name, double least, double most, double& out);
  void duration(const toml::table& table, std::string_view name, std::int64_t least, std::int64_t& out);
  // The place in `words` of the one that is written; nothing when it is absent or none of them.
  std::optional<std::size_t> word(const toml::table& table, std::string_view name, Names words);
  const toml::table* section(const toml::table& table, std::string_view name);
  std::vector<const toml::table*> sections(const toml::table& table, std::string_view name, std::size_t most);

  void read_length(const toml::table& root);
  void read_pace(const toml::table& root);
  void read_shares(const toml::table& root);
  void read_frames(const toml::table& frames);
  void read_during(const toml::table& during);

  std::string_view origin_;
  Scenario& scenario_;
  std::vector<Located> faults_;
};

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

Faults ScenarioReader::take_faults() {
  std::ranges::stable_sort(faults_, {}, &Located::line);
  Faults out;
  out.reserve(faults_.size());
  for (const Located& each : faults_) {
    out.push_back(std::string(origin_) + ":" + std::to_string(each.line) + ": " + each.message);
  }
  return out;
}

void ScenarioReader::only(const toml::table& table, Names known, std::string_view where) {
  for (const auto& [key, value] : table) {
    const std::string_view name = key.str();
    if (std::ranges::find(known, name) != known.end()) continue;
    fault(value, quoted(name) + " is not known in " + std::string(where) + did_you_mean(name, known));
  }
}

void ScenarioReader::whole(const toml::table& table, std::string_view name, std::uint64_t least,
                           std::uint64_t most, std::uint64_t& out) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return;
  const auto* value = node->as_integer();
  if (value == nullptr || value->get() < static_cast<std::int64_t>(least) ||
      value->get() > static_cast<std::int64_t>(most)) {
    return fault(*node, quoted(name) + " must be a whole number from " + std::to_string(least) + " to " +
                            std::to_string(most));
  }
  out = static_cast<std::uint64_t>(value->get());
}

void ScenarioReader::number(const toml::table& table, std::string_view name, double least, double most,
                            double& out) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return;
  const std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
  if (!value || !(*value >= least && *value <= most)) {
    return fault(*node, quoted(name) + format(" must be a number from %g to %g", least, most));
  }
  out = *value;
}

void ScenarioReader::duration(const toml::table& table, std::string_view name, std::int64_t least,
                              std::int64_t& out) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return;
  const auto text = node->value_exact<std::string_view>();
  const auto ms = text ? duration_ms_of(*text) : std::nullopt;
  if (!ms || *ms < least) {
    return fault(*node, quoted(name) + R"( must be a time such as "500ms", "10s" or "2m", at most a day)");
  }
  out = *ms;
}

std::optional<std::size_t> ScenarioReader::word(const toml::table& table, std::string_view name,
                                                Names words) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return std::nullopt;
  const auto text = node->value_exact<std::string_view>();
  const auto found = text ? std::ranges::find(words, *text) : words.end();
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string all;
  for (const std::string_view each : words) all += (all.empty() ? "\"" : " or \"") + std::string(each) + "\"";
  fault(*node, quoted(name) + " must be " + all);
  return std::nullopt;
}

const toml::table* ScenarioReader::section(const toml::table& table, std::string_view name) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) fault(*node, quoted(name) + " must be a section: [" + std::string(name) + "]");
  return node->as_table();
}

std::vector<const toml::table*> ScenarioReader::sections(const toml::table& table, std::string_view name,
                                                         std::size_t most) {
  const toml::node* node = table.get(name);
  if (node == nullptr) return {};
  std::vector<const toml::table*> out;
  const toml::array* list = node->as_array();
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) out.push_back((*list)[i].as_table());
  if (out.empty() || out.size() > most || std::ranges::find(out, nullptr) != out.end()) {
    fault(*node, quoted(name) + " must be 1 to " + std::to_string(most) + " sections: [[" +
                     std::string(name) + "]]");
    return {};
  }
  return out;
}

void ScenarioReader::read(const toml::table& root) {
  only(root, top_names, "a scenario");
  if (const toml::node* about = root.get("about"); about != nullptr) {
    if (!about->is_string()) fault(*about, "`about` must be a text");
    scenario_.about = about->value_or(std::string());
  }
  Plan& plan = scenario_.plan;
  read_length(root);
  read_pace(root);
  read_shares(root);
  whole(root, "threads", 1, threads_max, plan.threads);
  whole(root, "connections", 1, connections_max, plan.connections);
  whole(root, "pipeline", 1, pipeline_max, plan.pipeline);
  whole(root, "frames_per_connection", 1, frames_per_life_max, plan.frames_per_connection);
  constexpr std::array<std::string_view, 2> on_loss = {"end", "reconnect"};
  if (const auto which = word(root, "on_loss", on_loss))
    plan.on_loss = *which == 0 ? OnLoss::end : OnLoss::reconnect;

  const auto kinds = sections(root, "frames", frame_kinds_max);
  if (!kinds.empty()) scenario_.script.kinds.clear();
  for (const toml::table* each : kinds) read_frames(*each);
  if (const toml::table* slow = section(root, "slow_readers")) {
    only(*slow, slow_reader_names, "[slow_readers]");
    plan.slow_readers.connections = 1;
    whole(*slow, "connections", 1, connections_max, plan.slow_readers.connections);
    whole(*slow, "bytes_per_s", 0, static_cast<std::uint64_t>(bytes_per_s_max),
          plan.slow_readers.bytes_per_s);
  }
  if (const toml::table* garbage = section(root, "garbage")) {
    only(*garbage, garbage_names, "[garbage]");
    plan.garbage_connections = 1;
    whole(*garbage, "connections", 1, connections_max, plan.garbage_connections);
  }
  for (const toml::table* each : sections(root, "during", during_max)) read_during(*each);
}

void ScenarioReader::read_length(const toml::table& root) {
  duration(root, "duration", 1, scenario_.plan.duration_ms);
  const toml::node* count = root.get("count");
  if (count == nullptr) return;
  if (root.contains("duration")) fault(*count, "`count` and `duration` exclude each other");
  std::uint64_t checks = 0;
  whole(root, "count", 1, checks_max, checks);
  scenario_.plan.checks = checks;
}

void ScenarioReader::read_pace(const toml::table& root) {
  if (root.contains("rate")) {
    double rate = 1;
    number(root, "rate", rate_min, rate_max, rate);
    scenario_.plan.checks_per_s = rate;
  }
  constexpr std::array<std::string_view, 2> arrivals = {"constant", "poisson"};
  if (const auto which = word(root, "arrivals", arrivals)) {
    scenario_.plan.arrivals = *which == 0 ? Arrivals::constant : Arrivals::poisson;
  }
  if (root.contains("arrivals") && !root.contains("rate")) {
    fault(*root.get("arrivals"),
          "`arrivals` needs a `rate`: without one the next question waits for an answer");
  }
}

void ScenarioReader::read_shares(const toml::table& root) {
  ScriptOptions& script = scenario_.script;
  number(root, "wrong_share", 0, 1, script.wrong_share);
  number(root, "unknown_share", 0, 1, script.unknown_share);
  if (script.wrong_share + script.unknown_share <= 1) return;
  const toml::node* node = root.get("unknown_share");
  fault(node != nullptr ? *node : *root.get("wrong_share"),
        format("wrong (%g) and unknown (%g) are more than all", script.wrong_share, script.unknown_share));
}

void ScenarioReader::read_frames(const toml::table& frames) {
  only(frames, frame_names, "[[frames]]");
  constexpr std::array<std::string_view, 2> commands = {"VERIFY", "MVERIFY"};
  FrameKind kind;
  const auto which = word(frames, "command", commands);
  if (!frames.contains("command")) fault(frames, "[[frames]] needs a `command`: \"VERIFY\" or \"MVERIFY\"");
  kind.mode = which == std::size_t{0} ? Mode::verify : Mode::mverify;
  whole(frames, "batch", 1, pairs_per_frame_max, kind.batch);
  if (which == std::size_t{0} && frames.contains("batch")) {
    fault(*frames.get("batch"), "`batch` is for MVERIFY: a VERIFY has one check");
  }
  number(frames, "share", 1e-6, 1e6, kind.share);
  scenario_.script.kinds.push_back(kind);
}

void ScenarioReader::read_during(const toml::table& during) {
  only(during, during_names, "[[during]]");
  DuringCommand command;
  const toml::node* run = during.get("run");
  const auto text = run != nullptr ? run->value_exact<std::string>() : std::nullopt;
  if (!text || text->empty()) {
    fault(run != nullptr ? *run : during, "[[during]] needs `run`: a command for /bin/sh");
  } else {
    command.run = *text;
  }
  duration(during, "every", 0, command.every_ms);
  whole(during, "parallel", 1, parallel_max, command.parallel);
  if (const toml::node* learn = during.get("learn"); learn != nullptr) {
    if (!learn->is_boolean()) fault(*learn, "`learn` must be true or false");
    command.learn = learn->value_or(false);
  }
  scenario_.plan.during.push_back(std::move(command));
}

}  // namespace

std::optional<std::int64_t> duration_ms_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> units = {
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit = text.substr(static_cast<std::size_t>(parsed.ptr - text.data()));
  const auto found = std::ranges::find(units, unit, &std::pair<std::string_view, std::int64_t>::first);
  if (parsed.ec != std::errc{} || found == units.end() || value < 0) return std::nullopt;
  if (value > duration_ms_max / found->second) return std::nullopt;
  return value * found->second;
}

std::expected<Scenario, Faults> parse_scenario(std::string_view text, std::string_view origin) {
  Scenario scenario;
  scenario.name = origin;
  ScenarioReader reader(origin, scenario);
  try {
    reader.read(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return std::unexpected(Faults{std::string(origin) + ":" + std::to_string(error.source().begin.line) +
                                  ": " + std::string(error.description())});
  }
  if (Faults faults = reader.take_faults(); !faults.empty()) return std::unexpected(std::move(faults));
  return scenario;
}

std::expected<Scenario, Faults> load_scenario(const std::string& name_or_file) {
  for (const BuiltInScenario& each : built_in_scenarios()) {
    if (each.name == name_or_file) return parse_scenario(each.text, each.name);
  }
  std::ifstream file(name_or_file, std::ios::binary);
  std::error_code none;
  const bool is_folder = std::filesystem::is_directory(name_or_file, none);
  if (!file || is_folder) {
    const std::string why = is_folder ? "a folder" : std::strerror(errno);
    std::vector<std::string_view> names;
    for (const BuiltInScenario& each : built_in_scenarios()) names.push_back(each.name);
    return std::unexpected(Faults{"scenario " + name_or_file + ": not built in" +
                                  did_you_mean(name_or_file, names) + ", and as a file: " + why});
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_scenario(text, name_or_file);
}

}  // namespace shearline::loadgen
