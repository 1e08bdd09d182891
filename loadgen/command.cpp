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
  const Script script(*population, command.script);
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
      "         shearline credential import load.jsonl");
}

void describe(CLI::App& app, RunCommand& command) {
  const std::map<std::string, Mode> modes = {{"verify", Mode::verify}, {"mverify", Mode::mverify}};
  const std::map<std::string, std::int64_t> units = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}};

  auto* source = app.add_option_group("credentials", "Whose credentials to present");
  source->add_option("--credentials", command.credentials_file, "A file written by `credentials`");
  auto* generated =
      source
          ->add_option("--generated", command.generated, "The first N of the credentials derived from --seed")
          ->check(CLI::Range(std::size_t{1}, population_max));
  source->require_option(1);
  app.add_option("--seed", command.seed, "Of --generated")->needs(generated)->capture_default_str();

  app.add_option("--server", command.plan.server, "host:port or unix:/path")->capture_default_str();
  app.add_option("--connections", command.plan.connections, "Connections")
      ->check(CLI::Range(std::size_t{1}, connections_max))
      ->capture_default_str();
  app.add_option("--pipeline", command.plan.pipeline, "Frames unanswered at a time, per connection")
      ->check(CLI::Range(std::size_t{1}, pipeline_max))
      ->capture_default_str();
  app.add_option("--threads", command.plan.threads, "Threads that share the connections")
      ->check(CLI::Range(std::size_t{1}, threads_max))
      ->capture_default_str();
  app.add_option("--mode", command.script.mode, "verify or mverify")
      ->transform(CLI::CheckedTransformer(modes))
      ->default_str("mverify");
  app.add_option("--batch", command.script.batch, "Pairs in one MVERIFY")
      ->check(CLI::Range(std::size_t{1}, pairs_per_frame_max))
      ->capture_default_str();
  app.add_option("--wrong-share", command.script.wrong_share, "Share of checks with a wrong secret, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  auto* duration = app.add_option("--duration", command.plan.duration_ms, "How long to ask: 500ms, 10s, 2m")
                       ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED))
                       ->check(CLI::Range(std::int64_t{1}, std::int64_t{24 * 3'600'000}))
                       ->default_str("10s");
  app.add_option("--count", command.plan.checks, "How many checks instead, rounded up to whole frames")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}))
      ->excludes(duration);
  app.add_flag("--json", command.json, "One JSON object on stdout instead of text");
  app.footer(
      "Status 0: every verdict was the one its secret deserved. 1: some were not, or a connection broke.\n"
      "64, 65, 69: the command line, the credentials file, or the server.\n"
      "Example: shearline-loadgen run --credentials load.jsonl --batch 512 --duration 5s");
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
