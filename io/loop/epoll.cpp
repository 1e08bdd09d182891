// The epoll backend of Loop, for where io_uring is forbidden: an operation is tried when its descriptor is said to be
// ready, and its completion is told in the same turn or the next, so that users see the same as on a ring. Other
// threads reach the loop by notify() and by messages, which wait in its inbox.
//
// What keeps it sound, beside the rules of epoll_set.hpp: every attempt is non-blocking by itself, so a word that is
// late, or meant for a former owner of the descriptor's number, costs one system call and nothing else. What is known
// at once (a send with room, a close) is told in the next turn, never inside the call.
#include "base/log.hpp"
#include "io/loop/backend.hpp"
#include "io/loop/epoll_set.hpp"
#include "io/loop/epoll_waiting.hpp"
#include "io/loop/file_helper.hpp"
#include "io/loop/wake.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

namespace shearline::loop {

// One listener must not hold up everybody else while a storm of connections lasts.
constexpr unsigned accepts_per_word = 64;
constexpr std::int64_t connect_retry_ms = 2;

class EpollLoop final : public Loop {
 public:
  EpollLoop() = default;
  ~EpollLoop() override;
  Status open(const LoopOptions& options);

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

  void submit() override {}  // each operation is tried when it is asked for
  std::size_t turn(std::int64_t wait_ms) override;
  void notify() override { wake_.notify(); }
  Backend backend() const override { return Backend::epoll; }
  std::int64_t monotonic_ms() const override { return monotonic_ns() / 1'000'000; }

 private:
  struct Finished {
    Operation* operation;
    int result;
  };

  Waiting& begin(Waiting::Kind kind, int descriptor, Operation& operation);
  void finish_later(Operation& operation, int result);
  void wait_for_word(Waiting& waiting);
  void try_or_wait(Waiting& waiting);
  Operation& release(Waiting& waiting);
  void arm(int descriptor);
  void submit_to_helper(const FileHelper::Job& job);

  std::size_t tell_finished();
  std::size_t on_event(int descriptor, std::uint32_t events);
  std::size_t serve(WaitingList& list);
  std::size_t attempt_and_tell(Waiting& waiting);
  std::size_t take_from_other_threads();
  void tell(Operation& operation, int result, std::uint32_t flags);

