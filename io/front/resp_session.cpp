#include "io/front/resp_session.hpp"

#include "base/arena.hpp"

#include <algorithm>
#include <string_view>

namespace shearline::front {
namespace {

// Only what cannot be a secret is repeated to its sender: the name of a command somebody hoped for.
bool may_be_repeated(Argument name) {
  constexpr std::size_t shown_bytes_max = 15;
  const bool is_a_word = std::ranges::all_of(
      name.bytes, [](Byte byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); });
  return is_a_word && name.bytes.size() <= shown_bytes_max;
}

bool is_bulk_check(Command command) { return command == Command::mverify || command == Command::mverifykey; }

std::size_t checks_in(Command command, std::size_t arguments) {
  return command == Command::mverify ? arguments / 2 : arguments;
}

}  // namespace

RespSession::RespSession(const SessionRules& rules, Replies& replies, std::uint64_t connection_id)
    : rules_(rules), replies_(replies) {
  client_.id = connection_id;
}

RespSession::~RespSession() { forget_client_id(); }

void RespSession::receive(ByteView received, Turn& turn) {
  using Event = wire::RespParser::Event;
  parser_.feed(received);
  while (!finished_) {
    if (reads_pairs()) take_pairs(turn);
    switch (parser_.next()) {
      case Event::need_more:
        if (has_client_id_ && !client_id_is_held_) hold_client_id(client_id_);
        return;
      case Event::array:
        argument_index_ = 0;
        break;
      case Event::argument:
        take_argument({parser_.argument(), !parser_.argument_is_transient()}, turn);
        break;
      case Event::oversized_argument:
        // Empty is as malformed as too long, and needs no bytes.
        argument_too_long_ = true;
        if (collected_ != nullptr) collected_->overflow();
        take_argument({}, turn);
        break;
      case Event::fault:
        end_by_fault(turn, parser_.fault());
        break;
    }
  }
}

void RespSession::time_out(Turn& turn) { end_by_fault(turn, "the rest of a request did not arrive in time"); }

void RespSession::end_by_fault(Turn& turn, std::string_view why) {
  rules_.counters.protocol_errors.add(1);
  turn.abandon(replies_);
  turn.say(replies_, Ends::reply,
           [why](Bytes& out) { wire::write_error(out, {"ERR Protocol error: ", why}); });
  forget_client_id();
  collected_.reset();
  finished_ = true;
}

void RespSession::take_argument(Argument argument, Turn& turn) {
  if (argument_index_ == 0) {
    begin_request(argument, turn);
  } else if (!dropping_) {
    switch (command_) {
      case Command::mverify:
      case Command::verify:
      case Command::explain:
        take_pair_half(argument, turn);
        break;
      case Command::verifykey:
        turn.verify_key(replies_, argument);
        break;
      case Command::mverifykey:
        turn.check_key(replies_, argument);
        break;
      case Command::ping:
      case Command::echo:
        echo(argument, turn);
        break;
      default:
        if (collected_ != nullptr) collected_->add(argument.bytes);
    }
  }
  if (++argument_index_ == parser_.array_items()) end_request(turn);
}

bool RespSession::reads_pairs() const {
  return command_ == Command::mverify && argument_index_ > 0 && !dropping_ && !has_client_id_;
}

void RespSession::take_pairs(Turn& turn) {
  const std::size_t pairs = turn.check_pairs(replies_, [this](ByteView& client_id, ByteView& secret) {
    return parser_.next_pair(client_id, secret);
  });
  if (pairs == 0) return;
  argument_index_ += 2 * pairs;
  if (argument_index_ == parser_.array_items()) end_request(turn);
}

void RespSession::take_pair_half(Argument argument, Turn& turn) {
  if (has_client_id_) {
    check({client_id_, !client_id_is_held_}, argument, turn);
    forget_client_id();
  } else if (argument.stable) {
    client_id_ = argument.bytes;
    has_client_id_ = true;
  } else {
    hold_client_id(argument.bytes);
  }
}

void RespSession::check(Argument client_id, Argument secret, Turn& turn) {
  if (command_ == Command::mverify) return turn.check_pair(replies_, client_id, secret);
  if (command_ == Command::verify) return turn.verify_pair(replies_, client_id, secret);
  turn.explain_pair(replies_, client_id, secret, client_.version);
}

