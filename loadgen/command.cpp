#include "loadgen/command.hpp"

#include "loadgen/hdr_log.hpp"
#include "loadgen/page.hpp"
#include "loadgen/population.hpp"
#include "loadgen/report.hpp"
#include "loadgen/run.hpp"
#include "loadgen/scenario.hpp"
#include "loadgen/script.hpp"
#include "loadgen/text.hpp"

#include <CLI/CLI.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shearline::loadgen {
namespace {

struct CredentialsCommand {
  std::size_t count = 0;
  std::optional<std::uint64_t> seed;
};

struct RunCommand {
  std::string credentials_file;
  std::size_t generated = 0;
  std::uint64_t seed = 0;
  std::string scenario;
  std::vector<std::function<void(Scenario&)>>
      changes;  // what the command line says, over what the scenario says
  bool json = false;
  std::string json_file;
  std::string html_file;
  std::string hlog_file;
  std::string hgrm_file;
};

struct ScenariosCommand {
  std::string name;
};

// Set by the first Ctrl-C; the second one ends the process as usual.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void interrupt(int signal) {
  interrupted.store(true, std::memory_order_relaxed);
  std::signal(signal, SIG_DFL);
}

void say(const std::string& message) { std::fprintf(stderr, "shearline-loadgen: %s\n", message.c_str()); }

int run(const CredentialsCommand& command) {
  SystemRandom system;
  SeededRandom seeded(command.seed.value_or(0));
  Random& random = command.seed ? static_cast<Random&>(seeded) : system;
  if (const Status written = write_credentials(stdout, command.count, random); !written) {
    say(written.error().message);
    return exit_unavailable;
  }
  return exit_clean;
}

int exit_status_of(const Error& error) {
  return error.code == Code::invalid || error.code == Code::not_found ? exit_bad_input : exit_unavailable;
}

int print_scenarios(const ScenariosCommand& command) {
  for (const BuiltInScenario& each : built_in_scenarios()) {
    const std::string text(each.text);
    if (command.name == each.name) {
      std::fwrite(text.data(), 1, text.size(), stdout);
      return exit_clean;
    }
    if (!command.name.empty()) continue;
    if (const auto scenario = parse_scenario(text, each.name)) {
      std::printf("%-16s %s\n", scenario->name.c_str(), scenario->about.c_str());
    }
  }
  if (command.name.empty()) return exit_clean;
  say("no built-in scenario `" + command.name + "`; `shearline-loadgen scenarios` lists them");
  return exit_bad_input;
}

// The scenario with the command line's changes; empty after the faults were told.
std::optional<Scenario> scenario_of(const RunCommand& command) {
  Scenario scenario;
  if (!command.scenario.empty()) {
    auto loaded = load_scenario(command.scenario);
    if (!loaded) {
      for (const std::string& fault : loaded.error()) say(fault);
      return std::nullopt;
    }
    scenario = std::move(*loaded);
  }
  for (const auto& change : command.changes) change(scenario);
  const ScriptOptions& script = scenario.script;
  if (script.wrong_share + script.unknown_share > 1) {
    say(format("wrong (%g) and unknown (%g) shares are more than all", script.wrong_share,
               script.unknown_share));
    return std::nullopt;
  }
  return scenario;
}

bool write_file(const std::string& path, const std::string& content) {
  if (path.empty()) return true;
  std::FILE* file = std::fopen(path.c_str(), "we");
  bool is_written = file != nullptr && std::fwrite(content.data(), 1, content.size(), file) == content.size();
  if (file != nullptr && std::fclose(file) != 0) is_written = false;
  if (!is_written) say(path + ": " + std::strerror(errno));
  return is_written;
}

// Before a long run rather than after it.
bool can_write(const std::string& path) {
  if (path.empty()) return true;
  std::FILE* file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) {
    say(path + ": " + std::strerror(errno));
    return false;
  }
  std::fclose(file);
  return true;
}

bool write_reports(const RunCommand& command, const Results& results) {
  const std::string report = command.json ? report_json(results) : report_text(results);
  bool is_written = std::fwrite(report.data(), 1, report.size(), stdout) == report.size();
  is_written = std::fflush(stdout) == 0 && is_written;
  if (!command.json_file.empty())
    is_written = write_file(command.json_file, report_json(results)) && is_written;
  if (!command.html_file.empty())
    is_written = write_file(command.html_file, report_html(results)) && is_written;
  const Histogram& latency = results.outcome.total.latency_ns;
  if (!command.hgrm_file.empty()) {
    is_written = write_file(command.hgrm_file, percentile_distribution(latency)) && is_written;
  }
  return is_written;
}

