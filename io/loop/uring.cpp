// The io_uring backend of Loop. Everything of one thread goes through one ring that this thread made; other
// threads reach it by notify() (an eventfd, written only when the owner sleeps) and by messages from their
// own rings. liburing's man pages are the contract.
#include "base/log.hpp"
#include "io/loop/backend.hpp"
#include "io/loop/uring_buffers.hpp"
#include "io/loop/uring_setup.hpp"
#include "io/loop/wake.hpp"

#include <liburing.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>

namespace shearline::loop {
namespace {

static_assert(completion_buffer == IORING_CQE_F_BUFFER && completion_more == IORING_CQE_F_MORE &&
              completion_buffer_shift == IORING_CQE_BUFFER_SHIFT);
constexpr std::uint32_t completion_flags_kept =
    completion_buffer | completion_more | 0xFFFFU << completion_buffer_shift;

// What a completion's user_data is: the address of an Operation, or one of these in the low bits. No
// generation is needed beside the address: an Operation lives until its final completion, and cancel requests
// run in the order of submission, so they never meet a later Operation at the same address.
enum Tag : std::uint64_t { tag_operation = 0, tag_wake = 1, tag_message = 2, tag_ignored = 3, tag_mask = 7 };
constexpr unsigned tag_bits = 3;
static_assert(alignof(Operation) > tag_mask);

constexpr std::size_t write_bytes_max = 1U << 30;  // the kernel's own limit for one write is just under 2 GiB

struct Completion {
  std::uint64_t user_data;
  int result;
  std::uint32_t flags;
};

// Errors of io_uring_enter after which the next turn simply tries again: a signal, a timeout, a moment
// without memory, completions that found no room yet.
bool passes(int result) {
  return result >= 0 || result == -EINTR || result == -ETIME || result == -EAGAIN || result == -EBUSY ||
         result == -ENOMEM;
}

class UringLoop final : public Loop {
 public:
  explicit UringLoop(const LoopOptions& options) : options_(options) {}
  ~UringLoop() override;
  Status open();

  void accept_multishot(int listener, Operation& operation) override;
  void receive_multishot(int socket, Operation& operation) override;
  void receive(int socket, ByteSpan into, Operation& operation) override;
  void send(int socket, ByteView bytes, Operation& operation) override;
  void connect(int socket, const sockaddr* address, socklen_t length, Operation& operation) override;
  void write_file(int file, ByteView bytes, std::uint64_t offset, Operation& operation) override;
  void sync_file(int file, Operation& operation) override;
  void shutdown(int socket, int how, Operation& operation) override;
  void close(int descriptor, Operation& operation) override;
  void cancel(Operation& operation) override;
  void send_message(Loop& other, std::uint64_t value) override;

  ByteSpan receive_buffer(std::uint16_t id) override { return buffers_->buffer(id); }
  void return_receive_buffer(std::uint16_t id) override { buffers_->give_back(id); }
  unsigned receive_buffers_free() const override { return buffers_ ? buffers_->free() : 0; }

  void submit() override;
  std::size_t turn(std::int64_t wait_ms) override;
  void notify() override { wake_.notify(); }
  Backend backend() const override { return Backend::io_uring; }
  std::int64_t monotonic_ms() const override { return monotonic_ns() / 1'000'000; }

 private:
  // A message on its way to another ring; owned by the loop that sends it until the kernel has delivered it.
  struct OutgoingMessage : Operation {
    UringLoop* from = nullptr;
    int ring = -1;
    std::uint64_t value = 0;
  };

  io_uring_sqe* next_entry();
  void own(io_uring_sqe* entry, Operation& operation);
  void watch_wake();
  void submit_message(OutgoingMessage& message);
  void finish_messages();
  static void message_sent(Operation* self, int result, std::uint32_t flags);

  void enter(std::int64_t wait);
  std::size_t reap(std::span<Completion> into);
  std::size_t handle_completions();
  std::size_t handle(const Completion& completion);

