// The file of the audit trail: a hash chain (ledger/hash_chain.hpp) on disk, appended and synced in batches. Used by the
// audit actor only; knows nothing of actors.
#pragma once

#include "base/error.hpp"
#include "io/loop/loop.hpp"
#include "ledger/hash_chain.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace shearline::actors {

// Fiber-blocking on the loop. Holds a lock on the file, so that two engines never share a data folder.
class AuditFile {
 public:
  // Checks what is there and cuts a torn last line away. invalid: the chain is broken; nobody appends to a file that shows
  // tampering. conflict: another engine has it.
  static Result<AuditFile> open(loop::Loop& loop, const std::string& path);
  AuditFile(AuditFile&& other) noexcept;
  AuditFile& operator=(AuditFile&&) = delete;
  ~AuditFile();

  const ledger::HashChain& chain() const { return chain_; }
  // Appends and syncs all of it, or fails and leaves the file as it was for the next try.
  Status append(ledger::HashChain::Draft draft);

 private:
  AuditFile(loop::Loop& loop, int file, ledger::ChainState state);

  loop::Loop* loop_;
  int file_ = -1;
  ledger::HashChain chain_;
  std::uint64_t bytes_ = 0;
};

}  // namespace shearline::actors
