#include "actors/channel.hpp"

#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "policy/jws.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace shearline::actors {
namespace {

constexpr std::int64_t pause_min_ms = 50;
constexpr std::int64_t pause_max_ms = 2000;
// A subscription that hears nothing for this long is asked whether it still lives; TCP alone would never tell.
constexpr std::int64_t quiet_ms = 15'000;
constexpr std::int64_t too_long_told_every_ms = 60'000;

struct Pending {
  std::string channel;
  std::string jws;
};

}  // namespace

struct Channel::Impl {
  Impl(loop::Loop& given_loop, store::RedisOptions given_options, AdminMailbox& given_admin)
      : loop(given_loop),
        options(std::move(given_options)),
        admin(given_admin),
        stopping(loop),
        to_send(loop) {}

  // Connects and serves until the link dies, then again.
  void keep(std::unique_ptr<store::RedisLink>& link, Status (Impl::*serve)()) {
    std::int64_t pause = pause_min_ms;
    while (!stopping.is_set()) {
      if (Result<std::unique_ptr<store::RedisLink>> made = store::RedisLink::connect(loop, options)) {
        link = std::move(*made);
        const std::int64_t since = loop.monotonic_ms();
        if (Status served = (this->*serve)(); !served && !stopping.is_set()) {
          log::warning("command_channel_lost", {{"why", served.error().message}});
        }
        link.reset();
        if (loop.monotonic_ms() - since > pause_max_ms) pause = pause_min_ms;  // it worked for a while
      }
      if (stopping.wait(loop.monotonic_ms() + pause)) return;
      pause = std::min(pause * 2, pause_max_ms);
    }
  }

  Status listen() {
    const std::string channel = options.prefix + "commands";
    if (Result<store::RedisReply> subscribed = listener->command({"SUBSCRIBE", channel}); !subscribed) {
      return std::unexpected(subscribed.error());
    } else if (subscribed->is_error()) {
      return fail(Code::unavailable, "Redis refuses SUBSCRIBE: " + std::string(subscribed->view()));
    }
    log::info("command_channel_open", {{"channel", channel}});
    while (!stopping.is_set()) {
      Result<store::RedisReply> push = listener->next(quiet_ms);
      if (!push) return std::unexpected(push.error());
      if (push->is_nil()) {
        // A command that arrives just now may stand before the pong; both come the same way.
        push = listener->command({"PING"});
        if (!push) return std::unexpected(push.error());
      }
      if (push->items.size() == 3 && push->items[0].view() == "message") take(push->items[2].view());
    }
    return {};
  }

  void take(std::string_view jws) {
    if (jws.size() > policy::jws_bytes_max) return tell_too_long(jws.size());
    admin.send(CommandReceived{std::string(jws)});
  }

  // Whoever may publish may send these as fast as Redis carries them; the log must not grow as fast.
  void tell_too_long(std::size_t bytes) {
    ++too_long;
    if (loop.monotonic_ms() < too_long_told_next_ms) return;
    too_long_told_next_ms = loop.monotonic_ms() + too_long_told_every_ms;
    log::warning(
        "command_too_long",
        {{"bytes", bytes}, {"bytes_max", policy::jws_bytes_max}, {"messages", std::exchange(too_long, 0)}});
  }

  Status speak() {
    while (!stopping.is_set()) {
      if (answers.empty()) {
        to_send.reset();
        to_send.wait();
        continue;
      }
      Pending oldest = std::move(answers.front());
      answers.pop_front();
      Result<store::RedisReply> sent = speaker->command({"PUBLISH", oldest.channel, oldest.jws});
      if (!sent) {
        answers.push_front(std::move(oldest));
        return std::unexpected(sent.error());
      }
    }
    return {};
  }

  loop::Loop& loop;
  store::RedisOptions options;
  AdminMailbox& admin;
  loop::Event stopping;
  loop::Event to_send;
  std::deque<Pending> answers;
  std::uint64_t too_long = 0;  // messages since the last line about them
  std::int64_t too_long_told_next_ms = 0;
  std::unique_ptr<store::RedisLink> listener;
  std::unique_ptr<store::RedisLink> speaker;
  boost::fibers::fiber listening;
  boost::fibers::fiber speaking;
};

Channel::Channel(loop::Loop& loop, store::RedisOptions options, AdminMailbox& admin)
    : impl_(std::make_unique<Impl>(loop, std::move(options), admin)) {}
Channel::~Channel() = default;

void Channel::start() {
  impl_->listening = loop::spawn("channel-in", [this] { impl_->keep(impl_->listener, &Impl::listen); });
  impl_->speaking = loop::spawn("channel-out", [this] { impl_->keep(impl_->speaker, &Impl::speak); });
}

void Channel::stop() {
  impl_->stopping.set();
  impl_->to_send.set();
  if (impl_->listener) impl_->listener->shut_down();
  if (impl_->speaker) impl_->speaker->shut_down();
  if (impl_->listening.joinable()) impl_->listening.join();
  if (impl_->speaking.joinable()) impl_->speaking.join();
}

void Channel::send_answer(const std::string& jti, const std::string& jws) {
  if (impl_->answers.size() >= answers_waiting_max) impl_->answers.pop_front();
  impl_->answers.push_back({impl_->options.prefix + "replies:" + jti, jws});
  impl_->to_send.set();
}

}  // namespace shearline::actors
