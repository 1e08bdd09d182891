// `status`, `history`, `list` and what is spelled `group list`, `credential show|list`: commands that only
// read.
#include "cli/commands.hpp"

namespace shearline::cli {
namespace {

template <class Fill>
Exit ask_about(const Context& context, policy::Verb verb, Fill fill) {
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());
  policy::Command command = (*session)->command(verb);
  fill(command);
  const auto answer = (*session)->ask(command);
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
  return ask_about(context, policy::Verb::history, [&](policy::Command& command) {
    command.credential = options.client_id;
    command.params.after = options.after;
    command.params.limit = options.limit;
  });
}

Exit list(const Context& context, const ListOf& options) {
  return ask_about(context, policy::Verb::list, [&](policy::Command& command) {
    command.params.what = options.what;
    command.params.after = options.after;
    command.params.limit = options.limit;
  });
}

}  // namespace shearline::cli
