// How actors get their messages: a bounded queue owned by one fiber, with a declared reaction when it is
// full. Everything happens on the thread of the loop: other fibers of it send. Knows nothing of what the messages mean
// (messages.hpp).
#pragma once

#include "io/loop/fiber_scheduler.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace shearline::actors {

// What happens to a message that meets a full mailbox.
enum class WhenFull {
  undeclared,
  wait,         // the sending fiber waits for room; only along admin -> rotation -> distribution -> audit
  shed,         // it is refused, and the sender is told
  drop_oldest,  // it takes the place of the oldest one
};

// A control message passes all others and is never dropped; few are under way at a time.
inline constexpr std::size_t control_messages_max = 16;

// Owner: one actor's fiber, which alone calls receive(). Destroy it after its senders and after the owner's fiber.
template <class Message, std::size_t limit = 0, WhenFull when_full = WhenFull::undeclared>
class Mailbox {
  static_assert(limit > 0, "a mailbox needs a limit: Mailbox<Message, limit, WhenFull::...>");
  static_assert(when_full != WhenFull::undeclared,
                "a mailbox needs a reaction when it is full: WhenFull::wait, shed or drop_oldest");

 public:
  explicit Mailbox(loop::Loop& loop) : arrived_(loop), room_(loop) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // False: the message was not taken, because the mailbox is closed or (shed) full; it is destroyed.
  bool send(Message message);
  // Served before everything else, and not counted against the limit. False: closed, or too many under way.
  bool send_control(Message message);

  // The next message; empty when the mailbox is closed and drained, or the deadline (loop.monotonic_ms(), -1:
  // none) has passed.
  std::optional<Message> receive(std::int64_t deadline_ms = -1);

  // No new messages; the owner still gets those already inside, then receive() returns nothing.
  void close();
  bool closed() const { return closed_; }

  std::uint64_t messages_lost() const { return lost_; }  // shed or dropped since the start

 private:
  bool make_room();
  std::optional<Message> take();

  loop::Event arrived_;
  loop::Event room_;
  std::deque<Message> control_;
  std::deque<Message> queue_;
  bool closed_ = false;
  std::uint64_t lost_ = 0;
};

// --- implementation ---------------------------------------------------------------------------------------

template <class Message, std::size_t limit, WhenFull when_full>
bool Mailbox<Message, limit, when_full>::send(Message message) {
  if (!make_room()) return false;
  queue_.push_back(std::move(message));
  arrived_.set();
  return true;
}

template <class Message, std::size_t limit, WhenFull when_full>
bool Mailbox<Message, limit, when_full>::send_control(Message message) {
  if (closed_ || control_.size() >= control_messages_max) return false;
  control_.push_back(std::move(message));
  arrived_.set();
  return true;
}

template <class Message, std::size_t limit, WhenFull when_full>
bool Mailbox<Message, limit, when_full>::make_room() {
  if constexpr (when_full == WhenFull::wait) {
    while (!closed_ && queue_.size() >= limit) {
      room_.reset();
      room_.wait();
    }
  } else if (!closed_ && queue_.size() >= limit) {
    ++lost_;
    if constexpr (when_full == WhenFull::shed) return false;
    queue_.pop_front();
  }
  return !closed_;
}

template <class Message, std::size_t limit, WhenFull when_full>
std::optional<Message> Mailbox<Message, limit, when_full>::receive(std::int64_t deadline_ms) {
  while (true) {
    if (std::optional<Message> message = take()) return message;
    if (closed_) return std::nullopt;
    arrived_.reset();
    if (!arrived_.wait(deadline_ms)) return std::nullopt;
  }
}

template <class Message, std::size_t limit, WhenFull when_full>
std::optional<Message> Mailbox<Message, limit, when_full>::take() {
  if (!control_.empty()) {
    std::optional<Message> message(std::move(control_.front()));
    control_.pop_front();
    return message;
  }
  if (queue_.empty()) return std::nullopt;
  std::optional<Message> message(std::move(queue_.front()));
  queue_.pop_front();
  room_.set();
  return message;
}

template <class Message, std::size_t limit, WhenFull when_full>
void Mailbox<Message, limit, when_full>::close() {
  closed_ = true;
  arrived_.set();
  room_.set();
}

}  // namespace shearline::actors
