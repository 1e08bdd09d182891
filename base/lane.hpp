// A lane carries things from exactly one thread to exactly one other, without locks and with a limit: workers
// report to the control thread through lanes. It wakes nobody; who sleeps is the business of the loop. The
// queue underneath copies, so values must be trivially copyable and everything else travels as an owned
// pointer.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>

namespace shearline {

// One thread pushes, one pops; a full lane refuses and the pusher decides what that means.
template <class Value>
class Lane {
  static_assert(std::is_trivially_copyable_v<Value>,
                "a Lane carries trivially copyable values; use OwnedLane for everything else");

 public:
  explicit Lane(std::size_t limit) : queue_(limit) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  bool push(const Value& value) { return queue_.push(value); }
  std::optional<Value> pop() {
    Value value;
    if (!queue_.pop(value)) return std::nullopt;
    return value;
  }
  bool is_empty() const { return queue_.read_available() == 0; }  // as the popping thread sees it

 private:
  boost::lockfree::spsc_queue<Value> queue_;
};

// The same with an owner at both ends; what is still inside at the end is destroyed with the lane.
template <class Value>
class OwnedLane {
 public:
  explicit OwnedLane(std::size_t limit) : pointers_(limit) {}
  ~OwnedLane() {
    while (pop()) {
    }
  }
  OwnedLane(const OwnedLane&) = delete;
  OwnedLane& operator=(const OwnedLane&) = delete;

  // True: the lane took it and `value` is empty. False: the lane is full and `value` is untouched.
  bool push(std::unique_ptr<Value>& value) {
    if (!pointers_.push(value.get())) return false;
    static_cast<void>(value.release());  // the lane owns it now
    return true;
  }
  std::unique_ptr<Value> pop() { return std::unique_ptr<Value>(pointers_.pop().value_or(nullptr)); }
  bool is_empty() const { return pointers_.is_empty(); }  // as the popping thread sees it

 private:
  Lane<Value*> pointers_;
};

}  // namespace shearline
