#include "actors/audit_file.hpp"

#include "actors/file_lines.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace shearline::actors {

namespace {

// The end of a trail: as much of it as tells what the next line must name and which events were written lately.
struct TrailEnd {
  ledger::HashChain chain;
  std::uint64_t good_bytes = 0;  // up to the last newline; a crash leaves what stands behind it
};

Result<TrailEnd> read_end(int file) {
  constexpr std::size_t lines_wanted = ledger::HashChain::remembered_max + 1;
  std::vector<std::string> lines;  // newest first
  TrailEnd end;
  bool all = true;
  const Status read =
      lines_backwards(file, ledger::line_bytes_max, [&](std::string_view line, std::uint64_t offset) {
        if (lines.empty()) end.good_bytes = offset + line.size() + 1;
        lines.emplace_back(line);
        all = offset == 0;
        return lines.size() < lines_wanted;
      });
  if (!read) return std::unexpected(read.error());
  if (!all) {
    // Nobody looks at what stands before it: the oldest line of these is taken as it is.
    Result<ledger::HashChain> chain = ledger::HashChain::after(lines.back());
    if (!chain) {
      return fail(chain.error().code,
                  "line " + std::to_string(lines.size()) + " from the end: " + chain.error().message);
    }
    end.chain = std::move(*chain);
    lines.pop_back();
  }
  for (; !lines.empty(); lines.pop_back()) {
    if (const Result<ledger::Line> fits = end.chain.accept(lines.back()); !fits) {
      return fail(fits.error().code,
                  "line " + std::to_string(end.chain.lines() + 1) + ": " + fits.error().message);
    }
  }
  return end;
}

// The ULID of an event in its JSON form; `id` comes before whatever its details are called.
std::string_view id_of_event(std::string_view json) {
  constexpr std::string_view before_id = "\"id\":\"";
  constexpr std::size_t id_digits = 26;
  const std::size_t id = json.find(before_id);
  return id == std::string_view::npos ? std::string_view() : json.substr(id + before_id.size(), id_digits);
}

}  // namespace

Result<AuditFile> AuditFile::open(loop::Loop& loop, const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return fail(Code::unavailable, "cannot open " + path + ": " + std::strerror(errno));
  AuditFile opened(loop, file);  // closes it, however this ends
  // Two engines on one data folder would interleave their chains.
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    return fail(Code::conflict,
                path + " is in use by another engine; every node needs a data folder of its own");
  }
  Result<TrailEnd> end = read_end(file);
  if (!end) {
    if (end.error().code != Code::invalid) return fail(end.error().code, path + ": " + end.error().message);
    return fail(Code::invalid, path + ", " + end.error().message +
                                   ": the trail was changed or damaged; keep the file, move it out of the "
                                   "data folder, and a new one is begun (`shearline audit FILE` checks it)");
  }
  const off_t size = ::lseek(file, 0, SEEK_END);
  const bool torn = static_cast<std::uint64_t>(size) > end->good_bytes;
  if (torn && ::ftruncate(file, static_cast<off_t>(end->good_bytes)) != 0) {
    return fail(Code::unavailable, "cannot cut the torn last line of " + path + ": " + std::strerror(errno));
  }
  opened.chain_ = std::move(end->chain);
  opened.bytes_ = end->good_bytes;
  return opened;
}

AuditFile::AuditFile(loop::Loop& loop, int file) : loop_(&loop), file_(file) {}

AuditFile::AuditFile(AuditFile&& other) noexcept
    : loop_(other.loop_),
      file_(std::exchange(other.file_, -1)),
      chain_(std::move(other.chain_)),
      bytes_(other.bytes_) {}

AuditFile::~AuditFile() {
  if (file_ < 0) return;
  // Closing alone leaves the lock to whoever still refers to the file: a ring does for a moment after a write is done.
  ::flock(file_, LOCK_UN);
  ::close(file_);
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

Result<EventIds> events_in_file(const std::string& path, const EventIds& wanted) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail(Code::unavailable, "cannot open " + path + ": " + std::strerror(errno));
  constexpr std::string_view before_id = "\"id\":\"";
  constexpr std::size_t id_digits = 32;
  EventIds found;
  const Status read =
      lines_backwards(file, ledger::line_bytes_max, [&](std::string_view line, std::uint64_t) {
        const std::size_t id = line.find(before_id);  // the line's own comes before its event's
        if (id == std::string_view::npos) return true;
        const auto known = wanted.find(line.substr(id + before_id.size(), id_digits));
        if (known != wanted.end()) found.insert(*known);
        return found.size() < wanted.size();
      });
  ::close(file);
  if (!read) return std::unexpected(read.error());
  return found;
}

Result<EventsAbout> newest_events_about(const std::string& path, unsigned partition, std::string_view subject,
                                        std::string_view after, std::size_t at_most) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail(Code::unavailable, "cannot open " + path + ": " + std::strerror(errno));
  // Ids hold no character that JSON would write otherwise, and `subject` is a field that only we write.
  const std::string wanted = "\"subject\":\"" + std::string(subject) + "\"";
  const std::string from = "\"partition\":" + std::to_string(partition) + ",";
  EventsAbout found;
  std::size_t bytes = 0;
  bool told_all = false;
  const Status read =
      lines_backwards(file, ledger::line_bytes_max, [&](std::string_view line, std::uint64_t) {
        const std::size_t event = line.find("\"event\":{");
        if (event == std::string_view::npos || line.find(wanted, event) == std::string_view::npos)
          return true;
        if (line.substr(0, event).find(from) == std::string_view::npos) return true;
        const std::string_view json = line.substr(event + 8, line.size() - event - 9);
        const std::string_view id = id_of_event(json);
        found.ids.emplace(id);
        told_all |= !after.empty() && id == after;
        if (told_all || found.more) return true;
        found.more = found.events.size() == at_most || bytes + json.size() > events_told_bytes_max;
        if (found.more) return true;
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
