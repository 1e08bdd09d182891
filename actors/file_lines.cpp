#include "actors/file_lines.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace shearline::actors {
namespace {

constexpr std::size_t block_bytes = 256 * 1024;

Status read_at(int file, std::string& block, off_t offset) {
  for (std::size_t done = 0; done < block.size();) {
    const ssize_t got =
        ::pread(file, block.data() + done, block.size() - done, offset + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return fail(Code::unavailable, std::string("cannot read: ") +
                                         (got == 0 ? "the file became shorter" : std::strerror(errno)));
    }
    done += static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace

Status lines_backwards(int file, std::size_t line_bytes_max,
                       const std::function<bool(std::string_view line, std::uint64_t offset)>& each) {
  off_t begin = ::lseek(file, 0, SEEK_END);
  std::string tail;    // what is known of the line that began before `begin`
  bool whole = false;  // whether a newline ends it
  while (begin > 0) {
    std::string block(std::min(block_bytes, static_cast<std::size_t>(begin)), '\0');
    begin -= static_cast<off_t>(block.size());
    if (Status read = read_at(file, block, begin); !read) return read;
    block += tail;
    std::size_t line_end = block.size();
    for (std::size_t newline = block.rfind('\n'); newline != std::string::npos;
         newline = newline == 0 ? std::string::npos : block.rfind('\n', newline - 1)) {
      const std::string_view line = std::string_view(block).substr(newline + 1, line_end - newline - 1);
      if (whole && !each(line, static_cast<std::uint64_t>(begin) + newline + 1)) return {};
      whole = true;
      line_end = newline;
    }
    tail = block.substr(0, line_end);
    if (tail.size() > line_bytes_max) {
      return fail(Code::invalid, "a line is longer than " + std::to_string(line_bytes_max) + " bytes");
    }
  }
  if (whole) each(tail, 0);
  return {};
}

}  // namespace shearline::actors
