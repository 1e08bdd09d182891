#include "actors/audit_file.hpp"

#include "io/loop/fiber_scheduler.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

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

}  // namespace shearline::actors
