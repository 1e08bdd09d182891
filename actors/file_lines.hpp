// Reading a file of lines from its end: what is newest comes first, and what is old is never touched. Used for the audit
// file, which only grows; knows nothing of what the lines say. Blocking.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace shearline::actors {

// Calls `each` with every whole line (without its newline, and where it begins) from the last to the first, until it
// returns false. Bytes behind the last newline are no line yet. invalid: a line longer than line_bytes_max.
Status lines_backwards(int file, std::size_t line_bytes_max,
                       const std::function<bool(std::string_view line, std::uint64_t offset)>& each);

}  // namespace shearline::actors