int run(const RunCommand& command) {
  const auto scenario = scenario_of(command);
  if (!scenario) return exit_bad_input;
  const bool from_file = !command.credentials_file.empty();
  const auto population = from_file
                              ? Population::read(command.credentials_file)
                              : Result<Population>(Population::generated(command.generated, command.seed));
  if (!population) {
    say(population.error().message);
    return exit_bad_input;
  }
  for (const std::string& path : {command.json_file, command.html_file, command.hgrm_file}) {
    if (!can_write(path)) return exit_unavailable;
  }
  const Script script(*population, scenario->script);
  std::signal(SIGINT, interrupt);
  std::signal(SIGTERM, interrupt);
  SteadyTime time;
  const auto outcome = run_load(
      scenario->plan, *population, script,
      {time, interrupted,
       [](const Progress& progress) { std::fprintf(stderr, "%s\n", progress_text(progress).c_str()); },
       command.hlog_file});
  if (!outcome) {
    say(outcome.error().message);
    return exit_status_of(outcome.error());
  }
  if (!write_reports(command, {*scenario, script, *outcome})) return exit_unavailable;
  if (outcome->interrupted) return exit_interrupted;
  return outcome->clean() ? exit_clean : exit_unclean;
}

void describe(CLI::App& app, CredentialsCommand& command) {
  app.add_option("N", command.count, "How many")
      ->required()
      ->check(CLI::Range(std::size_t{1}, population_max));
  app.add_option(
      "--seed", command.seed,
      "Derive the secrets from this number, as `run --generated` does. Without it they are random");
  app.footer(
      "Example: shearline-loadgen credentials 10000 > load.jsonl\n"
      "         shearline credential import load.jsonl\n");
}

// CLI::Range lets "nan" pass, which is neither below nor above anything.
CLI::Validator real_number(double least, double most) {
  return {[least, most](const std::string& text) {
            double value = 0;
            const bool is_number = CLI::detail::lexical_cast(text, value) && value >= least && value <= most;
            return is_number ? std::string() : format("must be a number from %g to %g", least, most);
          },
          ""};
}

// An option that changes the scenario. The default is the one without a scenario.
template <class Value, class Set>
CLI::Option* add_change(CLI::App& app, RunCommand& command, const std::string& name, const std::string& help,
                        Set set) {
  return app.add_option_function<Value>(
      name,
      [&command, set](const Value& value) {
        command.changes.push_back([set, value](Scenario& scenario) { set(scenario, value); });
      },
      help);
}

// A whole number from 1 to `most`, its default shown.
CLI::Option* add_number(CLI::App& app, RunCommand& command, const std::string& name,
                        std::size_t Plan::* field, std::size_t most, const std::string& help) {
  return add_change<std::size_t>(
             app, command, name, help + ", 1 to " + std::to_string(most),
             [field](Scenario& scenario, std::size_t value) { scenario.plan.*field = value; })
      ->check(CLI::Range(std::size_t{1}, most))
      ->option_text("N = " + std::to_string(Plan{}.*field));
}

CLI::Option* add_share(CLI::App& app, RunCommand& command, const std::string& name,
                       double ScriptOptions::* field, const std::string& help) {
  return add_change<double>(app, command, name, help + ", 0 to 1",
                            [field](Scenario& scenario, double value) { scenario.script.*field = value; })
      ->check(real_number(0, 1))
      ->option_text(format("SHARE = %g", ScriptOptions{}.*field));
}

void describe_credentials(CLI::App& app, RunCommand& command) {
  auto* source = app.add_option_group("Whose credentials to present");
  source->add_option("--credentials", command.credentials_file, "A file written by `credentials`")
      ->option_text("FILE");
  auto* generated =
      source->add_option("--generated", command.generated, "The first N of those derived from --seed")
          ->check(CLI::Range(std::size_t{1}, population_max))
          ->option_text("N");
  source->require_option(1);
  app.add_option("--seed", command.seed, "Of --generated")->needs(generated)->option_text("NUMBER = 0");
}

void describe_frames(CLI::App& app, RunCommand& command) {
  const auto only_kind = [](Scenario& scenario) -> FrameKind& {
    scenario.script.kinds.resize(1);
    return scenario.script.kinds.front();
  };
  add_change<std::string>(app, command, "--mode", "One check in a frame, or a batch of them",
                          [only_kind](Scenario& scenario, const std::string& mode) {
                            only_kind(scenario).mode = mode == "verify" ? Mode::verify : Mode::mverify;
                          })
      ->check(CLI::IsMember({"verify", "mverify"}))
      ->option_text("verify|mverify = mverify");
  add_change<std::size_t>(
      app, command, "--batch", "Pairs in one MVERIFY, 1 to " + std::to_string(pairs_per_frame_max),
      [only_kind](Scenario& scenario, std::size_t batch) { only_kind(scenario).batch = batch; })
      ->check(CLI::Range(std::size_t{1}, pairs_per_frame_max))
      ->option_text("N = " + std::to_string(FrameKind{}.batch));
  add_share(app, command, "--wrong-share", &ScriptOptions::wrong_share,
            "Share of checks with a wrong secret");
  add_share(app, command, "--unknown-share", &ScriptOptions::unknown_share,
            "Share of checks for unknown clients");
}

