// One connected socket of a worker: bytes in to the session, replies out in order, and an end that loses
// nothing. Used by Worker; knows operations and deadlines, not commands.
#pragma once

#include "base/arena.hpp"
#include "io/front/replies.hpp"
#include "io/front/resp_session.hpp"
#include "io/front/slow_readers.hpp"
#include "io/front/turn.hpp"
#include "io/loop/loop.hpp"

#include <cstdint>
#include <vector>

namespace shearline::front {

class Connection;

struct ConnectionLimits {
  // Served to one connection in one turn, give or take a receive buffer; what else has arrived is served in the
  // next turns, so that one long pipeline holds nobody up.
  std::size_t turn_bytes_max = 128 * 1024;
  // Answered as soon as so many checks wait at the end of a request: who comes first in a long turn need not wait for the
  // last. Enough for the lanes, and an answer of one connection is still one send.
  std::size_t checks_waiting_max = 512;
  // Beyond it the connection is not read, until half is sent; what has arrived by then is still served.
  std::size_t unsent_bytes_max = 256 * 1024;
  // Reached only by who asks for much longer answers than verdicts and reads none: closed.
  std::size_t unsent_bytes_cut_off = 4 * 1024 * 1024;
  std::int64_t unfinished_request_ms = 10'000;
  std::int64_t unread_replies_ms = 60'000;  // a block of replies not wholly taken for so long: closed
  std::int64_t linger_ms = 1'000;           // after our last word, for the peer to read it and close
};

// What the connections of one worker share; everything here belongs to its thread.
struct Desk {
  Desk(loop::Loop& its_loop, Turn& its_turn, const SessionRules& its_rules,
       const ConnectionLimits& its_limits)
      : loop(its_loop),
        turn(its_turn),
        rules(its_rules),
        limits(its_limits),
        slow_readers(its_loop, its_limits.unread_replies_ms) {}

  struct HeldBuffer {
    std::uint16_t id;
    std::uint32_t bytes;
  };

  // In the middle of a turn: what has been asked so far is decided, and its answers leave at once.
  void answer_now();

  void give_back(const HeldBuffer& buffer) {
    wipe(loop.receive_buffer(buffer.id).first(buffer.bytes));
    loop.return_receive_buffer(buffer.id);
  }

  loop::Loop& loop;
  Turn& turn;
  const SessionRules& rules;
  const ConnectionLimits& limits;
  BufferPool buffers;
  SlowReaders slow_readers;
  std::uint64_t turn_number = 0;
  std::vector<Connection*> served;    // in this turn, and perhaps not answered yet
  std::vector<Connection*> touched;   // something happened: settle() at the turn's end
  std::vector<Connection*> starved;   // no receive buffer was left for them
  std::vector<Connection*> unserved;  // bytes of theirs wait for the next turn
  std::vector<Connection*> released;  // closed, every operation complete: free at the turn's end
  std::vector<HeldBuffer> held;       // receive buffers whose bytes this turn still refers to
};

// Lifecycle: made by the worker for a socket it was dealt; begins to close by the peer's wish, by QUIT, by a
// fault, by a deadline or with the worker; the kernel may still hold its operations then, so it reports
// itself in Desk::released after the last completion, and only then may it be destroyed.
// Owner: the worker. Thread: the worker's.
class Connection {
 public:
  Connection(int socket, std::uint64_t id, Desk& desk);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void open();                      // starts receiving
  void send_early();                // while the turn goes on: what is answered
  void settle();                    // after the turn is resolved: sends, stops or resumes reading, ends
  void receive_again();             // receive buffers came back
  void serve_rest();                // a new turn: what the last one left
  void close();                     // now: whatever is unsent is given up
  bool has_work_in_flight() const;  // half a request, or replies that are not sent

  std::size_t index = 0;  // the worker's: where it stands in its list

 private:
  enum class Phase : std::uint8_t {
    open,
    flushing,   // nothing more is asked; replies go out
    lingering,  // our side is shut; what the peer still sends is dropped until it closes too
    canceling,  // nothing is wanted any more; operations are being canceled
    closing,    // no operation names the socket but its close
    released,
  };
  // What comes in; whether it is wanted, mind_reading() decides.
  enum class Reading : std::uint8_t {
    stopped,   // nothing is asked of the kernel
    running,   // whatever comes is taken
    stopping,  // canceled, but not over: what still comes is kept
    starved,   // over for want of a receive buffer: in Desk::starved until there is one
    ended,     // the peer has closed
  };
  // At most one at a time: what the connection waits for says which.
  enum class Deadline : std::uint8_t { none, unfinished_request, linger };
  struct Operation : loop::Operation {
    Operation(Connection& whose, void (*handler)(loop::Operation*, int, std::uint32_t)) : connection(whose) {
      complete = handler;
    }
    Connection& connection;
    bool in_flight = false;  // of send and shutdown; reading_ and phase_ say it of the others
  };
  struct Timer : loop::Timer {
    explicit Timer(Connection& whose) : connection(whose) {}
    Connection& connection;
  };

  struct Block : BlockUnderWay {
    explicit Block(Connection& whose) : connection(whose) {}
    Connection& connection;
  };

  static Connection& of(loop::Operation* operation) { return static_cast<Operation*>(operation)->connection; }
  void on_received(int result, std::uint32_t flags);
  void take_bytes(const Desk::HeldBuffer& arrived);
  void serve(const Desk::HeldBuffer& arrived);
  bool may_be_served();
  void ask_for_next_turn();
  void drop_unserved();
  void cut_off();
  void on_sent(int result);
  void on_shut();
  void touch();
  void start_reading();
  void stop_reading();
  bool is_reading() const { return reading_ == Reading::running || reading_ == Reading::stopping; }
  void send_more();
  void shut_our_side();
  void mind_reading();
  void mind_deadline();
  void expire();
  void close_step();
  bool all_sent() const { return sending_.empty() && !replies_.ready(); }
  std::size_t unsent() const { return sending_.size() - sent_bytes_ + replies_.unsent(); }

  const int socket_;
  Desk& desk_;
  Replies replies_;
  RespSession session_;
  Phase phase_ = Phase::open;
  Reading reading_ = Reading::stopped;
  bool paused_ = false;          // too much is unsent
  bool touched_ = false;         // in Desk::touched
  bool asked_for_turn_ = false;  // in Desk::unserved
  Bytes sending_;
  std::size_t sent_bytes_ = 0;
  Operation receive_;
  Operation send_;
  Operation shut_;
  Operation close_;
  Timer timer_;
  Deadline deadline_ = Deadline::none;
  std::uint64_t deadline_subject_ = 0;  // which request the deadline is about
  Block block_;
  std::vector<Desk::HeldBuffer> unserved_;  // arrived beyond the budget, in order
  std::uint64_t served_in_turn_ = 0;        // the turn that served_bytes_ is about
  std::size_t served_bytes_ = 0;
};

}  // namespace shearline::front
