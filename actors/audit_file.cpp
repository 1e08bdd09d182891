#include "actors/audit_file.hpp"

#include "io/loop/fiber_scheduler.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace shearline::actors {

Result<AuditFile> AuditFile::open(loop::Loop& loop, const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return fail(Code::unavailable, "cannot open " + path + ": " + std::strerror(errno));
  // Two engines on one data folder would interleave their chains.
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    return fail(Code::conflict,
                path + " is in use by another engine; every node needs a data folder of its own");
  }
  std::ifstream in(path, std::ios::binary);
  Result<ledger::ChainState> state = ledger::read_chain(in);
  if (!state) {
    ::close(file);
    return fail(state.error().code, path + ": " + state.error().message);
  }
  if (state->torn_bytes > 0 && ::ftruncate(file, static_cast<off_t>(state->good_bytes)) != 0) {
    ::close(file);
    return fail(Code::unavailable, "cannot cut the torn last line of " + path + ": " + std::strerror(errno));
  }
  return AuditFile(loop, file, std::move(*state));
}

AuditFile::AuditFile(loop::Loop& loop, int file, ledger::ChainState state)
    : loop_(&loop), file_(file), chain_(std::move(state.chain)), bytes_(state.good_bytes) {}

AuditFile::AuditFile(AuditFile&& other) noexcept
    : loop_(other.loop_),
      file_(std::exchange(other.file_, -1)),
      chain_(std::move(other.chain_)),
      bytes_(other.bytes_) {}

AuditFile::~AuditFile() {
  if (file_ >= 0) ::close(file_);
}

Status AuditFile::append(ledger::HashChain::Draft draft) {
  const auto undo = [this](std::string_view what, int error) {
    // What was written in part, or without being synced, must not stand behind the next try's lines.
    if (::ftruncate(file_, static_cast<off_t>(bytes_)) != 0) error = errno;
    return fail(Code::unavailable, std::string(what) + ": " + std::strerror(error));
  };
  const ByteView block = as_bytes(draft.text);
  for (std::size_t done = 0; done < block.size();) {
    const int written = loop::await(*loop_, [&](loop::Operation& operation) {
      loop_->write_file(file_, block.subspan(done), bytes_ + done, operation);
    });
    if (written == -EINTR || written == -EAGAIN) continue;
    if (written <= 0) return undo("cannot write the audit file", written == 0 ? ENOSPC : -written);
    done += static_cast<std::size_t>(written);
  }
  const int synced =
      loop::await(*loop_, [&](loop::Operation& operation) { loop_->sync_file(file_, operation); });
  if (synced < 0) return undo("cannot sync the audit file", -synced);
  bytes_ += block.size();
  chain_.commit(std::move(draft));
  return {};
}

namespace {

// Calls `each` with every whole line from the last to the first, until it returns false.
template <class Each>
Status lines_backwards(int file, Each each) {
  constexpr std::size_t block_bytes = 256 * 1024;
  off_t end = ::lseek(file, 0, SEEK_END);
  std::string tail;    // what is known of the line that began before `end`
  bool whole = false;  // the bytes behind the last newline are a line that is being written
  while (end > 0) {
    const std::size_t take = std::min(block_bytes, static_cast<std::size_t>(end));
    std::string block(take, '\0');
    end -= static_cast<off_t>(take);
    if (::pread(file, block.data(), take, end) != static_cast<ssize_t>(take)) {
      return fail(Code::unavailable, "the audit file cannot be read");
    }
    block += tail;
    std::size_t line_end = block.size();
    for (std::size_t newline = block.rfind('\n'); newline != std::string::npos;
         newline = newline == 0 ? std::string::npos : block.rfind('\n', newline - 1)) {
      if (whole && !each(std::string_view(block).substr(newline + 1, line_end - newline - 1))) return {};
      whole = true;
      line_end = newline;
    }
    tail = block.substr(0, line_end);
  }
  if (whole) each(tail);
  return {};
}

}  // namespace

Result<EventsAbout> newest_events_about(const std::string& path, std::string_view subject,
                                        std::string_view after, std::size_t at_most) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail(Code::unavailable, "cannot open " + path + ": " + std::strerror(errno));
  // Ids hold no character that JSON would write otherwise, and `subject` is a field that only we write.
  const std::string wanted = "\"subject\":\"" + std::string(subject) + "\"";
  const std::string last = after.empty() ? std::string() : "\"id\":\"" + std::string(after) + "\"";
  EventsAbout found;
  std::size_t bytes = 0;
  const Status read = lines_backwards(file, [&](std::string_view line) {
    const std::size_t event = line.find("\"event\":{");
    if (event == std::string_view::npos || line.find(wanted, event) == std::string_view::npos) return true;
    const std::string_view json = line.substr(event + 8, line.size() - event - 9);
    if (!last.empty() && json.find(last) != std::string_view::npos) return false;
    found.more = found.events.size() == at_most || bytes + json.size() > events_told_bytes_max;
    if (found.more) return false;
    bytes += json.size();
    found.events.emplace_back(json);
    return true;
  });
  ::close(file);
  if (!read) return std::unexpected(read.error());
  std::ranges::reverse(found.events);
  return found;
}

}  // namespace shearline::actors
