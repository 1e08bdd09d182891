#include "io/front/connection.hpp"

#include "base/arena.hpp"
#include "base/check.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace shearline::front {

void Desk::answer_now() {
  turn.resolve();
  for (Connection* connection : served) connection->send_early();
  served.clear();
  loop.submit();
}

Connection::Connection(int socket, std::uint64_t id, Desk& desk)
    : socket_(socket),
      desk_(desk),
      replies_(desk.buffers),
      session_(desk.rules, replies_, id),
      receive_(*this, [](loop::Operation* op, int result,
                         std::uint32_t flags) { of(op).on_received(result, flags); }),
      send_(*this, [](loop::Operation* op, int result, std::uint32_t) { of(op).on_sent(result); }),
      shut_(*this, [](loop::Operation* op, int, std::uint32_t) { of(op).on_shut(); }),
      close_(*this,
             [](loop::Operation* op, int, std::uint32_t) {
               Connection& connection = of(op);
               connection.phase_ = Phase::released;
               connection.desk_.released.push_back(&connection);
             }),
      timer_(*this),
      block_(*this) {
  block_.overdue = [](BlockUnderWay* block) { static_cast<Block*>(block)->connection.cut_off(); };
  timer_.expire = [](loop::Timer* timer) { static_cast<Timer*>(timer)->connection.expire(); };
}

Connection::~Connection() {
  SHEARLINE_CHECK(phase_ == Phase::released);
  SHEARLINE_CHECK(!is_reading() && !send_.in_flight && !shut_.in_flight);
}

void Connection::open() { start_reading(); }

bool Connection::has_work_in_flight() const {
  return phase_ == Phase::flushing ||
         (phase_ == Phase::open && (session_.inside_request() || unsent() > 0 || !unserved_.empty()));
}

void Connection::touch() {
  if (touched_) return;
  touched_ = true;
  desk_.touched.push_back(this);
}

void Connection::start_reading() {
  desk_.loop.receive_multishot(socket_, receive_);
  reading_ = Reading::running;
}

void Connection::stop_reading() {
  if (reading_ != Reading::running) return;
  reading_ = Reading::stopping;
  desk_.loop.cancel(receive_);
}

void Connection::on_received(int result, std::uint32_t flags) {
  if ((flags & loop::completion_more) == 0) reading_ = Reading::stopped;
  if ((flags & loop::completion_buffer) != 0) {
    take_bytes({loop::buffer_of(flags), result > 0 ? static_cast<std::uint32_t>(result) : 0});
  }
  if (result == 0) {
    reading_ = Reading::ended;
  } else if (result == -ENOBUFS) {
    reading_ = Reading::starved;
    desk_.starved.push_back(this);
  } else if (result < 0 && result != -ECANCELED) {
    close();  // the socket is broken; there is nobody to tell
  }
  touch();
}

void Connection::take_bytes(const Desk::HeldBuffer& arrived) {
  desk_.rules.counters.received_bytes.add(arrived.bytes);
  if (phase_ != Phase::open) {
    desk_.held.push_back(arrived);  // nobody reads it any more
  } else if (unserved_.empty() && may_be_served()) {
    serve(arrived);
  } else {
    unserved_.push_back(arrived);
    ask_for_next_turn();
  }
}

bool Connection::may_be_served() {
  if (served_in_turn_ != desk_.turn_number) {
    served_in_turn_ = desk_.turn_number;
    served_bytes_ = 0;
  }
  return served_bytes_ < desk_.limits.turn_bytes_max;
}

void Connection::serve(const Desk::HeldBuffer& arrived) {
  served_bytes_ += arrived.bytes;
  desk_.held.push_back(arrived);
  session_.receive(desk_.loop.receive_buffer(arrived.id).first(arrived.bytes), desk_.turn);
  if (desk_.served.empty() || desk_.served.back() != this) desk_.served.push_back(this);
  const bool is_enough = desk_.turn.checks_waiting() >= desk_.limits.checks_waiting_max;
  if (is_enough && !session_.inside_request()) desk_.answer_now();
}

void Connection::ask_for_next_turn() {
  if (asked_for_turn_) return;
  asked_for_turn_ = true;
  desk_.unserved.push_back(this);
}

void Connection::serve_rest() {
  asked_for_turn_ = false;
  std::size_t served = 0;
  while (served < unserved_.size() && phase_ == Phase::open && may_be_served()) serve(unserved_[served++]);
  unserved_.erase(unserved_.begin(), unserved_.begin() + static_cast<std::ptrdiff_t>(served));
  if (!unserved_.empty()) ask_for_next_turn();
  touch();
}

