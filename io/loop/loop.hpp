// One thread's door to the kernel: completions in, operations out. Completion-shaped, so that the io_uring
// backend (uring.cpp) and the epoll backend (epoll.cpp) stand under the same interface. Knows operations and
// no fibers; workers write handlers, the control thread and the CLI park fibers on operations
// (fiber_scheduler.hpp).
//
// Rules of the loop:
//  1. Made, used and destroyed on one thread; only notify() may be called from another.
//  2. An Operation and the memory it names belong to the kernel until its FINAL completion (no `more` flag):
//     cancel, then wait for that completion, then free. Closing a descriptor cancels nothing. A loop
//     destroyed with operations in flight ends the process with a line that says so.
//  3. Handlers (completions, timers, notify hooks, messages) never block, never throw and never call turn().
//  4. At most one send in flight per descriptor.
//  5. A multishot operation whose completion has no `more` flag has ended: re-arm it if it is still wanted.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "io/loop/timers.hpp"

#include <boost/intrusive/list.hpp>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace shearline::loop {

// result: bytes, descriptor or 0; negative errno on failure (-ECANCELED after cancel).
// flags: completion_more, completion_buffer | id << completion_buffer_shift.
struct Operation {
  void (*complete)(Operation* self, int result, std::uint32_t flags) = nullptr;
  void* of_backend = nullptr;  // the epoll backend's, while the operation is in flight
};
inline constexpr std::uint32_t completion_buffer = 1U << 0;
inline constexpr std::uint32_t completion_more = 1U << 1;
inline constexpr std::uint32_t completion_buffer_shift = 16;
constexpr std::uint16_t buffer_of(std::uint32_t flags) {
  return static_cast<std::uint16_t>(flags >> completion_buffer_shift);
}

// run(self) is called on the owner's thread in the turn that consumes a notify(): where lanes written by
// other threads are drained. Any number of notify() between two turns are one call. A hook may remove itself
// only.
struct NotifyHook
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  void (*run)(NotifyHook* self) = nullptr;
};

// What stands under the loop. automatic: io_uring where it is permitted, else epoll.
enum class Backend : std::uint8_t { automatic, io_uring, epoll };
std::string_view name_of(Backend backend);

inline constexpr unsigned receive_buffers_max = 1U << 15;  // the kernel's own limit for one buffer ring
struct LoopOptions {
  Backend backend = Backend::automatic;
  unsigned entries = 1024;  // submission queue; the completion queue is 4 times as large
  unsigned receive_buffers =
      0;  // provided buffers for receive_multishot; 0: none. A power of two, at most receive_buffers_max
  unsigned receive_buffer_bytes = 16 * 1024;
};

// Why io_uring cannot be used here, in one line that says what to permit; empty: it can. Tried once in a process;
// probe_uring() tries each time.
std::optional<std::string> uring_unavailable();
std::optional<std::string> probe_uring();

class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop() = default;

  // It ends (no `more`) when descriptors run out (-EMFILE): re-arm by a timer then, at once would only spin.
  virtual void accept_multishot(int listener, Operation& operation) = 0;  // result: a connected descriptor
  // Data arrives in provided buffers: read receive_buffer(buffer_of(flags)).first(result), then give it back
  // with return_receive_buffer; whatever the result, completion_buffer says that one is owed. -ENOBUFS is
  // normal: re-arm after buffers came back. 0: the peer closed.
  virtual void receive_multishot(int socket, Operation& operation) = 0;
  virtual void receive(int socket, ByteSpan into, Operation& operation) = 0;
  virtual void send(int socket, ByteView bytes, Operation& operation) = 0;  // may be short
  virtual void connect(int socket, const sockaddr* address, socklen_t length, Operation& operation) = 0;
  virtual void write_file(int file, ByteView bytes, std::uint64_t offset, Operation& operation) = 0;
  virtual void sync_file(int file, Operation& operation) = 0;  // fdatasync
  virtual void shutdown(int socket, int how, Operation& operation) = 0;
  virtual void close(int descriptor, Operation& operation) = 0;
  // Ends the given operation early; its own final completion still comes (-ECANCELED, or what it was about to
  // say).
  virtual void cancel(Operation& operation) = 0;
  // Hands `value` (a descriptor, say) to another thread's loop, where on_message(value) is called. What was
  // written before is visible there. `other` has the same backend and outlives this loop.
  virtual void send_message(Loop& other, std::uint64_t value) = 0;
  void on_message(std::function<void(std::uint64_t)> handler) { message_handler_ = std::move(handler); }

  virtual ByteSpan receive_buffer(std::uint16_t id) = 0;
  virtual void return_receive_buffer(std::uint16_t id) = 0;  // the caller has wiped it if it held a secret
  virtual unsigned receive_buffers_free() const = 0;         // not yet filled, as far as this thread has seen

  // Hands over what was asked for so far, which the next turn would do; for handlers whose turn goes on for long.
  virtual void submit() = 0;

  // One turn: submits, waits at most `wait_ms` (0: not at all, -1: until something happens) for a completion,
  // a timer or notify(), then calls every handler that is due. Returns the number of completions handled.
  virtual std::size_t turn(std::int64_t wait_ms) = 0;
  virtual void notify() = 0;  // thread-safe, cheap when the loop is not asleep; ends the current or next wait

  virtual Backend backend() const = 0;  // never `automatic`

  // Monotonic milliseconds; timers are counted in them. Virtual time in simulation.
  virtual std::int64_t monotonic_ms() const = 0;

  void start_timer(Timer& timer, std::int64_t deadline_ms) { timers_.start(timer, deadline_ms); }
  void stop_timer(Timer& timer) { TimerQueue::stop(timer); }
  void add_notify_hook(NotifyHook& hook) { notify_hooks_.push_back(hook); }  // it ends with the hook

 protected:
  void run_notify_hooks() {
    for (auto next = notify_hooks_.begin(); next != notify_hooks_.end();) {
      NotifyHook& hook = *next++;
      hook.run(&hook);
    }
  }

  std::function<void(std::uint64_t)> message_handler_;
  TimerQueue timers_;

 private:
  boost::intrusive::list<NotifyHook, boost::intrusive::constant_time_size<false>> notify_hooks_;
};

// A loop with the backend asked for. unavailable: io_uring is, with the line of uring_unavailable(), and it
// was not left to choose another. invalid: the number of receive buffers.
Result<std::unique_ptr<Loop>> make_loop(const LoopOptions& options);

// The two it chooses from, whatever options.backend says.
Result<std::unique_ptr<Loop>> make_uring_loop(const LoopOptions& options);
Result<std::unique_ptr<Loop>> make_epoll_loop(const LoopOptions& options);

}  // namespace shearline::loop