void RespSession::begin_request(Argument name, Turn& turn) {
  rules_.counters.commands.add(1);
  argument_too_long_ = false;
  const CommandSpec* spec = find_command(name.bytes);
  dropping_ = refuse(spec, name, turn);
  if (dropping_) return;
  command_ = spec->command;
  if (is_bulk_check(command_)) {
    const std::size_t checks = checks_in(command_, parser_.array_items() - 1);
    turn.say(replies_, Ends::nothing, [checks](Bytes& out) { wire::write_bulk_header(out, checks); });
  } else if (command_ >= Command::hello && command_ <= Command::select) {
    collected_ = std::make_unique<CollectedArguments>();
  }
}

bool RespSession::refuse(const CommandSpec* spec, Argument name, Turn& turn) {
  // In parts, because a text of their own would be allocated.
  const auto refuse_with = [&](std::initializer_list<std::string_view> parts) {
    rules_.counters.command_errors.add(1);
    say_error(turn, parts);
    return true;
  };
  const std::size_t arguments = parser_.array_items() - 1;
  if (spec == nullptr) {
    if (!may_be_repeated(name)) return refuse_with({"ERR unknown command"});
    return refuse_with({"ERR unknown command '", as_text(name.bytes), "'"});
  }
  if (spec->access == Access::gateways && !client_.may_verify(rules_)) {
    return refuse_with({"NOAUTH Authentication required: AUTH <gateway> <token>"});
  }
  if (arguments < spec->arguments_min || arguments > spec->arguments_max)
    return refuse_with({"ERR wrong number of arguments for '", spec->name, "' command"});
  if (spec->command == Command::mverify && arguments % 2 != 0) {
    return refuse_with(
        {"ERR wrong number of arguments for '", spec->name, "' command: each client id needs its secret"});
  }
  if (is_bulk_check(spec->command) && checks_in(spec->command, arguments) > checks_per_request_max) {
    return refuse_with({"ERR at most 4096 checks in one '", spec->name, "' command"});
  }
  if (is_check(spec->command) && rules_.front.stopping()) {
    say_error(turn, {"UNAVAILABLE stopping"});
    return true;
  }
  // The one reply that is much longer than its request.
  if (spec->command == Command::info && replies_.unsent() > rules_.unsent_bytes_max) {
    return refuse_with({"ERR read your replies first"});
  }
  return false;
}

void RespSession::end_request(Turn& turn) {
  ++requests_ended_;
  if (dropping_) return;
  switch (command_) {
    case Command::mverify:
    case Command::mverifykey:
      return turn.say(replies_, Ends::reply, [](Bytes& out) { wire::write_crlf(out); });
    case Command::ping:
      if (parser_.array_items() == 1) {
        turn.say(replies_, Ends::reply, [](Bytes& out) { wire::write_simple(out, "PONG"); });
      }
      return;
    case Command::quit:
      finished_ = true;
      return turn.say(replies_, Ends::reply, [](Bytes& out) { wire::write_simple(out, "OK"); });
    case Command::reset: {
      const std::uint64_t id = client_.id;
      client_ = {};
      client_.id = id;
      return turn.say(replies_, Ends::reply, [](Bytes& out) { wire::write_simple(out, "RESET"); });
    }
    default:
      break;
  }
  if (collected_ == nullptr) return;
  turn.say(replies_, Ends::reply,
           [this](Bytes& out) { answer_client_command(command_, *collected_, client_, rules_, out); });
  collected_.reset();
}

void RespSession::echo(Argument argument, Turn& turn) {
  if (argument_too_long_) return say_error(turn, {"ERR too long: at most 640 bytes are echoed here"});
  turn.say(replies_, Ends::reply, [argument](Bytes& out) { wire::write_bulk(out, argument.bytes); });
}

void RespSession::say_error(Turn& turn, std::initializer_list<std::string_view> parts) {
  turn.say(replies_, Ends::reply, [parts](Bytes& out) { wire::write_error(out, parts); });
}

void RespSession::hold_client_id(ByteView client_id) {
  held_bytes_ = std::min(client_id.size(), held_.size());
  std::ranges::copy(client_id.first(held_bytes_), held_.begin());
  client_id_ = ByteView(held_).first(held_bytes_);
  has_client_id_ = client_id_is_held_ = true;
}

void RespSession::forget_client_id() {
  if (client_id_is_held_) wipe(ByteSpan(held_).first(held_bytes_));
  has_client_id_ = client_id_is_held_ = false;
}

}  // namespace shearline::front
