// How actors get their messages: a bounded queue owned by one fiber, with a declared reaction when it is
// full. Other fibers of the thread send directly; another thread sends through a lock-free lane of its own.
// Knows nothing of what the messages mean (messages.hpp).
#pragma once

#include "base/lane.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

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

// Owner: one actor's fiber, which alone calls receive(). Everything but ThreadLane::send() happens on the
// thread of the loop. Destroy it after its senders and after the owner's fiber.
template <class Message, std::size_t limit = 0, WhenFull when_full = WhenFull::undeclared>
class Mailbox {
  static_assert(limit > 0, "a mailbox needs a limit: Mailbox<Message, limit, WhenFull::...>");
  static_assert(when_full != WhenFull::undeclared,
                "a mailbox needs a reaction when it is full: WhenFull::wait, shed or drop_oldest");

 public:
  explicit Mailbox(loop::Loop& loop) : loop_(loop), arrived_(loop), room_(loop) {
    lanes_hook_.mailbox = this;
    lanes_hook_.run = [](loop::NotifyHook* self) {
      static_cast<LanesHook*>(self)->mailbox->look_into_lanes();
    };
  }
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

  std::uint64_t messages_lost() const { return lost_ + lost_in_lanes(); }  // shed or dropped since the start

  // For one other thread. It lives in the mailbox, and that thread must stop using it before the mailbox
  // goes. A thread cannot wait here and cannot take back what it has sent, so the mailbox must be one that
  // sheds.
  class ThreadLane;
  ThreadLane& open_lane()
    requires(when_full == WhenFull::shed);

 private:
  struct LanesHook : loop::NotifyHook {
    Mailbox* mailbox = nullptr;
  };

  bool make_room();
  std::optional<Message> take();
  std::optional<Message> take_queued();
  std::optional<Message> take_from_lanes();
  void look_into_lanes();
  std::uint64_t lost_in_lanes() const;

  loop::Loop& loop_;
  loop::Event arrived_;
  loop::Event room_;
  std::deque<Message> control_;
  std::deque<Message> queue_;
  std::vector<std::unique_ptr<ThreadLane>> lanes_;
  std::size_t next_lane_ = 0;
  bool lanes_next_ = false;  // the queue and the lanes take turns, so neither starves the other
  bool closed_ = false;
  std::uint64_t lost_ = 0;
  LanesHook lanes_hook_;
};

// --- implementation ---------------------------------------------------------------------------------------

template <class Message, std::size_t limit, WhenFull when_full>
class Mailbox<Message, limit, when_full>::ThreadLane {
 public:
  explicit ThreadLane(loop::Loop& loop) : loop_(loop), messages_(limit) {}

  // False: the mailbox is closed or the lane full; the message is destroyed. Wakes the owner's thread only if
  // it sleeps.
  bool send(Message message) {
    if (closed_.load(std::memory_order_acquire)) return false;
    auto owned = std::make_unique<Message>(std::move(message));
    if (!messages_.push(owned)) {
      lost_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    loop_.notify();
    return true;
  }

 private:
  friend class Mailbox;
  loop::Loop& loop_;
  OwnedLane<Message> messages_;
  std::atomic<bool> closed_{false};
  std::atomic<std::uint64_t> lost_{0};
};

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
  lanes_next_ = !lanes_next_;
  std::optional<Message> message = lanes_next_ ? take_from_lanes() : take_queued();
  if (!message) message = lanes_next_ ? take_queued() : take_from_lanes();
  return message;
}

template <class Message, std::size_t limit, WhenFull when_full>
std::optional<Message> Mailbox<Message, limit, when_full>::take_queued() {
  if (queue_.empty()) return std::nullopt;
  std::optional<Message> message(std::move(queue_.front()));
  queue_.pop_front();
  room_.set();
  return message;
}

template <class Message, std::size_t limit, WhenFull when_full>
std::optional<Message> Mailbox<Message, limit, when_full>::take_from_lanes() {
  for (std::size_t tried = 0; tried < lanes_.size(); ++tried) {
    next_lane_ = (next_lane_ + 1) % lanes_.size();
    if (auto message = lanes_[next_lane_]->messages_.pop()) return std::move(*message);
  }
  return std::nullopt;
}

template <class Message, std::size_t limit, WhenFull when_full>
void Mailbox<Message, limit, when_full>::close() {
  closed_ = true;
  for (const auto& lane : lanes_) lane->closed_.store(true, std::memory_order_release);
  arrived_.set();
  room_.set();
}

template <class Message, std::size_t limit, WhenFull when_full>
auto Mailbox<Message, limit, when_full>::open_lane() -> ThreadLane& requires(when_full == WhenFull::shed) {
  if (lanes_.empty()) loop_.add_notify_hook(lanes_hook_);
  lanes_.push_back(std::make_unique<ThreadLane>(loop_));
  lanes_.back()->closed_.store(closed_, std::memory_order_release);
  return *lanes_.back();
}

// Runs on the loop after another thread's notify(), which may have been meant for somebody else.
template <class Message, std::size_t limit, WhenFull when_full>
void Mailbox<Message, limit, when_full>::look_into_lanes() {
  const bool something =
      std::ranges::any_of(lanes_, [](const auto& lane) { return !lane->messages_.is_empty(); });
  if (something) arrived_.set();
}

template <class Message, std::size_t limit, WhenFull when_full>
std::uint64_t Mailbox<Message, limit, when_full>::lost_in_lanes() const {
  std::uint64_t lost = 0;
  for (const auto& lane : lanes_) lost += lane->lost_.load(std::memory_order_relaxed);
  return lost;
}

}  // namespace shearline::actors
