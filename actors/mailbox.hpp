// How actors get their messages: a bounded lane (base/lane.hpp) owned by one fiber, with a declared reaction when it is
// full. Everything happens on the thread of the loop: other fibers of it send, so one lane is enough (docs/adr/0014). Knows
// nothing of what the messages mean (messages.hpp).
#pragma once

#include "base/lane.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace shearline::actors {

// What happens to a message that meets a full mailbox.
enum class WhenFull {
  undeclared,
  wait,         // the sending fiber waits for room; only along admin -> rotation -> distribution -> audit
  shed,         // it is refused, and the sender is told
  drop_oldest,  // it takes the place of the oldest one
};

// A control message tells a state (who holds the lease), so of each kind only the newest one counts: it takes the place of
// one that was not received yet. None is ever lost, and there are never more of them than kinds.
template <class Message>
concept HasKinds = requires(const Message& message) { std::variant_size<Message>::value + message.index(); };

// Owner: one actor's fiber, which alone calls receive(). Destroy it after its senders and after the owner's fiber.
template <class Message, std::size_t limit = 0, WhenFull when_full = WhenFull::undeclared>
class Mailbox {
  static_assert(limit > 0, "a mailbox needs a limit: Mailbox<Message, limit, WhenFull::...>");
  static_assert(when_full != WhenFull::undeclared,
                "a mailbox needs a reaction when it is full: WhenFull::wait, shed or drop_oldest");

 public:
  explicit Mailbox(loop::Loop& loop) : arrived_(loop), room_(loop), queue_(limit) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // False: the message was not taken, because the mailbox is closed or (shed) full; it is destroyed.
  bool send(Message message);
  // Served before everything else, and not counted against the limit. Nothing happens where the mailbox is closed.
  void send_control(Message message)
    requires HasKinds<Message>;

  // The next message; empty when the mailbox is closed and drained, or the deadline (loop.monotonic_ms(), -1:
  // none) has passed.
  std::optional<Message> receive(std::int64_t deadline_ms = -1);

  // No new messages; the owner still gets those already inside, then receive() returns nothing.
  void close();
  bool closed() const { return closed_; }

  std::uint64_t messages_lost() const { return lost_; }  // shed or dropped since the start

 private:
  std::optional<Message> take();

  loop::Event arrived_;
  loop::Event room_;
  std::vector<Message> control_;  // oldest first, one of a kind
  OwnedLane<Message> queue_;
  bool closed_ = false;
  std::uint64_t lost_ = 0;
};

// --- implementation ---------------------------------------------------------------------------------------

template <class Message, std::size_t limit, WhenFull when_full>
bool Mailbox<Message, limit, when_full>::send(Message message) {
  auto owned = std::make_unique<Message>(std::move(message));
  while (!closed_) {
    if (queue_.push(owned)) {
      arrived_.set();
      return true;
    }
    if constexpr (when_full == WhenFull::wait) {
      room_.reset();
      room_.wait();
    } else {
      ++lost_;
      if constexpr (when_full == WhenFull::shed) return false;
      queue_.pop();  // sender and owner are fibers of one thread
    }
  }
  return false;
}

template <class Message, std::size_t limit, WhenFull when_full>
void Mailbox<Message, limit, when_full>::send_control(Message message)
  requires HasKinds<Message>
{
  if (closed_) return;
  std::erase_if(control_, [&](const Message& older) { return older.index() == message.index(); });
  control_.push_back(std::move(message));
  arrived_.set();
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
    control_.erase(control_.begin());
    return message;
  }
  const std::unique_ptr<Message> oldest = queue_.pop();
  if (oldest == nullptr) return std::nullopt;
  std::optional<Message> message(std::move(*oldest));
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
