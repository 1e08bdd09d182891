// The slot in which a request gets its answer. It lies on the stack of the fiber that asks and is reserved
// before the request is sent, so an answer never waits for room. Same thread at both ends; knows nothing of
// mailboxes.
#pragma once

#include "base/error.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace shearline::actors {

namespace detail {
template <class T>
struct IfAbandoned {
  static T value() { return T{}; }
};
template <class T>
struct IfAbandoned<Result<T>> {
  static Result<T> value() {
    return fail(Code::unavailable, "the request was given up: this node is stopping");
  }
};

// Shared by both ends, so either may go first.
template <class T>
struct ReplySlot {
  ReplySlot(loop::Loop& loop, T if_abandoned) : answered(loop), value(std::move(if_abandoned)) {}
  loop::Event answered;
  T value;
  bool awaited = true;
};
}  // namespace detail

template <class T>
class ReplyTo;

// The asking side. The responder may vanish without an answer: wait() then returns what was said to be the
// answer in that case (for a Result: `unavailable`), and so it does when the deadline passes.
template <class T>
class Reply {
 public:
  explicit Reply(loop::Loop& loop, T if_abandoned = detail::IfAbandoned<T>::value())
      : slot_(std::make_shared<detail::ReplySlot<T>>(loop, std::move(if_abandoned))) {}
  ~Reply() { slot_->awaited = false; }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  void set(T answer) {  // the first answer counts
    if (slot_->answered.is_set()) return;
    slot_->value = std::move(answer);
    slot_->answered.set();
  }
  void abandon() { slot_->answered.set(); }

  // Once. An answer that comes after the deadline is dropped.
  T wait(std::int64_t deadline_ms = -1) {
    slot_->answered.wait(deadline_ms);
    slot_->awaited = false;
    return std::move(slot_->value);
  }

 private:
  friend class ReplyTo<T>;
  std::shared_ptr<detail::ReplySlot<T>> slot_;
};

// The answering side, carried by the request's message. Destroyed without an answer (its mailbox closed, the
// message was dropped, the actor failed), it wakes the asking fiber all the same, so nobody hangs.
template <class T>
class ReplyTo {
 public:
  ReplyTo() = default;
  ReplyTo(Reply<T>* reply) {  // NOLINT(google-explicit-constructor): reads Message{..., &reply}
    if (reply != nullptr) slot_ = reply->slot_;
  }
  ReplyTo(ReplyTo&& other) noexcept = default;
  ReplyTo& operator=(ReplyTo&& other) noexcept {
    if (this != &other) {
      abandon();
      slot_ = std::move(other.slot_);
    }
    return *this;
  }
  ~ReplyTo() { abandon(); }

  // Nothing happens where the asking fiber has stopped waiting, or has its answer.
  void set(T answer) {
    if (is_awaited() && !slot_->answered.is_set()) slot_->value = std::move(answer);
    abandon();
  }
  bool is_awaited() const { return slot_ != nullptr && slot_->awaited; }
  ReplyTo* operator->() { return this; }  // reads like the pointer it stands for

 private:
  void abandon() {
    if (slot_ != nullptr) slot_->answered.set();
    slot_.reset();
  }

  std::shared_ptr<detail::ReplySlot<T>> slot_;
};

}  // namespace shearline::actors
