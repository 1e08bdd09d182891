// What one turn of a worker's loop gathers: every check of every connection in one engine::Batch, and the
// replies that wait for it, in the order of the requests. Sessions add, the worker resolves at the end of the
// turn. Knows no sockets and no commands.
#pragma once

#include "base/clock.hpp"
#include "engine/batch.hpp"
#include "io/front/counters.hpp"
#include "io/front/replies.hpp"
#include "io/wire/resp.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace shearline::front {

// An argument of a request. Stable: its bytes stay where they are until the end of the turn (they lie in a
// receive buffer). Otherwise the turn keeps a copy, wiped when it is hashed.
struct Argument {
  ByteView bytes;
  bool stable = true;
};

// Where a piece of a reply ends.
enum class Ends : std::uint8_t { reply, nothing };

// Lifecycle: one per worker, for as long as it runs. Owner and thread: the worker.
class Turn {
 public:
  struct Options {
    std::size_t worker = 0;             // reader slot of the table
    TimeMs answer_max_age_ms = 60'000;  // ceiling of EXPLAIN's max_age_ms
  };
  Turn(const Options& options, engine::Table& table, const engine::View& view, Clock& clock,
       WorkerCounters& counters);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // A reply, or a part of one, that needs no check: write(Bytes&) appends it.
  template <class Write>
  void say(Replies& to, Ends ends, Write&& write) {
    const std::size_t from = text_.size();
    write(text_);
    add_text(to, ends, from);
  }
  // Takes back a reply that say(nothing) and the checks began and nothing has finished.
  void abandon(Replies& to);

  void verify_pair(Replies& to, Argument client_id, Argument secret);  // a whole reply: +current
  void verify_key(Replies& to, Argument api_key);
  void check_pair(Replies& to, Argument client_id, Argument secret);  // one verdict byte
  void check_key(Replies& to, Argument api_key);
  // check_pair() for stable arguments, as long as next(client_id, secret) yields them; how many.
  template <class Next>
  std::size_t check_pairs(Replies& to, Next&& next) {
    ByteView client_id;
    ByteView secret;
    std::size_t pairs = 0;
    while (next(client_id, secret)) {
      make_room();
      const std::size_t first = batch_.add_pair(client_id, secret);
      const std::size_t room = engine::batch_checks_max - first;
      std::size_t count = 1;
      for (; count < room && next(client_id, secret); ++count) batch_.add_pair(client_id, secret);
      add(to, Kind::verdict_bytes, first, count);
      pairs += count;
    }
    return pairs;
  }
  void explain_pair(Replies& to, Argument client_id, Argument secret, wire::RespVersion version);

  std::size_t checks_waiting() const { return batch_.size(); }
  // Runs the batch, writes all replies to where they belong, wipes what was kept. Also happens by itself when
  // the batch is full, so stable bytes may be read earlier but never later than the turn's end.
  void resolve();
  // resolve(), and the table's reader slot is left: nothing found in this turn is used in the next.
  void end();

 private:
  enum class Kind : std::uint8_t {
    text,
    text_ending_reply,
    verdict_replies,
    verdict_bytes,
    explanation,
    abandoned
  };
  struct Pending {
    Replies* to;
    std::uint32_t first;  // check index, or offset into text_
    std::uint32_t count;
    Kind kind;
    wire::RespVersion version = wire::RespVersion::resp2;
  };

  std::size_t add_pair(Argument client_id, Argument secret);
  std::size_t add_key(Argument api_key);
  void make_room();
  ByteView keep(Argument argument);
  void add_text(Replies& to, Ends ends, std::size_t from);
  void add(Replies& to, Kind kind, std::size_t first, std::size_t count);
  void run_batch();
  void write(const Pending& pending);
  void write_verdict_replies(const Pending& pending);
  void write_verdict_bytes(const Pending& pending);
  void write_explanation(const Pending& pending);

  // Two arguments of one check at most are kept; beyond this many bytes the turn resolves early.
  static constexpr std::size_t kept_bytes_max = 64 * 1024;

  const Options options_;
  engine::Table& table_;
  const engine::View& view_;
  Clock& clock_;
  WorkerCounters& counters_;
  engine::Batch batch_;
  std::vector<Pending> pending_;
  Bytes text_;
  std::unique_ptr<std::array<Byte, kept_bytes_max>> kept_;
  std::size_t kept_bytes_ = 0;
  TimeMs resolved_at_ms_ = 0;
  bool was_loaded_ = false;  // the view, when the batch was run
  bool in_table_ = false;
};

}  // namespace shearline::front