  LoopOptions options_;
  io_uring ring_{};
  bool open_ = false;
  bool in_turn_ = false;
  std::size_t in_flight_ = 0;           // operations without their final completion, with messages
  std::size_t messages_in_flight_ = 0;  // the loop's own ones among them
  std::unique_ptr<UringBuffers> buffers_;
  std::deque<Completion> backlog_;  // reaped outside a turn, to make room for submissions
  std::array<Completion, 256> batch_;
  Wake wake_;
  std::atomic<std::uint64_t> messages_addressed_{0};  // by other threads to this loop
};

Status UringLoop::open() {
  io_uring_params params = ring_params(options_.entries);
  if (const int result = io_uring_queue_init_params(options_.entries, &ring_, &params); result < 0) {
    if (auto why = uring_unavailable()) return fail(Code::unavailable, *why);
    return fail(Code::unavailable, std::string("no ring could be made: ") + strerror(-result));
  }
  order_ring_memory();
  open_ = true;
  io_uring_register_ring_fd(&ring_);  // saves a descriptor lookup per turn; works without
  if (options_.receive_buffers > 0) {
    buffers_ = std::make_unique<UringBuffers>(ring_, options_.receive_buffers, options_.receive_buffer_bytes);
    if (Status registered = buffers_->register_with_kernel(); !registered) return registered;
  }
  if (Status opened = wake_.open(); !opened) return opened;
  watch_wake();
  return {};
}

UringLoop::~UringLoop() {
  if (in_flight_ > messages_in_flight_) {
    log::error("loop_destroyed_with_operations_in_flight",
               {{"operations", in_flight_ - messages_in_flight_}});
    std::abort();
  }
  finish_messages();
  buffers_.reset();
  if (!open_) return;
  order_ring_memory();
  io_uring_queue_exit(&ring_);
}

// --- submitting -------------------------------------------------------------------------------------------

// Never fails: a full submission queue is handed to the kernel on the spot. Should the kernel ask for
// completions to be taken first, they are set aside for the next turn, since no handler may run here.
io_uring_sqe* UringLoop::next_entry() {
  while (true) {
    if (io_uring_sqe* entry = io_uring_get_sqe(&ring_)) return entry;
    const int result = io_uring_submit(&ring_);
    if (!passes(result)) give_up("io_uring_submit", -result);
    if (result >= 0) continue;
    Completion completion;
    while (reap({&completion, 1}) == 1) backlog_.push_back(completion);
  }
}

// After the prep function: some versions of liburing clear user_data in it.
void UringLoop::own(io_uring_sqe* entry, Operation& operation) {
  io_uring_sqe_set_data(entry, &operation);
  ++in_flight_;
}

void UringLoop::watch_wake() {
  // Multishot and never read: each write to the eventfd is one completion, and there is no memory to keep.
  io_uring_sqe* entry = next_entry();
  io_uring_prep_poll_multishot(entry, wake_.descriptor(), POLLIN);
  io_uring_sqe_set_data64(entry, tag_wake);
}

void UringLoop::accept_multishot(int listener, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
  own(entry, operation);
}

void UringLoop::receive_multishot(int socket, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recv_multishot(entry, socket, nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = UringBuffers::group;
  own(entry, operation);
}

void UringLoop::receive(int socket, ByteSpan into, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recv(entry, socket, into.data(), into.size(), 0);
  own(entry, operation);
}

void UringLoop::send(int socket, ByteView bytes, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_send(entry, socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  own(entry, operation);
}

void UringLoop::connect(int socket, const sockaddr* address, socklen_t length, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_connect(entry, socket, address, length);
  own(entry, operation);
}

void UringLoop::write_file(int file, ByteView bytes, std::uint64_t offset, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  const auto length = std::min<std::size_t>(bytes.size(), write_bytes_max);
  io_uring_prep_write(entry, file, bytes.data(), static_cast<unsigned>(length), offset);
  own(entry, operation);
}

void UringLoop::sync_file(int file, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_fsync(entry, file, IORING_FSYNC_DATASYNC);
  own(entry, operation);
}

void UringLoop::shutdown(int socket, int how, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_shutdown(entry, socket, how);
  own(entry, operation);
}

void UringLoop::close(int descriptor, Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_close(entry, descriptor);
  own(entry, operation);
}

void UringLoop::cancel(Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_cancel(entry, &operation, 0);
  io_uring_sqe_set_data64(entry, tag_ignored);  // the operation's own completion tells how it went
}

// --- messages between rings -------------------------------------------------------------------------------

void UringLoop::send_message(Loop& other, std::uint64_t value) {
  auto* receiver = dynamic_cast<UringLoop*>(&other);
  if (receiver == nullptr) give_up("a message to a loop of another backend", EINVAL);
  auto* message = new OutgoingMessage;
  message->complete = message_sent;
  message->from = this;
  message->ring = receiver->ring_.ring_fd;
  message->value = value;
  ++messages_in_flight_;
  // The value itself goes through the kernel, which the memory model knows nothing of: this pair of release here and
  // acquire in handle() is what makes everything written before visible to the receiver.
  receiver->messages_addressed_.fetch_add(1, std::memory_order_release);
  submit_message(*message);
}

// The 64-bit value travels as the result (low half) and the upper bits of user_data.
void UringLoop::submit_message(OutgoingMessage& message) {
  io_uring_sqe* entry = next_entry();
  const auto low = static_cast<std::uint32_t>(message.value);
  io_uring_prep_msg_ring(entry, message.ring, low, message.value >> 32 << tag_bits | tag_message, 0);
  own(entry, message);
}

void UringLoop::message_sent(Operation* self, int result, std::uint32_t /*flags*/) {
  std::unique_ptr<OutgoingMessage> message(static_cast<OutgoingMessage*>(self));
  if (result == -EOVERFLOW || result == -EAGAIN || result == -ENOMEM) {  // the other ring is full just now
    UringLoop* from = message->from;
    from->submit_message(*message.release());
    return;
  }
  --message->from->messages_in_flight_;
  if (result < 0) log::error("loop_message_lost", {{"error", strerror(-result)}});
}

// Delivery needs nothing from the receiver but room, so this ends.
void UringLoop::finish_messages() {
  while (messages_in_flight_ > 0) {
    enter(-1);
    handle_completions();
  }
}

// --- turning ----------------------------------------------------------------------------------------------

void UringLoop::submit() {
  if (const int result = io_uring_submit(&ring_); !passes(result)) give_up("io_uring_submit", -result);
}

std::size_t UringLoop::turn(std::int64_t wait_ms) {
  if (in_turn_) give_up("turn() called by a handler", EDEADLK);
  in_turn_ = true;

  std::int64_t wait = backlog_.empty() ? wait_ns(wait_ms, timers_) : 0;
  if (wait != 0 && !wake_.fall_asleep()) wait = 0;
  enter(wait);
  const bool notified = wake_.wake_up();

  const std::size_t handled = handle_completions();
  timers_.expire_due(monotonic_ms());
  if (notified) run_notify_hooks();
  in_turn_ = false;
  return handled;
}

// One system call: submits what is queued, waits, and lets the kernel run the deferred completions.
void UringLoop::enter(std::int64_t wait) {
  int result = 0;
  if (wait == 0) {
    result = io_uring_submit_and_get_events(&ring_);
  } else if (wait < 0) {
    result = io_uring_submit_and_wait(&ring_, 1);
  } else {
    __kernel_timespec timeout{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    io_uring_cqe* first = nullptr;
    result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
  }
  if (!passes(result)) give_up("io_uring_enter", -result);
}

std::size_t UringLoop::reap(std::span<Completion> into) {
  unsigned head = 0;
  io_uring_cqe* entry = nullptr;
  std::size_t taken = 0;
  io_uring_for_each_cqe(&ring_, head, entry) {
    if (taken == into.size()) break;
    into[taken++] = {entry->user_data, entry->res, entry->flags & completion_flags_kept};
    if ((entry->flags & IORING_CQE_F_BUFFER) != 0 && buffers_) buffers_->taken();
  }
  io_uring_cq_advance(&ring_, static_cast<unsigned>(taken));
  return taken;
}

// What was there when the turn began: what handlers cause meanwhile is for the next turn, so turns end.
std::size_t UringLoop::handle_completions() {
  std::size_t handled = 0;
  for (std::size_t left = backlog_.size(); left > 0; --left) {
    const Completion completion = backlog_.front();
    backlog_.pop_front();
    handled += handle(completion);
  }
  for (std::size_t left = io_uring_cq_ready(&ring_); left > 0;) {
    const std::size_t taken = reap(std::span(batch_).first(std::min(left, batch_.size())));
    if (taken == 0) break;  // taken into the backlog by a handler's submission
    for (std::size_t i = 0; i < taken; ++i) handled += handle(batch_[i]);
    left -= taken;
  }
  return handled;
}

std::size_t UringLoop::handle(const Completion& completion) {
  switch (completion.user_data & tag_mask) {
    case tag_operation: {
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel carries the address as a number
      auto* operation = reinterpret_cast<Operation*>(completion.user_data);
      if ((completion.flags & completion_more) == 0) --in_flight_;
      operation->complete(operation, completion.result, completion.flags);
      return 1;
    }
    case tag_message: {
      static_cast<void>(messages_addressed_.load(std::memory_order_acquire));
      const auto low = static_cast<std::uint32_t>(completion.result);
      if (message_handler_) message_handler_(completion.user_data >> tag_bits << 32 | low);
      return 1;
    }
    case tag_wake:
      if ((completion.flags & completion_more) == 0) watch_wake();
      return 0;
    default:
      return 0;
  }
}

}  // namespace

Result<std::unique_ptr<Loop>> make_uring_loop(const LoopOptions& options) {
  if (Status valid = check(options); !valid) return std::unexpected(valid.error());
  auto loop = std::make_unique<UringLoop>(options);
  if (Status opened = loop->open(); !opened) return std::unexpected(opened.error());
  return loop;
}

}  // namespace shearline::loop
