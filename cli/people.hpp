// JSON of the engine's answers as people read it. Pure text to text; control characters never reach a terminal.
#pragma once

#include "policy/command.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace shearline::cli {

// Names with blanks for underscores, what matters first, times as RFC 3339, durations in words, nested values indented,
// a list of objects one line each. What is null, false or empty is left out. What does not parse is shown as it is.
std::string for_people(std::string_view json);

// An audit event as one line: when, about whom, what, by whom, why.
std::string event_line(std::string_view json);

// The whole answer: what happened or why not, then the rotation and the result.
std::string answer_text(const policy::Answer& answer);

// What must be said of a history beside its events: that some wait, or stand in the trails of other nodes.
std::vector<std::string> history_remarks(std::string_view json);

// Without anything a terminal would act on.
std::string printable(std::string_view text);

}  // namespace shearline::cli
