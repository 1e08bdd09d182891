#include "cli/parser.hpp"

#include "base/nearest.hpp"
#include "cli/command_tree.hpp"
#include "policy/model.hpp"
#include "policy/rules.hpp"

#include <algorithm>

namespace shearline::cli {
namespace {

constexpr std::int64_t answer_timeout_ms_max = 5 * 60'000;  // what a command lives

void add_settings(CLI::App& app, Settings& settings) {
  app.add_option("--keys", settings.keys_file, "Your admin keys")
      ->envname("SHEARLINE_KEYS")
      ->capture_default_str()
      ->type_name("FILE");
  app.add_option("--redis", settings.redis, "host:port or unix:/path of the Redis the engine listens on")
      ->envname("SHEARLINE_REDIS")
      ->capture_default_str()
      ->type_name("ADDRESS");
  app.add_option("--redis-user", settings.redis_user, "User name in Redis")->envname("SHEARLINE_REDIS_USER");
  app.add_option("--redis-password-file", settings.redis_password_file, "File with the password for Redis")
      ->envname("SHEARLINE_REDIS_PASSWORD_FILE")
      ->type_name("FILE");
  app.add_option("--prefix", settings.prefix, "Prefix of the deployment's channels and keys")
      ->envname("SHEARLINE_PREFIX")
      ->capture_default_str();
  app.add_option("--passphrase-file", settings.passphrase_file,
                 "File with your passphrase; without it SHEARLINE_PASSPHRASE, then the terminal")
      ->type_name("FILE");
  app.add_option_function<std::string>(
         "--answer-timeout",
         [&settings](const std::string& text) {
           const auto ms = policy::parse_duration(text);
           if (!ms || *ms <= 0 || *ms > answer_timeout_ms_max) {
             throw CLI::ValidationError("--answer-timeout", "a duration from 1s to 5m");
           }
           settings.answer_timeout_ms = *ms;
         },
         "How long to wait for the engine's answer [15s]")
      ->type_name("DURATION");
  app.add_flag("--insecure", settings.insecure, "Allow an unencrypted connection beyond this machine");
  app.add_flag("--json", settings.json, "One JSON object a line on stdout");
}

std::unique_ptr<CLI::App> build_tree(Invocation& invocation) {
  auto app = std::make_unique<CLI::App>(
      "Shearline verifies API credentials and rotates them with nobody locked out.\n"
      "`shearline server` runs the engine; all other commands are an admin's.",
      "shearline");
  app->require_subcommand(1);
  app->fallthrough();
  app->footer("Each command has its own help with an example: shearline rotate --help\n\n" + exit_help());
  add_settings(*app, invocation.settings);
  // Run by the program before anything is parsed here, if it is the first word; declared so that the help names it.
  app->add_subcommand("server", "Run the engine (see shearline server --help)")
      ->fallthrough(false)
      ->prefix_command()
      ->callback([] {
        throw CLI::ValidationError(
            "`server` comes first and takes settings of its own: shearline server --help");
      });
  add_key_commands(*app, invocation);
  add_credential_commands(*app, invocation);
  add_rotation_commands(*app, invocation);
  return app;
}

void allow_settings_everywhere(CLI::App& app) {
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    if (sub->get_prefix_command()) continue;  // what follows `server` is not ours
    sub->fallthrough();
    allow_settings_everywhere(*sub);
  }
}

// CLI11 knows a command by its last word; the path before it belongs into the usage line.
std::string help_of(const CLI::App& app, const std::string& path_before) {
  return path_before.empty() ? app.help() : app.help(path_before);
}

void collect_help(CLI::App& app, const std::string& path, std::vector<CommandHelp>& out) {
  const auto subs = app.get_subcommands([](CLI::App*) { return true; });
  const std::string name = path.empty() ? app.get_name() : path + " " + app.get_name();
  if (subs.empty() && app.get_name() != "server") {
    const std::string footer = app.get_footer();
    const std::string::size_type from = footer.find("shearline ");
    const std::string example =
        from == std::string::npos ? "" : footer.substr(from, footer.find('\n', from) - from);
    out.push_back({name.substr(name.find(' ') + 1), help_of(app, path), example});
  }
  for (CLI::App* sub : subs) collect_help(*sub, name, out);
}

std::string help_asked_for(const CLI::App& app) {
  const CLI::App* asked = &app;
  std::string path;
  while (!asked->get_subcommands().empty()) {
    path += (path.empty() ? "" : " ") + asked->get_name();
    asked = asked->get_subcommands().front();
  }
  return help_of(*asked, path);
}

// CLI11 only says that a command is missing. Empty: no word stands where a command should.
std::string unknown_command(const CLI::App& app) {
  const CLI::App* last = &app;
  std::string path;
  while (!last->get_subcommands().empty()) {
    last = last->get_subcommands().front();
    path += last->get_name() + " ";
  }
  const auto subs = last->get_subcommands([](const CLI::App*) { return true; });
  const auto words = app.remaining(true);  // with fallthrough they end up with a parent
  if (subs.empty() || words.empty() || words.front().starts_with('-')) return {};
  std::vector<std::string_view> names;
  names.reserve(subs.size());
  for (const CLI::App* sub : subs) names.push_back(sub->get_name());
  return "unknown command `" + path + words.front() + "`" + did_you_mean(words.front(), names);
}

}  // namespace

std::expected<Invocation, ParseFailure> parse_arguments(const std::vector<std::string>& arguments) {
  Invocation invocation;
  const auto app = build_tree(invocation);
  allow_settings_everywhere(*app);
  try {
    // CLI11 takes them from the back.
    app->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(ParseFailure{Exit::ok, help_asked_for(*app)});
  } catch (const CLI::ParseError& error) {
    const std::string unknown = unknown_command(*app);
    return std::unexpected(ParseFailure{Exit::usage, unknown.empty() ? error.what() : unknown});
  }
  return invocation;
}

std::vector<CommandHelp> all_help() {
  Invocation invocation;
  const auto app = build_tree(invocation);
  std::vector<CommandHelp> out;
  collect_help(*app, "", out);
  return out;
}

const CLI::Validator& id_validator() {
  static const CLI::Validator validator(
      [](std::string& text) {
        return policy::is_id(text) ? std::string()
                                   : "'" + text + "' is not an id: 1 to 64 characters of [A-Za-z0-9._~-]";
      },
      "ID", "id");
  return validator;
}

const CLI::Validator& ulid_validator() {
  static const CLI::Validator validator(
      [](std::string& text) {
        return Ulid::parse(text) ? std::string() : "'" + text + "' is not a ULID (26 characters, upper case)";
      },
      "ULID", "ulid");
  return validator;
}

void add_reasons(CLI::App& app, Reasons& reasons) {
  app.add_option("--reason", reasons.reason, "Why, in a few words; goes into the audit trail");
  app.add_option("--justification", reasons.justification, "Why it may be done, in a sentence");
  app.add_option("--ticket", reasons.ticket, "Ticket it belongs to");
  app.add_option("--correlation-id", reasons.correlation_id, "Id that ties it to other systems");
}

}  // namespace shearline::cli
