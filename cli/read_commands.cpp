// `status`, `history`, `list` and what is spelled `group list`, `credential show|list`: commands that only
// read.
#include "cli/commands.hpp"
#include "cli/people.hpp"

namespace shearline::cli {
namespace {

template <class Fill>
Result<policy::Answer> ask(const Context& context, policy::Verb verb, Fill fill) {
  const auto session = Session::open(context);
  if (!session) return std::unexpected(session.error());
  policy::Command command = (*session)->command(verb);
  fill(command);
  return (*session)->ask(command);
}

template <class Fill>
Exit ask_about(const Context& context, policy::Verb verb, Fill fill) {
  const auto answer = ask(context, verb, fill);
  return answer ? context.output.answer(*answer) : context.output.error(answer.error());
}

}  // namespace

Exit status(const Context& context, const StatusOf& options) {
  return ask_about(context, policy::Verb::status, [&](policy::Command& command) {
    command.credential = options.client_id;
    command.rotation_id = options.rotation_id;
  });
}

Exit history(const Context& context, const HistoryOf& options) {
  const auto answer = ask(context, policy::Verb::history, [&](policy::Command& command) {
    command.credential = options.client_id;
    command.params.after = options.after;
    command.params.limit = options.limit;
  });
  if (!answer) return context.output.error(answer.error());
  const Exit told = context.output.answer(*answer);
  if (told == Exit::ok) {
    for (const std::string& remark : history_remarks(answer->result_json)) context.output.line(remark);
  }
  return told;
}

Exit list(const Context& context, const ListOf& options) {
  return ask_about(context, policy::Verb::list, [&](policy::Command& command) {
    command.params.what = options.what;
    command.params.after = options.after;
    command.params.limit = options.limit;
  });
}

}  // namespace shearline::cli
