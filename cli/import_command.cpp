// `credential import`: a file of existing secrets, line by line, sealed to the engine and sent in as few
// commands as the limits allow. Every line that is not taken is named; a run after an interruption finds what
// is in already.
#include "cli/commands.hpp"
#include "cli/import_batch.hpp"
#include "cli/import_report.hpp"
#include "cli/moments.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

namespace shearline::cli {
namespace {

constexpr std::int64_t rate_limited_pause_ms = 5000;
constexpr int rate_limited_attempts_max = 24;  // two minutes, well inside the life of a command

class Importer {
 public:
  Importer(Session& session, const CredentialImport& options, policy::Params params)
      : session_(session),
        output_(session.context().output),
        options_(options),
        params_(std::move(params)),
        report_(output_) {}

  Exit run(int descriptor) {
    ImportReader reader(descriptor);
    Status step;
    while (step) {
      auto next = reader.next();
      if (!next) {
        step = std::unexpected(next.error());
        break;
      }
      if (!*next) break;
      step = take(**next);
    }
    if (step) step = flush();
    output_.progress_done();
    report_.finish(step ? std::nullopt : std::optional(step.error()));
    return report_.exit();
  }

 private:
  Status take(ImportReader::Numbered& numbered) {
    if (!numbered.line) {
      report_.bad_line(numbered.number, numbered.line.error().message);
      return {};
    }
    const ImportLine& line = *numbered.line;
    if (!report_.first_time(line.client_id, numbered.number)) return {};
    if (line.secret.size() < weak_secret_characters && !options_.insist) {
      report_.bad_line(numbered.number, "the secret of " + line.client_id + " has fewer than " +
                                            std::to_string(weak_secret_characters) +
                                            " characters; --insist takes it and flags it");
      return {};
    }
    if (batch_ && !batch_->fits(line)) {
      if (Status sent = flush(); !sent) return sent;
    }
    if (!batch_) {
      policy::Command base = session_.command(policy::Verb::credential_import, options_.facts.reasons);
      base.params = params_;
      batch_.emplace(std::move(base), options_.insist);
      if (!batch_->fits(line))
        return fail(Code::invalid, "the metadata and reasons leave no room for a single item");
    }
    return batch_->add(line, session_.keys().engine.sealing_key, session_.context().random);
  }

  Status flush() {
    if (!batch_ || batch_->empty()) return {};
    const policy::Command& command = batch_->command();
    auto answer = session_.ask(command);
    // The same bytes again: what is in stays in, and what was refused for haste gets its turn.
    for (int attempt = 0; answer && answer->code == Code::rate_limited && attempt < rate_limited_attempts_max;
         ++attempt) {
      loop::sleep_for_ms(session_.loop(), rate_limited_pause_ms);
      answer = session_.ask(command);
    }
    if (!answer) return std::unexpected(answer.error());
    const Status counted = report_.count(command, *answer);
    batch_.reset();
    output_.progress(report_.progress());
    return counted;
  }

  Session& session_;
  const Output& output_;
  const CredentialImport& options_;
  policy::Params params_;
  ImportReport report_;
  std::optional<ImportBatch> batch_;
};

Result<int> open_input(const std::string& file) {
  if (file == "-") return ::dup(STDIN_FILENO);
  std::error_code unknown;
  if (std::filesystem::is_directory(file, unknown)) return fail(Code::invalid, file + ": Is a directory");
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  return fail(errno == ENOENT ? Code::not_found : Code::invalid, file + ": " + std::strerror(errno));
}

}  // namespace

Exit credential_import(const Context& context, const CredentialImport& options) {
  auto params = params_of(options.facts, context.clock.now_ms());
  if (!params) return context.output.error(params.error());
  const auto input = open_input(expand_home(options.file));
  if (!input) return context.output.error(input.error());
  const auto session = Session::open(context);
  const Exit exit = session ? Importer(**session, options, std::move(*params)).run(*input)
                            : context.output.error(session.error());
  ::close(*input);
  return exit;
}

}  // namespace shearline::cli
