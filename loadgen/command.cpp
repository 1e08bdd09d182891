#include "loadgen/command.hpp"

#include "loadgen/population.hpp"
#include "loadgen/report.hpp"
#include "loadgen/run.hpp"
#include "loadgen/script.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <string>

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
  std::string mode = "mverify";
  ScriptOptions script;
  Plan plan;
  bool json = false;
};

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

int run(const RunCommand& command) {
  const bool from_file = !command.credentials_file.empty();
  const auto population = from_file
                              ? Population::read(command.credentials_file)
                              : Result<Population>(Population::generated(command.generated, command.seed));
  if (!population) {
    say(population.error().message);
    return exit_bad_input;
  }
  ScriptOptions options = command.script;
  options.mode = command.mode == "verify" ? Mode::verify : Mode::mverify;
  const Script script(*population, options);
  const auto outcome = run_load(command.plan, script, [](const Progress& progress) {
    std::fprintf(stderr, "%s\n", progress_text(progress).c_str());
  });
  if (!outcome) {
    say(outcome.error().message);
    return exit_unavailable;
  }
  const std::string report = command.json ? report_json(command.plan, script, *outcome)
                                          : report_text(command.plan, script, *outcome);
  std::fwrite(report.data(), 1, report.size(), stdout);
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

// A whole number from 1 to `most`, its default shown.
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& name, Number& value, std::size_t most,
                        const std::string& help) {
  return app.add_option(name, value, help + ", 1 to " + std::to_string(most))
      ->check(CLI::Range(Number{1}, static_cast<Number>(most)))
      ->option_text("N = " + std::to_string(value));
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

void describe(CLI::App& app, RunCommand& command) {
  const std::map<std::string, std::int64_t> units = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}};
  const auto day_ms = std::int64_t{24 * 3'600'000};
  Plan& plan = command.plan;

  describe_credentials(app, command);
  app.add_option("--server", plan.server, "HOST:PORT or unix:/path")->option_text("ADDRESS = " + plan.server);
  add_number(app, "--connections", plan.connections, connections_max, "Connections");
  add_number(app, "--pipeline", plan.pipeline, pipeline_max, "Frames unanswered per connection");
  add_number(app, "--threads", plan.threads, threads_max, "Threads that share the connections");
  app.add_option("--mode", command.mode, "One check in a frame, or a batch of them")
      ->check(CLI::IsMember({"verify", "mverify"}))
      ->option_text("verify|mverify = " + command.mode);
  add_number(app, "--batch", command.script.batch, pairs_per_frame_max, "Pairs in one MVERIFY");
  app.add_option("--wrong-share", command.script.wrong_share, "Share of checks with a wrong secret, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->option_text("SHARE = 0.1");
  auto* duration =
      app.add_option("--duration", plan.duration_ms, "How long to ask: 500ms, 10s, 2m; at most a day")
          ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED))
          ->check(CLI::Range(std::int64_t{1}, day_ms))
          ->option_text("TIME = 10s");
  app.add_option("--count", plan.checks, "How many checks instead of how long, rounded up to whole frames")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}))
      ->excludes(duration)
      ->option_text("N");
  app.add_flag("--json", command.json, "One JSON object on stdout instead of text");
  app.footer(
      "Status 0: every verdict was the one its secret deserved. 1: some were not, or a connection broke.\n"
      "64, 65, 69: the command line, the credentials file, the server.\n"
      "Example: shearline-loadgen run --credentials load.jsonl --batch 512 --duration 5s\n");
}

}  // namespace

int run_command(int argc, const char* const* argv) {
  CLI::App app("Load for a Shearline server: checks with known answers, as many as it can take.",
               "shearline-loadgen");
  app.require_subcommand(1);
  CredentialsCommand credentials;
  RunCommand load;
  auto* make = app.add_subcommand("credentials", "Write N new credentials to stdout, one JSON object a line");
  auto* run_it = app.add_subcommand("run", "Present credentials to a server and check its verdicts");
  describe(*make, credentials);
  describe(*run_it, load);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_clean : exit_usage;
  }
  // A server that goes away is an error of the connection, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  return make->parsed() ? run(credentials) : run(load);
}

}  // namespace shearline::loadgen
