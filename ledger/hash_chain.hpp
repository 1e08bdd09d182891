// The audit trail in its first form: lines of JSON, each naming the SHA-256 of the line before it, so that a changed,
// removed or inserted line shows. Pure: the audit actor writes the lines to its file, the CLI checks them anywhere
// (trail.hpp). The Merkle tree (RFC 6962) takes its place later.
//
// A line: {"seq":N,"prev":"<hex>","id":"<hex>","partition":p,"counter":c,"index":i,"record":"<hex>","event":{...}}
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace shearline::ledger {

inline constexpr std::size_t line_bytes_max = 4 << 20;  // many times what the largest event takes as JSON

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

// What a line says beside its event.
struct Line {
  std::uint64_t seq = 0;
  std::string prev;  // hex
  std::string id;    // event_id
  Place place;       // without the record's hash, which no reader needs
  TimeMs at_ms = 0;  // of the event; 0: it names none
};
// invalid: not a line of an audit trail.
Result<Line> parse_line(std::string_view text);

class HashChain {
 public:
  HashChain() = default;
  // A chain that goes on after this line, whose own predecessors nobody looked at. invalid: it is no line.
  static Result<HashChain> after(std::string_view line);

  // Takes `line` (without its newline) as the next one. invalid, with the chain as it was: says what does not fit.
  Result<Line> accept(std::string_view line);

  // Lines for events that are not written yet; the chain itself moves on only with commit(), when they are on disk.
  struct Draft {
    struct Written {
      std::string id;
      Place place;
    };
    std::uint64_t lines = 0;
    Hash head{};
    std::deque<Written> events;
    std::set<std::string, std::less<>> ids;
    std::string text;  // whole lines with their newlines
  };
  Draft draft() const { return {lines_, head_, {}, {}, {}}; }
  // Once for each event: one that the draft has already is left out.
  static void add(Draft& draft, const Place& place, ByteView event, std::string_view event_json);
  void commit(Draft draft);

  // Whether this event is in the chain. perhaps: it is not among the newest `remembered_max`, and stood in the outbox no
  // further than what is; only a store that went backwards brings such an event, and only the file can tell.
  enum class Recall { written, not_written, perhaps };
  Recall recall(std::string_view event_id, const Place& place) const;

  std::uint64_t lines() const { return lines_; }
  const Hash& head() const { return head_; }  // of the newest line; zero before the first

  // A crash between sync and acknowledgement brings at most one batch again, so these are many times enough.
  static constexpr std::size_t remembered_max = 16'384;

 private:
  void remember(std::string id, const Place& place);

  using Reached = std::pair<std::uint64_t, std::uint32_t>;  // counter, index

  std::uint64_t lines_ = 0;
  Hash head_{};
  std::deque<std::string> order_;
  std::set<std::string, std::less<>> ids_;
  std::map<unsigned, Reached> furthest_;  // by partition, of what was remembered
};

}  // namespace shearline::ledger
