// What one RESP connection says, turned into checks and replies: frames, arity, limits, commands. Pairs are
// added to the turn as they arrive, however long their request is. Used by Connection; knows no sockets.
#pragma once

#include "io/front/client.hpp"
#include "io/front/commands.hpp"
#include "io/front/replies.hpp"
#include "io/front/turn.hpp"
#include "io/wire/resp.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace shearline::front {

// Holds between turns: one unfinished argument (in the parser), a client id whose secret has not arrived,
// and, in Replies, the verdict bytes of an unfinished request. All wiped.
//
// Lifecycle: as long as its connection. Owner and thread: its connection's worker.
class RespSession {
 public:
  RespSession(const SessionRules& rules, Replies& replies, std::uint64_t connection_id);
  ~RespSession();
  RespSession(const RespSession&) = delete;
  RespSession& operator=(const RespSession&) = delete;

  // `received` must stay until the turn's end. Afterwards nothing of it is referred to.
  void receive(ByteView received, Turn& turn);
  // Half a request has been here for too long.
  void time_out(Turn& turn);

  bool finished() const { return finished_; }  // QUIT or broken framing: replies go out, nothing more is read
  bool inside_request() const { return parser_.inside_request() && !finished_; }
  std::uint64_t requests_ended() const { return requests_ended_; }
  const Client& client() const { return client_; }

 private:
  void begin_request(Argument name, Turn& turn);
  // Says the error that this request deserves as a whole; false: none.
  bool refuse(const CommandSpec* spec, Argument name, Turn& turn);
  void take_argument(Argument argument, Turn& turn);
  bool reads_pairs() const;
  void take_pairs(Turn& turn);  // all that have arrived whole
  void take_pair_half(Argument argument, Turn& turn);
  void end_request(Turn& turn);
  void check(Argument client_id, Argument secret, Turn& turn);
  void echo(Argument argument, Turn& turn);
  void say_error(Turn& turn, std::initializer_list<std::string_view> parts);
  void end_by_fault(Turn& turn, std::string_view why);
  void hold_client_id(ByteView client_id);
  void forget_client_id();

  const SessionRules& rules_;
  Replies& replies_;
  wire::RespParser parser_;
  Client client_;

  // The request that is being read.
  std::size_t argument_index_ = 0;  // of the next argument; 0: the command's name
  Command command_ = Command::ping;
  bool dropping_ = false;           // refused: its arguments are read and dropped
  bool argument_too_long_ = false;  // of ECHO or PING
  bool finished_ = false;
  std::uint64_t requests_ended_ = 0;
  std::unique_ptr<CollectedArguments> collected_;

  // The client id of a pair whose secret has not arrived: in the receive buffer, from the turn's end in
  // held_.
  bool has_client_id_ = false;
  bool client_id_is_held_ = false;
  ByteView client_id_;
  std::size_t held_bytes_ = 0;
  std::array<Byte, engine::client_id_bytes_max + 1> held_;  // one more: too long stays too long
};

}  // namespace shearline::front
