#include "actors/audit_file.hpp"

#include "base/encoding.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace shearline::actors {
namespace {

// What makes an event this one and no other, across crashes and a store that starts again from counter 1.
std::string id_of(const store::SealedStore::Event& event) {
  const Byte partition = static_cast<Byte>(event.partition);
  const Hash hash = sha256({ByteView(&partition, 1), be64(event.counter), be64(event.index),
                            event.record_hash, ByteView(event.event)});
  return hex(ByteView(hash).first(16));
}

}  // namespace

Status AuditChain::accept(std::string_view line) {
  const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("seq") || !parsed["seq"].is_number_unsigned() ||
      !parsed.contains("prev") || !parsed["prev"].is_string() || !parsed.contains("id") ||
      !parsed["id"].is_string()) {
    return fail(Code::invalid, "not an audit line");
  }
  if (parsed["seq"].get<std::uint64_t>() != lines_ + 1) {
    return fail(Code::invalid, "the sequence number is not " + std::to_string(lines_ + 1));
  }
  if (parsed["prev"].get_ref<const std::string&>() != hex(head_)) {
    return fail(Code::invalid, "it does not name the hash of the line before it");
  }
  head_ = sha256(as_bytes(line));
  ++lines_;
  remember(parsed["id"].get<std::string>());
  return {};
}

void AuditChain::add(Draft& draft, const store::SealedStore::Event& event, std::string_view event_json) {
  std::string id = id_of(event);
  std::string line = "{\"seq\":" + std::to_string(draft.lines + 1) + ",\"prev\":\"" + hex(draft.head) +
                     "\",\"id\":\"" + id + "\",\"partition\":" + std::to_string(event.partition) +
                     ",\"counter\":" + std::to_string(event.counter) +
                     ",\"index\":" + std::to_string(event.index) + ",\"record\":\"" + hex(event.record_hash) +
                     "\",\"event\":";
  line += event_json;
  line += '}';
  draft.head = sha256(as_bytes(line));
  ++draft.lines;
  draft.ids.push_back(std::move(id));
  draft.text += line;
  draft.text += '\n';
}

void AuditChain::commit(Draft draft) {
  lines_ = draft.lines;
  head_ = draft.head;
  for (std::string& id : draft.ids) remember(std::move(id));
}

bool AuditChain::has(const store::SealedStore::Event& event) const { return ids_.contains(id_of(event)); }

void AuditChain::remember(std::string id) {
  if (!ids_.insert(id).second) return;
  order_.push_back(std::move(id));
  if (order_.size() > remembered_max) {
    ids_.erase(order_.front());
    order_.pop_front();
  }
}

Result<AuditFileState> check_audit_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Code::not_found, "cannot read " + path + ": " + std::strerror(errno));
  AuditFileState state;
  std::string line;
  while (std::getline(in, line)) {
    if (in.eof()) {  // no newline at its end
      state.torn_bytes = line.size();
      break;
    }
    if (Status fits = state.chain.accept(line); !fits) {
      return fail(Code::invalid,
                  path + ":" + std::to_string(state.chain.lines() + 1) + ": " + fits.error().message);
    }
    state.good_bytes += line.size() + 1;
  }
  return state;
}

Result<AuditFile> AuditFile::open(loop::Loop& loop, const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return fail(Code::unavailable, "cannot open " + path + ": " + std::strerror(errno));
  // Two engines on one data folder would interleave their chains.
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    return fail(Code::conflict,
                path + " is in use by another engine; every node needs a data folder of its own");
  }
  Result<AuditFileState> state = check_audit_file(path);
  if (!state) {
    ::close(file);
    return std::unexpected(state.error());
  }
  if (state->torn_bytes > 0 && ::ftruncate(file, static_cast<off_t>(state->good_bytes)) != 0) {
    ::close(file);
    return fail(Code::unavailable, "cannot cut the torn last line of " + path + ": " + std::strerror(errno));
  }
  return AuditFile(loop, file, std::move(*state));
}

AuditFile::AuditFile(loop::Loop& loop, int file, AuditFileState state)
    : loop_(&loop), file_(file), chain_(std::move(state.chain)), bytes_(state.good_bytes) {}

AuditFile::AuditFile(AuditFile&& other) noexcept
    : loop_(other.loop_),
      file_(std::exchange(other.file_, -1)),
      chain_(std::move(other.chain_)),
      bytes_(other.bytes_) {}

AuditFile::~AuditFile() {
  if (file_ >= 0) ::close(file_);
}

Status AuditFile::append(AuditChain::Draft draft) {
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
