#include "io/front/worker.hpp"

#include "base/arena.hpp"
#include "io/front/acceptor.hpp"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace shearline::front {

// A worker while it runs: everything that belongs to its thread.
class Worker::Service {
 public:
  Service(const Worker& worker, loop::Loop& loop);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void serve();
  void drain();
  void adopt_what_was_dealt_late();

 private:
  void take_turn(std::int64_t wait_ms);
  void serve_unserved();
  void return_receive_buffers();
  void settle_connections();
  void feed_starved();
  void free_released();
  void adopt(int socket);
  void close_all();
  bool work_in_flight() const;
  bool accepting() const { return acceptor_.has_value() && !acceptor_->idle(); }

  const WorkerOptions& options_;
  Front& front_;
  WorkerCounters& counters_;
  loop::Loop& loop_;
  SessionRules rules_;
  Turn turn_;
  Desk desk_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> serving_;  // those that the last turn left unserved
  std::optional<Acceptor> acceptor_;
  bool closing_ = false;  // whoever still comes is closed at once
};

Worker::Service::Service(const Worker& worker, loop::Loop& loop)
    : options_(worker.options_),
      front_(worker.front_),
      counters_(front_.counters(worker.index_)),
      loop_(loop),
      rules_{.gateways = options_.gateways,
             .engine_version = options_.engine_version,
             .backend = loop::name_of(loop_.backend()),
             .partitions = options_.partitions,
             .connections_max = options_.connections_max,
             .unsent_bytes_max = options_.limits.unsent_bytes_max,
             .front = front_,
             .view = worker.view_,
             .clock = worker.clock_,
             .counters = counters_},
      turn_({.worker = worker.index_, .answer_max_age_ms = options_.answer_max_age_ms}, worker.table_,
            worker.view_, worker.clock_, counters_),
      desk_(loop_, turn_, rules_, options_.limits) {
  loop_.on_message([this](std::uint64_t socket) { adopt(static_cast<int>(socket)); });
  if (worker.index_ == 0) {
    acceptor_.emplace(
        loop_, front_,
        Acceptor::Limits{.connections_max = options_.connections_max, .retry_ms = options_.accept_retry_ms},
        options_.listeners);
  }
}

void Worker::Service::serve() {
  if (acceptor_) acceptor_->start();
  while (!front_.stopping()) take_turn(-1);
}

// One turn, and what each step needs from the one before: handlers parse and add checks; the batch is run and
// replies are written; only then may receive buffers be wiped and filled again, and replies be sent.
void Worker::Service::take_turn(std::int64_t wait_ms) {
  ++desk_.turn_number;
  counters_.turns.add(1);
  // What waits for a further turn makes it come at once.
  const bool more_to_do = !desk_.starved.empty() || !desk_.unserved.empty();
  loop_.turn(more_to_do ? 0 : wait_ms);
  serve_unserved();
  turn_.end();
  desk_.served.clear();
  return_receive_buffers();
  settle_connections();
  feed_starved();
  free_released();
}

// After what has just arrived, so that newcomers come first.
void Worker::Service::serve_unserved() {
  serving_.swap(desk_.unserved);
  for (Connection* connection : serving_) connection->serve_rest();
  serving_.clear();
}

void Worker::Service::return_receive_buffers() {
  for (const Desk::HeldBuffer& buffer : desk_.held) desk_.give_back(buffer);
  desk_.held.clear();
}

void Worker::Service::settle_connections() {
  // By index: settling may touch the connection again.
  for (std::size_t i = 0; i < desk_.touched.size(); ++i) desk_.touched[i]->settle();
  desk_.touched.clear();
}

void Worker::Service::feed_starved() {
  const std::size_t fed = std::min<std::size_t>(desk_.starved.size(), loop_.receive_buffers_free());
  if (fed == 0) return;
  const auto end = desk_.starved.begin() + static_cast<std::ptrdiff_t>(fed);
  for (auto connection = desk_.starved.begin(); connection != end; ++connection) {
    (*connection)->receive_again();
  }
  desk_.starved.erase(desk_.starved.begin(), end);
}

void Worker::Service::free_released() {
  for (Connection* connection : desk_.released) {
    const std::size_t index = connection->index;
    connections_.back()->index = index;
    std::swap(connections_[index], connections_.back());
    connections_.pop_back();
    counters_.connections_closed.add(1);
    front_.dismiss_connection();
  }
  desk_.released.clear();
}

void Worker::Service::adopt(int socket) {
  if (closing_) {
    ::close(socket);
    front_.dismiss_connection();
    return;
  }
  auto& connection =
      connections_.emplace_back(std::make_unique<Connection>(socket, front_.next_connection_id(), desk_));
  connection->index = connections_.size() - 1;
  counters_.connections_opened.add(1);
  connection->open();
}

bool Worker::Service::work_in_flight() const {
  return std::ranges::any_of(connections_,
                             [](const auto& connection) { return connection->has_work_in_flight(); });
}

void Worker::Service::drain() {
  if (acceptor_) acceptor_->stop();
  const std::int64_t deadline_ms = loop_.monotonic_ms() + options_.drain_ms;
  take_turn(0);  // what has already arrived is in flight too
  for (std::int64_t left_ms = options_.drain_ms; left_ms > 0 && work_in_flight();
       left_ms = deadline_ms - loop_.monotonic_ms()) {
    take_turn(left_ms);
  }
  close_all();
}

void Worker::Service::close_all() {
  closing_ = true;
  for (const auto& connection : connections_) connection->close();
  settle_connections();
  while (!connections_.empty() || accepting()) take_turn(-1);
}

void Worker::Service::adopt_what_was_dealt_late() {
  while (!front_.dealing_has_ended()) take_turn(-1);
  take_turn(0);
}

Worker::Worker(const WorkerOptions& options, engine::Table& table, const engine::View& view, Clock& clock,
               Front& front, std::size_t index)
    : options_(options),
      table_(table),
      view_(view),
      clock_(clock),
      front_(front),
      index_(index),
      running_(has_begun_.get_future().share()) {}

Status Worker::run() {
  auto loop = loop::make_loop({.backend = options_.backend,
                               .entries = options_.ring_entries,
                               .receive_buffers = options_.receive_buffers,
                               .receive_buffer_bytes = options_.receive_buffer_bytes});
  if (!loop) {
    if (index_ == 0) front_.end_dealing();
    has_begun_.set_value(std::unexpected(loop.error()));
    return std::unexpected(loop.error());
  }
  Service service(*this, **loop);
  front_.enlist(index_, **loop);
  has_begun_.set_value({});
  service.serve();
  service.drain();
  // The one that deals is the last to be reached by the others, and the first to go.
  if (index_ == 0) {
    front_.end_dealing();
  } else {
    service.adopt_what_was_dealt_late();
  }
  front_.withdraw(index_);
  return {};
}

}  // namespace shearline::front