void describe_pace(CLI::App& app, RunCommand& command) {
  add_change<double>(
      app, command, "--rate",
      "Open loop: so many checks a second, whatever the server does; latencies count from when a "
      "frame was due",
      [](Scenario& scenario, double rate) { scenario.plan.checks_per_s = rate; })
      ->check(real_number(rate_min, rate_max))
      ->option_text("CHECKS");
  add_change<std::string>(app, command, "--arrivals", "When frames are due with --rate",
                          [](Scenario& scenario, const std::string& arrivals) {
                            scenario.plan.arrivals =
                                arrivals == "poisson" ? Arrivals::poisson : Arrivals::constant;
                          })
      ->check(CLI::IsMember({"poisson", "constant"}))
      ->option_text("poisson|constant = poisson");
  const CLI::Validator is_duration(
      [](const std::string& text) {
        const auto ms = duration_ms_of(text);
        return ms && *ms > 0 ? std::string() : "must be a time such as 500ms, 10s or 2m, at most a day";
      },
      "");
  auto* duration =
      add_change<std::string>(app, command, "--duration", "How long to ask: 500ms, 10s, 2m; at most a day",
                              [](Scenario& scenario, const std::string& text) {
                                scenario.plan.duration_ms = *duration_ms_of(text);
                                scenario.plan.checks.reset();
                              });
  duration->check(is_duration)->option_text("TIME = 10s");
  add_change<std::uint64_t>(app, command, "--count", "How many checks, exactly, instead of how long",
                            [](Scenario& scenario, std::uint64_t count) { scenario.plan.checks = count; })
      ->check(CLI::Range(std::uint64_t{1}, checks_max))
      ->excludes(duration)
      ->option_text("N");
}

void describe_output(CLI::App& app, RunCommand& command) {
  app.add_flag("--json", command.json, "One JSON object on stdout instead of text");
  app.add_option("--json-file", command.json_file, "The JSON object in a file, beside what is on stdout")
      ->option_text("FILE");
  app.add_option("--html", command.html_file, "One self-contained page with plots")->option_text("FILE");
  app.add_option("--hlog", command.hlog_file,
                 "Latencies per interval for HdrHistogram's tools, written as it goes")
      ->option_text("FILE");
  app.add_option("--hgrm", command.hgrm_file, "Latency by percentile, in ms, for HdrHistogram's plotter")
      ->option_text("FILE");
}

void describe(CLI::App& app, RunCommand& command) {
  describe_credentials(app, command);
  app.add_option("--scenario", command.scenario,
                 "A scenario file, or the name of a built-in one; other options win over it")
      ->option_text("NAME|FILE");
  add_change<std::string>(
      app, command, "--server", "HOST:PORT or unix:/path",
      [](Scenario& scenario, const std::string& server) { scenario.plan.server = server; })
      ->option_text("ADDRESS = " + Plan{}.server);
  add_change<std::string>(app, command, "--auth-file", "AUTH with what this file says: GATEWAY TOKEN",
                          [](Scenario& scenario, const std::string& file) { scenario.plan.auth_file = file; })
      ->option_text("FILE");
  add_number(app, command, "--connections", &Plan::connections, connections_max, "Connections");
  add_number(app, command, "--pipeline", &Plan::pipeline, pipeline_max, "Frames unanswered per connection");
  add_number(app, command, "--threads", &Plan::threads, threads_max,
             "Threads that share the connections, each on its own core where there are enough");
  describe_frames(app, command);
  describe_pace(app, command);
  add_change<std::string>(app, command, "--on-loss", "What a connection does that the server ends",
                          [](Scenario& scenario, const std::string& what) {
                            scenario.plan.on_loss = what == "end" ? OnLoss::end : OnLoss::reconnect;
                          })
      ->check(CLI::IsMember({"end", "reconnect"}))
      ->option_text("end|reconnect = end");
  describe_output(app, command);
  app.footer(
      "Status 0: every verdict was the one its secret deserved. 1: some were not, or a connection broke.\n"
      "64, 65, 69: the command line, a file, the server. 130: ended early by Ctrl-C, with its report.\n"
      "Example: shearline-loadgen run --credentials load.jsonl --rate 200000 --duration 5s --html "
      "report.html\n");
}

void describe(CLI::App& app, ScenariosCommand& command) {
  app.add_option("NAME", command.name, "One of them: print it, as a start for your own");
  app.footer("Example: shearline-loadgen scenarios mixed > mine.toml\n");
}

}  // namespace

int run_command(int argc, const char* const* argv) {
  CLI::App app("Load for a Shearline server: checks with known answers, as many as it can take.",
               "shearline-loadgen");
  app.require_subcommand(1);
  CredentialsCommand credentials;
  RunCommand load;
  ScenariosCommand scenarios;
  auto* make = app.add_subcommand("credentials", "Write N new credentials to stdout, one JSON object a line");
  auto* run_it = app.add_subcommand("run", "Present credentials to a server and check its verdicts");
  auto* list = app.add_subcommand("scenarios", "List the built-in scenarios, or print one");
  describe(*list, scenarios);
  describe(*make, credentials);
  describe(*run_it, load);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_clean : exit_usage;
  }
  // A server that goes away is an error of the connection, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  if (list->parsed()) return print_scenarios(scenarios);
  return make->parsed() ? run(credentials) : run(load);
}

}  // namespace shearline::loadgen
