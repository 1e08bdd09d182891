// The audit trail in its first form: lines of JSON, each naming the SHA-256 of the line before it, so that a changed,
// removed or inserted line shows. Pure: the audit actor writes the lines to its file, the CLI checks them anywhere. The
// Merkle tree (RFC 6962) takes its place later.
//
// A line: {"seq":N,"prev":"<hex>","id":"<hex>","partition":p,"counter":c,"index":i,"record":"<hex>","event":{...}}
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <deque>
#include <istream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::ledger {

// Where an event stood in the store's outbox, and the hash of the record it was written with.
struct Place {
  unsigned partition = 0;
  std::uint64_t counter = 0;
  std::uint32_t index = 0;
  Hash record_hash{};
};
// What makes an event this one and no other: its bytes, which hold an id of its own. Not its place, for an event that is
// put back into a store that lost it stands somewhere else. 32 hex digits.
std::string event_id(ByteView event);

class HashChain {
 public:
  // Takes `line` (without its newline) as the next one. invalid, with the chain as it was: says what does not fit.
  Status accept(std::string_view line);

  // Lines for events that are not written yet; the chain itself moves on only with commit(), when they are on disk.
  struct Draft {
    std::uint64_t lines = 0;
    Hash head{};
    std::vector<std::string> ids;
    std::string text;  // whole lines with their newlines
  };
  Draft draft() const { return {lines_, head_, {}, {}}; }
  static void add(Draft& draft, const Place& place, ByteView event, std::string_view event_json);
  void commit(Draft draft);

  // Whether this event is among the newest `remembered_max`: what a crash between sync and acknowledgement can bring again
  // is at most one batch, so these are many times enough.
  bool has(std::string_view event_id) const { return ids_.contains(event_id); }
  std::uint64_t lines() const { return lines_; }
  const Hash& head() const { return head_; }  // of the newest line; zero before the first

  static constexpr std::size_t remembered_max = 16'384;

 private:
  void remember(std::string id);

  std::uint64_t lines_ = 0;
  Hash head_{};
  std::deque<std::string> order_;
  std::set<std::string, std::less<>> ids_;
};

// A whole file read through a chain. A last line without its newline is what a crash leaves; it was never acknowledged and
// is counted as not there.
struct ChainState {
  HashChain chain;
  std::uint64_t good_bytes = 0;
  std::uint64_t torn_bytes = 0;
};
// invalid: names the first line that does not fit.
Result<ChainState> read_chain(std::istream& in);

}  // namespace shearline::ledger