void Connection::drop_unserved() {
  for (const Desk::HeldBuffer& buffer : unserved_) desk_.give_back(buffer);
  unserved_.clear();
}

void Connection::cut_off() {
  desk_.rules.counters.slow_readers_closed.add(1);
  close();
}

void Connection::on_sent(int result) {
  send_.in_flight = false;
  if (result < 0) {
    close();
  } else {
    sent_bytes_ += static_cast<std::size_t>(result);
    desk_.rules.counters.sent_bytes.add(static_cast<std::uint64_t>(result));
    if (sent_bytes_ == sending_.size()) {
      desk_.slow_readers.end(block_);
      desk_.buffers.give(std::exchange(sending_, {}));
      sent_bytes_ = 0;
    }
  }
  touch();
}

void Connection::on_shut() {
  shut_.in_flight = false;
  touch();
}

void Connection::settle() {
  touched_ = false;
  if (phase_ >= Phase::canceling) return close_step();
  if (unsent() > desk_.limits.unsent_bytes_cut_off) return cut_off();
  if (session_.finished()) drop_unserved();
  if (phase_ == Phase::open && (session_.finished() || (reading_ == Reading::ended && unserved_.empty())))
    phase_ = Phase::flushing;
  send_more();
  if (phase_ == Phase::flushing && all_sent()) {
    if (reading_ == Reading::ended) return close();
    shut_our_side();
  }
  if (phase_ == Phase::lingering && reading_ == Reading::ended && !shut_.in_flight) return close();
  mind_reading();
  mind_deadline();
}

void Connection::send_early() {
  if (phase_ == Phase::open) send_more();
}

void Connection::send_more() {
  if (send_.in_flight) return;
  if (sending_.empty()) {
    if (!replies_.ready()) return;
    sending_ = replies_.take_finished();
    desk_.slow_readers.begin(block_);
  }
  send_.in_flight = true;
  desk_.loop.send(socket_, ByteView(sending_).subspan(sent_bytes_), send_);
}

// Closing at once, with bytes of the peer unread, would reset the connection and could take our last words
// with it. So: shut our side, read and drop, until the peer has closed or the linger time is over.
void Connection::shut_our_side() {
  phase_ = Phase::lingering;
  shut_.in_flight = true;
  desk_.loop.shutdown(socket_, SHUT_WR, shut_);
}

void Connection::mind_reading() {
  const std::size_t most = desk_.limits.unsent_bytes_max;
  paused_ = phase_ == Phase::open && send_.in_flight && unsent() > (paused_ ? most / 2 : most);
  if (paused_ || !unserved_.empty()) {
    stop_reading();
  } else if (reading_ == Reading::stopped) {
    start_reading();
  }
}

void Connection::receive_again() {
  reading_ = Reading::stopped;
  if (phase_ < Phase::canceling) mind_reading();
}

void Connection::mind_deadline() {
  Deadline wanted = Deadline::none;
  std::uint64_t subject = 0;
  std::int64_t delay_ms = 0;
  if (phase_ == Phase::lingering) {
    wanted = Deadline::linger;
    delay_ms = desk_.limits.linger_ms;
  } else if (phase_ == Phase::open && session_.inside_request() && !paused_ && unserved_.empty()) {
    wanted = Deadline::unfinished_request;
    subject = session_.requests_ended();
    delay_ms = desk_.limits.unfinished_request_ms;
  }
  if (wanted == deadline_ && subject == deadline_subject_) return;
  deadline_ = wanted;
  deadline_subject_ = subject;
  if (wanted == Deadline::none) {
    desk_.loop.stop_timer(timer_);
  } else {
    desk_.loop.start_timer(timer_, desk_.loop.monotonic_ms() + delay_ms);
  }
}

void Connection::expire() {
  if (deadline_ == Deadline::unfinished_request) {
    session_.time_out(desk_.turn);
  } else {
    close();
  }
  deadline_ = Deadline::none;
  touch();
}

void Connection::close() {
  if (phase_ >= Phase::canceling) return;
  phase_ = Phase::canceling;
  desk_.loop.stop_timer(timer_);
  desk_.slow_readers.end(block_);
  drop_unserved();
  stop_reading();
  if (send_.in_flight) desk_.loop.cancel(send_);
  touch();
}

// A descriptor is closed only when no operation names it any more; closing alone would cancel nothing.
void Connection::close_step() {
  if (phase_ != Phase::canceling || is_reading() || send_.in_flight || shut_.in_flight) return;
  if (reading_ == Reading::starved) std::erase(desk_.starved, this);
  if (asked_for_turn_) std::erase(desk_.unserved, this);
  phase_ = Phase::closing;
  desk_.loop.close(socket_, close_);
}

}  // namespace shearline::front
