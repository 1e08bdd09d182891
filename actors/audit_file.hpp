// The audit trail in its first form: an append-only file of JSON lines, each naming the SHA-256 of the line before it,
// so that a changed, removed or inserted line shows. Used by the audit actor (which appends) and by whoever checks the
// trail; knows nothing of actors. The Merkle ledger takes its place later.
//
// A line: {"seq":N,"prev":"<hex>","id":"<hex>","partition":p,"counter":c,"index":i,"record":"<hex>","event":{...}}
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "io/loop/loop.hpp"
#include "io/store/sealed.hpp"

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::actors {

// The chain of one file: pure, fed line by line.
class AuditChain {
 public:
  // Whether `line` (without its newline) is the next one: seq and prev fit. Says what does not.
  Status accept(std::string_view line);
  // Lines for events not yet written; the chain itself moves on only with commit(), when they are on disk.
  struct Draft {
    std::uint64_t lines = 0;
    Hash head{};
    std::vector<std::string> ids;
    std::string text;  // whole lines with their newlines
  };
  Draft draft() const { return {lines_, head_, {}, {}}; }
  static void add(Draft& draft, const store::SealedStore::Event& event, std::string_view event_json);
  void commit(Draft draft);
  // Whether this very event is among the newest `remembered_max`: what a crash between fsync and acknowledgement can
  // bring again is at most one batch, so these are many times enough.
  bool has(const store::SealedStore::Event& event) const;
  std::uint64_t lines() const { return lines_; }
  const Hash& head() const { return head_; }

  static constexpr std::size_t remembered_max = 16'384;

 private:
  void remember(std::string id);

  std::uint64_t lines_ = 0;
  Hash head_{};  // SHA-256 of the newest line; zero before the first
  std::deque<std::string> order_;
  std::set<std::string, std::less<>> ids_;
};

// Checks a whole file. The number of lines; invalid names the first line that does not fit. A last line without its
// newline is what a crash leaves and is counted as not there.
struct AuditFileState {
  AuditChain chain;
  std::uint64_t good_bytes = 0;
  std::uint64_t torn_bytes = 0;  // of a last line that never was acknowledged
};
Result<AuditFileState> check_audit_file(const std::string& path);

// The file as the audit actor holds it. Fiber-blocking on the loop.
class AuditFile {
 public:
  // Checks what is there, cuts a torn last line away. invalid: the chain is broken; nobody appends to a file that shows
  // tampering.
  static Result<AuditFile> open(loop::Loop& loop, const std::string& path);
  AuditFile(AuditFile&& other) noexcept;
  AuditFile& operator=(AuditFile&&) = delete;
  ~AuditFile();

  bool has(const store::SealedStore::Event& event) const { return chain_.has(event); }
  // Appends and syncs all of it, or fails and leaves the file as it was for the next try.
  Status append(AuditChain::Draft draft);
  AuditChain::Draft draft() const { return chain_.draft(); }
  std::uint64_t lines() const { return chain_.lines(); }

 private:
  AuditFile(loop::Loop& loop, int file, AuditFileState state);

  loop::Loop* loop_;
  int file_ = -1;
  AuditChain chain_;
  std::uint64_t bytes_ = 0;
};

}  // namespace shearline::actors