  bool in_turn_ = false;
  std::size_t in_flight_ = 0;  // operations without their final completion
  std::unique_ptr<EpollBuffers> buffers_;
  WaitingPool pool_;
  EpollSet set_;
  std::vector<Finished> finished_;
  std::vector<Finished> telling_;  // those of the turn that runs
  std::array<epoll_event, 256> events_;
  std::unique_ptr<FileHelper> files_;
  std::vector<FileHelper::Job> jobs_done_;
  std::mutex inbox_mutex_;
  std::vector<std::uint64_t> inbox_;
  std::vector<std::uint64_t> messages_;  // taken from the inbox
  Wake wake_;
};

Status EpollLoop::open(const LoopOptions& options) {
  if (Status opened = set_.open(); !opened) return opened;
  if (options.receive_buffers > 0) {
    buffers_ = std::make_unique<EpollBuffers>(options.receive_buffers, options.receive_buffer_bytes);
    if (!buffers_->ok()) return fail(Code::unavailable, "no memory for receive buffers");
  }
  if (Status opened = wake_.open(); !opened) return opened;
  return set_.watch_edges(wake_.descriptor());
}

EpollLoop::~EpollLoop() {
  if (in_flight_ > 0) {
    log::error("loop_destroyed_with_operations_in_flight", {{"operations", in_flight_}});
    std::abort();
  }
}

// --- submitting -------------------------------------------------------------------------------------------

Waiting& EpollLoop::begin(Waiting::Kind kind, int descriptor, Operation& operation) {
  Waiting& waiting = pool_.take();
  waiting.loop = this;
  waiting.operation = &operation;
  waiting.kind = kind;
  waiting.descriptor = descriptor;
  operation.of_backend = &waiting;
  ++in_flight_;
  return waiting;
}

// It waits no longer, for whatever reason; its last completion is still to be told.
Operation& EpollLoop::release(Waiting& waiting) {
  Operation& operation = *waiting.operation;
  operation.of_backend = nullptr;
  stop_timer(waiting);
  if (waiting.place.is_linked()) {
    waiting.place.unlink();
    arm(waiting.descriptor);
  }
  pool_.give_back(waiting);
  return operation;
}

void EpollLoop::finish_later(Operation& operation, int result) { finished_.push_back({&operation, result}); }

void EpollLoop::wait_for_word(Waiting& waiting) {
  const int descriptor = waiting.descriptor;
  if (descriptor < 0) return finish_later(release(waiting), -EBADF);
  EpollSet::Watched& watched = set_.at(descriptor);
  (waiting.reads() ? watched.readers : watched.writers).push_back(waiting);
  arm(descriptor);
}

void EpollLoop::try_or_wait(Waiting& waiting) {
  const bool others_wait = set_.has_writers(waiting.descriptor);
  const int result = others_wait ? must_wait : attempt(waiting);
  if (result == must_wait) return wait_for_word(waiting);
  if (result == must_try_again) return start_timer(waiting, monotonic_ms() + connect_retry_ms);
  finish_later(release(waiting), result);
}

// Where the kernel will not wait for the descriptor, everybody who does is told so.
void EpollLoop::arm(int descriptor) {
  const int error = set_.arm(descriptor);
  if (error == 0) return;
  EpollSet::Watched& watched = set_.at(descriptor);
  for (WaitingList* list : {&watched.readers, &watched.writers}) {
    while (!list->empty()) {
      Waiting& waiting = list->front();
      list->pop_front();
      finish_later(release(waiting), -error);
    }
  }
}

// The listener stays non-blocking: a connection that is gone by the time it is accepted must not stop the thread.
void EpollLoop::accept_multishot(int listener, Operation& operation) {
  const int flags = fcntl(listener, F_GETFL);
  if (flags >= 0) fcntl(listener, F_SETFL, flags | O_NONBLOCK);
  wait_for_word(begin(Waiting::Kind::accept, listener, operation));
}

void EpollLoop::receive_multishot(int socket, Operation& operation) {
  wait_for_word(begin(Waiting::Kind::receive_into_buffers, socket, operation));
}

void EpollLoop::receive(int socket, ByteSpan into, Operation& operation) {
  Waiting& waiting = begin(Waiting::Kind::receive, socket, operation);
  waiting.into = into;
  wait_for_word(waiting);
}

// There is nearly always room.
void EpollLoop::send(int socket, ByteView bytes, Operation& operation) {
  Waiting& waiting = begin(Waiting::Kind::send, socket, operation);
  waiting.bytes = bytes;
  try_or_wait(waiting);
}

void EpollLoop::connect(int socket, const sockaddr* address, socklen_t length, Operation& operation) {
  Waiting& waiting = begin(Waiting::Kind::connect, socket, operation);
  waiting.address = address;
  waiting.address_bytes = length;
  waiting.expire = [](Timer* timer) {
    auto& late = *static_cast<Waiting*>(timer);
    late.loop->try_or_wait(late);
  };
  try_or_wait(waiting);
}

void EpollLoop::write_file(int file, ByteView bytes, std::uint64_t offset, Operation& operation) {
  submit_to_helper({.operation = &operation, .file = file, .bytes = bytes, .offset = offset});
}

void EpollLoop::sync_file(int file, Operation& operation) {
  submit_to_helper({.operation = &operation, .file = file, .bytes = {}, .is_sync = true});
}

void EpollLoop::submit_to_helper(const FileHelper::Job& job) {
  ++in_flight_;
  if (!files_) files_ = std::make_unique<FileHelper>([this] { notify(); });
  files_->submit(job);
}

void EpollLoop::shutdown(int socket, int how, Operation& operation) {
  ++in_flight_;
  finish_later(operation, ::shutdown(socket, how) == 0 ? 0 : -errno);
}

void EpollLoop::close(int descriptor, Operation& operation) {
  ++in_flight_;
  finish_later(operation, ::close(descriptor) == 0 ? 0 : -errno);
}

// What is over already, or with the helper thread, says what it was about to say.
void EpollLoop::cancel(Operation& operation) {
  if (operation.of_backend == nullptr) return;
  finish_later(release(*static_cast<Waiting*>(operation.of_backend)), -ECANCELED);
}

// One lock a message, and a message is a connection that was accepted. It takes no limit of its own: what is
// sent here was admitted before (Front counts connections), and a refused descriptor would be a lost client.
void EpollLoop::send_message(Loop& other, std::uint64_t value) {
  auto* receiver = dynamic_cast<EpollLoop*>(&other);
  if (receiver == nullptr) give_up("a message to a loop of another backend", EINVAL);
  // Notified under the lock as well: whoever takes the message takes the lock first, and may then end its loop.
  const std::lock_guard guard(receiver->inbox_mutex_);
  receiver->inbox_.push_back(value);
  receiver->notify();
}

// --- turning ----------------------------------------------------------------------------------------------

std::size_t EpollLoop::turn(std::int64_t wait_ms) {
  if (in_turn_) give_up("turn() called by a handler", EDEADLK);
  in_turn_ = true;

  // epoll counts in milliseconds: rounded up, or the last one before a timer would be spun through.
  const std::int64_t wait = finished_.empty() ? wait_ns(wait_ms, timers_) : 0;
  int timeout_ms =
      wait < 0 ? -1 : static_cast<int>(std::min<std::int64_t>((wait + 999'999) / 1'000'000, INT_MAX));
  if (timeout_ms != 0 && !wake_.fall_asleep()) timeout_ms = 0;
  const std::size_t ready = set_.wait(events_, timeout_ms);
  const bool notified = wake_.wake_up();

  std::size_t handled = tell_finished();
  for (std::size_t i = 0; i < ready; ++i) handled += on_event(events_[i].data.fd, events_[i].events);
  if (notified) handled += take_from_other_threads();
  timers_.expire_due(monotonic_ms());
  if (notified) run_notify_hooks();
  in_turn_ = false;
  return handled;
}

void EpollLoop::tell(Operation& operation, int result, std::uint32_t flags) {
  if ((flags & completion_more) == 0) --in_flight_;
  operation.complete(&operation, result, flags);
}

// What was there when the turn began: what handlers cause meanwhile is for the next turn, so turns end.
std::size_t EpollLoop::tell_finished() {
  telling_.swap(finished_);
  for (const Finished& finished : telling_) tell(*finished.operation, finished.result, 0);
  const std::size_t told = telling_.size();
  telling_.clear();
  return told;
}

std::size_t EpollLoop::on_event(int descriptor, std::uint32_t events) {
  if (descriptor == EpollSet::edge) return 0;
  EpollSet::Watched& watched = set_.word_came(descriptor);
  std::size_t handled = 0;
  if ((events & ~EPOLLOUT) != 0) handled += serve(watched.readers);
  if ((events & ~EPOLLIN) != 0) handled += serve(watched.writers);
  arm(descriptor);
  return handled;
}

std::size_t EpollLoop::serve(WaitingList& list) {
  std::size_t handled = 0;
  // Handlers may cancel what waits behind, so the list is looked at afresh each time.
  for (unsigned left = accepts_per_word; left > 0 && !list.empty(); --left) {
    const bool one_only = list.front().kind != Waiting::Kind::accept;
    const std::size_t told = attempt_and_tell(list.front());
    handled += told;
    if (told == 0 || one_only) break;
  }
  return handled;
}

std::size_t EpollLoop::attempt_and_tell(Waiting& waiting) {
  std::uint32_t flags = 0;
  const bool into_buffers = waiting.kind == Waiting::Kind::receive_into_buffers;
  if (into_buffers) {
    if (!buffers_ || buffers_->none_left()) {
      tell(release(waiting), -ENOBUFS, 0);
      return 1;
    }
    waiting.into = buffers_->buffer(buffers_->next());
  }
  const int result = attempt(waiting);
  if (result == must_wait) return 0;
  if (result == must_try_again) {
    waiting.place.unlink();
    start_timer(waiting, monotonic_ms() + connect_retry_ms);
    return 0;
  }
  if (into_buffers && result > 0) {
    flags = completion_more | completion_buffer | std::uint32_t{buffers_->next()} << completion_buffer_shift;
    buffers_->take_next();
  } else if (waiting.kind == Waiting::Kind::accept && result >= 0) {
    flags = completion_more;
  }
  const bool goes_on = (flags & completion_more) != 0;
  tell(goes_on ? *waiting.operation : release(waiting), result, flags);
  return 1;
}

std::size_t EpollLoop::take_from_other_threads() {
  std::size_t handled = 0;
  if (files_) {
    files_->take_done(jobs_done_);
    for (const FileHelper::Job& job : jobs_done_) tell(*job.operation, job.result, 0);
    handled += jobs_done_.size();
    jobs_done_.clear();
  }
  {
    const std::lock_guard guard(inbox_mutex_);
    messages_.swap(inbox_);
  }
  for (const std::uint64_t value : messages_) {
    if (message_handler_) message_handler_(value);
  }
  handled += messages_.size();
  messages_.clear();
  return handled;
}

Result<std::unique_ptr<Loop>> make_epoll_loop(const LoopOptions& options) {
  if (Status valid = check(options); !valid) return std::unexpected(valid.error());
  auto loop = std::make_unique<EpollLoop>();
  if (Status opened = loop->open(options); !opened) return std::unexpected(opened.error());
  return loop;
}

}  // namespace shearline::loop
