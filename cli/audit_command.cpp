// `audit`: checks the chains of one or more audit files and shows the deployment's trail merged from them, each event
// once. Reads nothing but the files, so that whoever holds copies can check them anywhere. Holds where each event stands,
// not the events.
#include "base/encoding.hpp"
#include "cli/commands.hpp"
#include "cli/moments.hpp"
#include "cli/people.hpp"
#include "ledger/trail.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace shearline::cli {
namespace {

using ledger::TrailEvent;

std::string plural(std::size_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

// Each file's chain checked and said to hold or not; the worst of what was found.
Exit check_files(const Output& output, const std::vector<std::string>& files, ledger::MergedTrail& trail) {
  Exit worst = Exit::ok;
  for (const std::string& file : files) {
    std::ifstream in(expand_home(file), std::ios::binary);
    if (!in) {
      worst = output.error({Code::not_found, "cannot open " + file + ": " + std::strerror(errno)});
      continue;
    }
    const Result<ledger::ChainState> state = trail.add(in);
    if (!state) {
      worst = output.error({state.error().code, file + ", " + state.error().message});
      continue;
    }
    const ledger::HashChain& chain = state->chain;
    if (state->torn_bytes > 0) {
      output.warn(file + ": " + plural(state->torn_bytes, "byte") +
                  " behind the last whole line: one that is being written, or that a crash tore");
    }
    output.line(file + ": the chain holds over " + plural(chain.lines(), "line") + ", head " +
                hex(chain.head()));
    output.object(json_object({{"file", file},
                               {"holds", true},
                               {"lines", chain.lines()},
                               {"head", hex(chain.head())},
                               {"torn_bytes", state->torn_bytes}}));
  }
  return worst;
}

// The JSON of the event in this line of the file.
Result<std::string> event_in(std::ifstream& file, const TrailEvent::Standing& standing) {
  std::string line(standing.bytes, '\0');
  file.seekg(static_cast<std::streamoff>(standing.offset));
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  constexpr std::string_view before_event = "\"event\":";
  const std::size_t begin = line.find(before_event);
  if (!file || begin == std::string::npos) {
    return fail(Code::unavailable, "a file changed while it was read; try again");
  }
  return line.substr(begin + before_event.size(), line.size() - begin - before_event.size() - 1);
}

std::string standings_json(const std::vector<std::string>& files, const TrailEvent& event) {
  std::string out = "[";
  for (const TrailEvent::Standing& standing : event.standings) {
    if (out.size() > 1) out += ",";
    out += json_object({{"file", files[standing.file]}, {"line", standing.seq}});
  }
  return out + "]";
}

Status show(const Output& output, const std::vector<std::string>& names,
            const std::vector<TrailEvent>& events) {
  std::vector<std::ifstream> files;
  files.reserve(names.size());
  for (const std::string& name : names) files.emplace_back(expand_home(name), std::ios::binary);
  for (const TrailEvent& event : events) {
    const TrailEvent::Standing& first = event.standings.front();
    const Result<std::string> json = event_in(files[first.file], first);
    if (!json) return std::unexpected(json.error());
    output.line(event_line(*json));
    output.object(json_object({{"id", event.id},
                               Member::raw("stands_in", standings_json(names, event)),
                               Member::raw("event", *json)}));
  }
  return {};
}

}  // namespace

Exit audit(const Context& context, const AuditOf& options) {
  const Output& output = context.output;
  ledger::MergedTrail trail;
  const Exit checked = check_files(output, options.files, trail);
  if (checked != Exit::ok) return checked;
  const std::vector<TrailEvent> events = std::move(trail).merge();
  if (!options.quiet) {
    if (const Status shown = show(output, options.files, events); !shown) return output.error(shown.error());
  }
  const auto shared = static_cast<std::size_t>(
      std::ranges::count_if(events, [](const TrailEvent& event) { return event.standings.size() > 1; }));
  output.line(plural(events.size(), "event") +
              (shared == 0 ? "" : ", " + std::to_string(shared) + " of them in more than one line"));
  output.object(json_object({{"events", events.size()}, {"in_more_than_one_line", shared}}));
  return Exit::ok;
}

}  // namespace shearline::cli
